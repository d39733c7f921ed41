using System.Text;
using Musubi.Api.Admission;

namespace Musubi.Api.KubeVirt.Validation;

/// <summary>Rules about disks, volumes, cloud-init data and the boot order.</summary>
internal static class DiskRules
{
    private const int MaxInlineBytes = 2048;
    private const int MaxBootOrder = 65535;
    private static readonly string[] Sources =
    [
        "containerDisk", "cloudInitNoCloud", "cloudInitConfigDrive", "emptyDisk", "persistentVolumeClaim", "dataVolume", "ephemeral", "hostDisk",
        "configMap", "secret", "downwardAPI", "serviceAccount", "sysprep", "downwardMetrics", "memoryDump", "containerPath",
    ];

    private static readonly string[] AtMostOne = ["serviceAccount", "downwardMetrics", "memoryDump"];

    public static void Check(Field spec)
    {
        IReadOnlyList<Field> volumes = spec["volumes"].Items();
        IReadOnlyList<Field> disks = spec["domain"]["devices"]["disks"].Items();
        HashSet<string> volumeNames = [];
        foreach (Field volume in volumes)
        {
            CheckVolume(volume, volumeNames);
        }

        foreach (string source in AtMostOne)
        {
            foreach (Field more in volumes.Where(v => v[source].Exists).Skip(1))
            {
                more[source].Forbidden($"only one {source} volume is possible");
            }
        }

        HashSet<string> diskNames = [];
        foreach (Field disk in disks)
        {
            if (!disk.IsObject())
            {
                continue;
            }

            if (disk["name"].Text() is not { Length: > 0 } name)
            {
                disk["name"].Required("the name of the volume that the disk shows");
            }
            else if (!diskNames.Add(name))
            {
                disk["name"].Duplicate("disks have unique names");
            }
            else if (!volumeNames.Contains(name))
            {
                disk["name"].Invalid($"{spec["volumes"].Path} '{name}' not found; every disk shows the volume of its name");
            }

            CheckTarget(disk);
        }

        CheckBootOrder(disks, spec["domain"]["devices"]["interfaces"]);
        CheckKernelBoot(spec["domain"]["firmware"]["kernelBoot"]);
    }

    private static void CheckVolume(Field volume, HashSet<string> names)
    {
        if (!volume.IsObject())
        {
            return;
        }

        if (volume["name"].Text() is not { Length: > 0 } name)
        {
            volume["name"].Required("disks find their volume by name");
        }
        else if (!names.Add(name))
        {
            volume["name"].Duplicate("volumes have unique names");
        }

        string[] given = [.. Sources.Where(s => volume[s].Exists)];
        if (given.Length != 1)
        {
            volume.Required(given.Length == 0
                ? $"a volume source; one of {string.Join(", ", Sources)}"
                : $"only one volume source may be given, found {string.Join(" and ", given)}");
        }

        if (volume["containerDisk"] is { Exists: true } image && image.IsObject() && image["image"].Text() is not { Length: > 0 })
        {
            image["image"].Required("the name of an image that holds a disk");
        }

        if (volume["emptyDisk"] is { Exists: true } empty && empty.IsObject())
        {
            if (!empty["capacity"].Exists)
            {
                empty["capacity"].Required("the disk's size, as 1Gi");
            }
            else if (empty["capacity"].Amount() is { IsZero: true })
            {
                empty["capacity"].Invalid("must be above zero, as 1Gi");
            }
        }

        foreach (string kind in new[] { "cloudInitNoCloud", "cloudInitConfigDrive" })
        {
            if (volume[kind].Exists && volume[kind].IsObject())
            {
                CheckCloudInit(volume[kind]);
            }
        }
    }

    private static void CheckCloudInit(Field data)
    {
        int user = CountGiven(data, "userData", "userDataBase64", "secretRef");
        int network = CountGiven(data, "networkData", "networkDataBase64", "networkDataSecretRef");
        if (user + network == 0)
        {
            data.Required("userData or networkData, inline, in base64 or from a Secret");
        }

        foreach (string inline in new[] { "userData", "networkData" })
        {
            if (data[inline].Text() is { } text && Encoding.UTF8.GetByteCount(text) > MaxInlineBytes)
            {
                data[inline].Invalid($"{Encoding.UTF8.GetByteCount(text)} bytes", $"may have at most {MaxInlineBytes} bytes; put longer data into a Secret");
            }

            string encoded = $"{inline}Base64";
            if (data[encoded].Text() is not { Length: > 0 } base64)
            {
                continue;
            }

            byte[] bytes = new byte[base64.Length];
            if (!Convert.TryFromBase64String(base64, bytes, out int length))
            {
                data[encoded].Invalid("...", "is not base64");
            }
            else if (length > MaxInlineBytes)
            {
                data[encoded].Invalid($"{length} bytes", $"may have at most {MaxInlineBytes} bytes when decoded; put longer data into a Secret");
            }
        }
    }

    private static int CountGiven(Field data, params string[] places)
    {
        string[] given = [.. places.Where(p => data[p] is { Exists: true } f && f.TextOrNothing() is not "")];
        if (given.Length > 1)
        {
            data.Forbidden($"{string.Join(" and ", given)} exclude each other; keep one of them");
        }

        return given.Length;
    }

    private static void CheckTarget(Field disk)
    {
        string[] targets = [.. new[] { "disk", "lun", "cdrom" }.Where(t => disk[t].Exists)];
        if (targets.Length > 1)
        {
            disk.Invalid(disk["name"].TextOrNothing() ?? "", $"only one target may be given, found {string.Join(" and ", targets)}");
        }

        foreach (string target in targets)
        {
            if (!disk[target].IsObject())
            {
                continue;
            }

            if (target == "cdrom")
            {
                disk[target]["bus"].OneOf("", "sata", "scsi", "usb");
            }
            else if (target == "lun")
            {
                disk[target]["bus"].OneOf("", "virtio", "sata", "scsi");
            }
            else
            {
                disk[target]["bus"].OneOf("", "virtio", "sata", "scsi", "usb");
            }

            disk[target]["readonly"].Bool();
        }

        disk["cache"].OneOf("", "none", "writethrough", "writeback");
    }

    private static void CheckBootOrder(IReadOnlyList<Field> disks, Field interfaces)
    {
        Dictionary<long, string> taken = [];
        foreach (Field device in disks.Concat(interfaces.Node is System.Text.Json.Nodes.JsonArray ? interfaces.Items() : []))
        {
            Field order = device["bootOrder"];
            if (order.Integer() is not { } position)
            {
                continue;
            }

            if (position is < 1 or > MaxBootOrder)
            {
                order.Invalid($"must be between 1 and {MaxBootOrder}");
            }
            else if (!taken.TryAdd(position, device.Path))
            {
                order.Duplicate($"{taken[position]} has it already; positions are unique over disks and interfaces");
            }
        }
    }

    private static void CheckKernelBoot(Field boot)
    {
        if (!boot.Exists || !boot.IsObject())
        {
            return;
        }

        Field container = boot["container"];
        if (!container.Exists)
        {
            if (boot["kernelArgs"].Text() is { Length: > 0 })
            {
                boot["kernelArgs"].Invalid("kernel arguments need a kernel: set kernelBoot.container");
            }

            return;
        }

        if (container["image"].Text() is not { Length: > 0 })
        {
            container["image"].Required("the name of an image that holds the kernel");
        }

        if (container["kernelPath"].Text() is not { Length: > 0 } && container["initrdPath"].Text() is not { Length: > 0 })
        {
            container["kernelPath"].Required("kernelPath or initrdPath, as a path in the image");
        }
    }
}
