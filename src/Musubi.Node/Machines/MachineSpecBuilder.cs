using System.Text;
using System.Text.Json.Nodes;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;
using Musubi.Machines;
using Musubi.Node.Attachments;
using Musubi.Node.Images;
using ApiInterface = Musubi.Api.KubeVirt.Interface;
using MachineKernelBoot = Musubi.Machines.KernelBoot;

namespace Musubi.Node.Machines;

/// <summary>How guests run on this node, found out once.</summary>
/// <param name="Name"><c>kvm</c> or <c>tcg</c>.</param>
/// <param name="Reason">Why.</param>
internal sealed record NodeAcceleration(string Name, string Reason);

/// <summary>Resolves an instance into what a launcher runs: image names into files, networks into pod interfaces, secrets into contents.</summary>
internal sealed class MachineSpecBuilder(ApiClient api, ImageStore images)
{
    private const string DefaultDomain = "cluster.local";
    private const int LongestHostname = 63;

    /// <summary>Builds the machine.</summary>
    /// <exception cref="PodSetupException">An image, a file in it, or a secret is missing.</exception>
    public async Task<MachineSpec> BuildAsync(VirtualMachineInstance vmi, NodeAcceleration acceleration, CancellationToken ct)
    {
        VirtualMachineInstanceSpec spec = vmi.Spec ?? new();
        Domain domain = spec.Domain ?? new();
        string uuid = domain.Firmware?.Uuid is { Length: > 0 } given ? given : vmi.Metadata.Uid ?? Guid.NewGuid().ToString();
        string hostname = HostnameOf(vmi);
        try
        {
            return new MachineSpec
            {
                Name = vmi.Metadata.Name ?? "",
                Namespace = vmi.Metadata.Namespace ?? "",
                Uid = vmi.Metadata.Uid ?? "",
                Hostname = hostname,
                Subdomain = spec.Subdomain,
                MemoryBytes = MemoryOf(domain),
                Cpus = new CpuTopology { Sockets = domain.Cpu?.Sockets ?? 1, Cores = domain.Cpu?.Cores ?? 1, Threads = domain.Cpu?.Threads ?? 1 },
                CpuModel = domain.Cpu?.Model is { Length: > 0 } model ? model : "host-model",
                MachineType = domain.Machine?.Type is { Length: > 0 } type ? type : "q35",
                FirmwareUuid = uuid,
                Serial = domain.Firmware?.Serial,
                KernelBoot = KernelBootOf(domain),
                Disks = await DisksOfAsync(vmi, uuid, hostname, ct),
                Interfaces = [.. PodInterfaces.Of(vmi).Select(InterfaceOf)],
                Multiqueue = domain.Devices?.NetworkInterfaceMultiqueue ?? false,
                Dns = DnsOf(vmi),
                TerminationGraceSeconds = (int)Math.Clamp(spec.TerminationGracePeriodSeconds ?? 30, 0, int.MaxValue),
                Acceleration = acceleration.Name,
                AccelerationReason = acceleration.Reason,
            };
        }
        catch (ImageException e)
        {
            throw new PodSetupException("ErrImagePull", e.Message);
        }
    }

    /// <summary>Guest memory in bytes: what the guest is to see, or else what its pod asks for.</summary>
    public static long MemoryOf(Domain domain) =>
        (domain.Memory?.Guest ?? Quantity(domain.Resources?.Requests) ?? Quantity(domain.Resources?.Limits))?.ToBytes() ?? 0;

    private static Quantity? Quantity(Dictionary<string, Quantity>? list) => list is not null && list.TryGetValue("memory", out Quantity q) ? q : null;

    private static string HostnameOf(VirtualMachineInstance vmi)
    {
        string name = vmi.Spec?.Hostname is { Length: > 0 } given ? given : (vmi.Metadata.Name ?? "").Split('.')[0];
        return name.Length <= LongestHostname ? name : name[..LongestHostname];
    }

    private MachineKernelBoot? KernelBootOf(Domain domain)
    {
        if (domain.Firmware?.KernelBoot is not { } boot)
        {
            return null;
        }

        if (boot.Container?.Image is not { Length: > 0 } name)
        {
            return null;
        }

        StoredImage image = ImageOf(name);
        return boot.Container.KernelPath is not { Length: > 0 } kernel
            ? null
            : new MachineKernelBoot(
                ImageStore.FileOf(image, kernel),
                boot.Container.InitrdPath is { Length: > 0 } initrd ? ImageStore.FileOf(image, initrd) : null,
                boot.KernelArgs ?? "");
    }

    private StoredImage ImageOf(string name) => images.Find(name)
        ?? throw new ImageException($"image \"{name}\" is not in this node's store: import it with \"musubi image import {name} PATH\", or correct the name ({Known()})");

    private string Known() => images.List() is { Count: > 0 } list ? $"known: {string.Join(", ", list.Select(i => i.Name))}" : "the store is empty";

    private async Task<IReadOnlyList<MachineDisk>> DisksOfAsync(VirtualMachineInstance vmi, string uuid, string hostname, CancellationToken ct)
    {
        List<MachineDisk> disks = [];
        foreach (Volume volume in vmi.Spec?.Volumes ?? [])
        {
            Disk disk = vmi.Spec?.Domain?.Devices?.Disks?.Find(d => d.Name == volume.Name) ?? new Disk { Name = volume.Name };
            (string device, DiskTarget? target) = disk switch
            {
                { Cdrom: { } cd } => ("cdrom", cd),
                { Lun: { } lun } => ("lun", lun),
                _ => ("disk", disk.HardDisk),
            };
            MachineDisk common = new()
            {
                Name = volume.Name,
                Device = device,
                Bus = target?.Bus is { Length: > 0 } bus ? bus : device == "cdrom" ? "sata" : "virtio",
                ReadOnly = target?.Readonly ?? device == "cdrom",
                BootOrder = disk.BootOrder,
                Serial = disk.Serial,
            };
            if (volume.ContainerDisk is { Image: { } name } container)
            {
                string file = ImageStore.DiskOf(ImageOf(name), container.Path);
                disks.Add(common with { File = file, Format = ImageStore.FormatOf(file), Ephemeral = true });
            }
            else if ((volume.CloudInitNoCloud ?? volume.CloudInitConfigDrive) is { } cloudInit)
            {
                disks.Add(common with { CloudInit = await MediaOfAsync(vmi, cloudInit, uuid, hostname, ct) });
            }
            else if (volume.EmptyDisk is { } empty)
            {
                disks.Add(common with { CapacityBytes = empty.Capacity?.ToBytes() ?? 0 });
            }
            else
            {
                throw new PodSetupException("FailedMount", $"volume {volume.Name}: its source is not supported yet; use containerDisk, cloudInitNoCloud or emptyDisk");
            }
        }

        return disks;
    }

    private async Task<CloudInitMedia> MediaOfAsync(VirtualMachineInstance vmi, CloudInit source, string uuid, string hostname, CancellationToken ct)
    {
        string metaData = new JsonObject { ["instance-id"] = uuid, ["local-hostname"] = hostname }.ToJsonString();
        string? userData = source.UserData ?? Decode(source.UserDataBase64, "cloud-init's userDataBase64") ?? await SecretTextAsync(vmi, source.SecretRef, ["userdata", "userData"], ct);
        string? network = source.NetworkData ?? Decode(source.NetworkDataBase64, "cloud-init's networkDataBase64") ?? await SecretTextAsync(vmi, source.NetworkDataSecretRef, ["networkdata", "networkData"], ct);
        return new CloudInitMedia(metaData, userData, network);
    }

    private static string? Decode(string? base64, string what)
    {
        try
        {
            return string.IsNullOrEmpty(base64) ? null : Encoding.UTF8.GetString(Convert.FromBase64String(base64));
        }
        catch (FormatException)
        {
            throw new PodSetupException("FailedMount", $"{what} is not valid base64");
        }
    }

    private async Task<string?> SecretTextAsync(VirtualMachineInstance vmi, LocalObjectReference? reference, string[] keys, CancellationToken ct)
    {
        if (reference?.Name is not { Length: > 0 } name)
        {
            return null;
        }

        ObjectKey key = new(vmi.Metadata.Namespace ?? "", name);
        Secret secret = await api.Resource<Secret>().FindAsync(key, ct)
            ?? throw new PodSetupException("FailedMount", $"secret {key}, which a cloud-init volume names, does not exist");
        foreach (string wanted in keys)
        {
            if (secret.Data is { } data && data.TryGetValue(wanted, out string? value))
            {
                return Decode(value, $"key {wanted} of secret {key}");
            }
        }

        throw new PodSetupException("FailedMount", $"secret {key} has none of the keys {string.Join(", ", keys)}");
    }

    private static MachineInterface InterfaceOf(PodInterface item)
    {
        ApiInterface wanted = item.Interface;
        string binding = wanted switch
        {
            { Masquerade: not null } => "masquerade",
            { Bridge: not null } => "bridge",
            _ => throw new PodSetupException("FailedCreate", $"interface {wanted.Name}: its binding is not supported yet; use masquerade or bridge"),
        };
        return new MachineInterface
        {
            Name = wanted.Name,
            Binding = binding,
            PodInterface = item.Name,
            Model = wanted.Model is { Length: > 0 } model ? model : "virtio",
            Mac = wanted.MacAddress is { Length: > 0 } mac ? mac : null,
            Ports = [.. (wanted.Ports ?? []).Select(p => new MachinePort(p.Protocol is { Length: > 0 } protocol ? protocol : "TCP", p.Port))],
            VmNetworkCidr = item.Network.Pod?.VmNetworkCIDR is { Length: > 0 } v4 ? v4 : "10.0.2.0/24",
            VmIPv6NetworkCidr = item.Network.Pod?.VmIPv6NetworkCIDR is { Length: > 0 } v6 ? v6 : "fd10:0:2::/120",
            BootOrder = wanted.BootOrder,
            AcpiIndex = wanted.AcpiIndex,
            PciAddress = wanted.PciAddress,
            LinkState = wanted.State == "down" ? "down" : "up",
            Dhcp = new MachineDhcpOptions
            {
                BootFileName = wanted.DhcpOptions?.BootFileName,
                TftpServerName = wanted.DhcpOptions?.TftpServerName,
                NtpServers = wanted.DhcpOptions?.NtpServers ?? [],
                PrivateOptions = (wanted.DhcpOptions?.PrivateOptions ?? []).DistinctBy(o => o.Option).ToDictionary(o => o.Option, o => o.Value ?? ""),
            },
        };
    }

    private static MachineDns DnsOf(VirtualMachineInstance vmi)
    {
        PodDnsConfig? own = vmi.Spec?.DnsConfig;
        string ns = vmi.Metadata.Namespace ?? "default";
        List<string> searches = vmi.Spec?.DnsPolicy == "None" ? [] : [$"{ns}.svc.{DefaultDomain}", $"svc.{DefaultDomain}", DefaultDomain];
        if (vmi.Spec?.Subdomain is { Length: > 0 } subdomain)
        {
            searches.Insert(0, $"{subdomain}.{ns}.svc.{DefaultDomain}");
        }

        searches.AddRange((own?.Searches ?? []).Where(s => !searches.Contains(s)));
        return new MachineDns { Nameservers = own?.Nameservers ?? [], Searches = searches };
    }
}
