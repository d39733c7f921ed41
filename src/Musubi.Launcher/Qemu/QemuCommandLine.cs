using System.Globalization;
using Musubi.Linux.Addresses;
using Musubi.Machines;

namespace Musubi.Launcher.Qemu;

/// <summary>A guest NIC as QEMU gets it: a tap's descriptors and what the guest sees.</summary>
/// <param name="Interface">The interface asked for.</param>
/// <param name="Descriptors">One descriptor of the tap per queue, inherited by QEMU under these numbers.</param>
/// <param name="Mac">The guest's address.</param>
/// <param name="MtuBytes">What a virtio guest is told.</param>
internal sealed record QemuNic(MachineInterface Interface, IReadOnlyList<int> Descriptors, MacAddress Mac, int MtuBytes);

/// <summary>A disk as QEMU gets it.</summary>
/// <param name="Disk">The disk asked for.</param>
/// <param name="File">The image, made by the launcher or given.</param>
internal sealed record QemuDisk(MachineDisk Disk, string File);

/// <summary>The sockets and files of one QEMU process, in a directory of its user.</summary>
internal sealed record QemuPaths(string Directory)
{
    public string Qmp => Path.Combine(Directory, "qmp.sock");

    public string Serial => Path.Combine(Directory, "serial.sock");

    public string Agent => Path.Combine(Directory, "agent.sock");
}

/// <summary>Says in QEMU's words what a <see cref="MachineSpec"/> says (qemu(1)). Pure: the same machine gives the same words.</summary>
internal static class QemuCommandLine
{
    /// <summary>QEMU separates options by commas; a comma in a value is doubled.</summary>
    public static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);

    /// <summary>The arguments, without the program.</summary>
    public static List<string> Build(MachineSpec machine, QemuPaths paths, string acceleration, IReadOnlyList<QemuDisk> disks, IReadOnlyList<QemuNic> nics)
    {
        List<string> args =
        [
            "-name", $"guest={Escape(machine.Namespace + "_" + machine.Name)},debug-threads=on",
            "-no-user-config", "-nodefaults", "-display", "none",
            "-machine", $"{machine.MachineType},accel={acceleration},usb=off,dump-guest-core=off,graphics=off",
            "-cpu", CpuModel(machine.CpuModel, acceleration),
            "-m", $"size={machine.MemoryBytes.ToString(CultureInfo.InvariantCulture)}b",
            "-smp", $"{machine.Cpus.Count},sockets={machine.Cpus.Sockets},cores={machine.Cpus.Cores},threads={machine.Cpus.Threads}",
            "-uuid", machine.FirmwareUuid,
            "-rtc", "base=utc,driftfix=slew",
            "-msg", "timestamp=on",

            // What a guest that breaks out of its device models finds: no new processes, no new privileges, no old system calls.
            "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
            "-qmp", $"unix:{Escape(paths.Qmp)},server=on,wait=off",
            "-chardev", $"socket,id=serial0,path={Escape(paths.Serial)},server=on,wait=off",
            "-serial", "chardev:serial0",
            "-device", "virtio-serial-pci,id=virtio-serial0",
            "-chardev", $"socket,id=agent0,path={Escape(paths.Agent)},server=on,wait=off",
            "-device", "virtserialport,chardev=agent0,name=org.qemu.guest_agent.0",
            "-object", "rng-random,id=rng0,filename=/dev/urandom",
            "-device", "virtio-rng-pci,rng=rng0",
            "-device", "virtio-balloon-pci,id=balloon0",
            "-device", "pvpanic",
        ];
        if (machine.Serial is { Length: > 0 } serial)
        {
            args.AddRange(["-smbios", $"type=1,serial={Escape(serial)}"]);
        }

        if (machine.KernelBoot is { } boot)
        {
            args.AddRange(["-kernel", boot.Kernel]);
            if (boot.Initrd is { } initrd)
            {
                args.AddRange(["-initrd", initrd]);
            }

            if (boot.Arguments.Length > 0)
            {
                args.AddRange(["-append", boot.Arguments]);
            }
        }

        AddDisks(args, disks, bootOrderGiven: disks.Any(d => d.Disk.BootOrder is not null) || nics.Any(n => n.Interface.BootOrder is not null));
        foreach (QemuNic nic in nics)
        {
            AddNic(args, nic);
        }

        return args;
    }

    /// <summary>Emulation offers every feature it has for <c>host-model</c>; there is no host CPU to copy.</summary>
    private static string CpuModel(string model, string acceleration) => (model, acceleration) switch
    {
        ("host-model" or "host-passthrough", "kvm") => "host",
        ("host-model" or "host-passthrough", _) => "max",
        _ => model,
    };

    private static void AddDisks(List<string> args, IReadOnlyList<QemuDisk> disks, bool bootOrderGiven)
    {
        if (disks.Any(d => d.Disk.Bus == "scsi"))
        {
            args.AddRange(["-device", "virtio-scsi-pci,id=scsi0"]);
        }

        if (disks.Any(d => d.Disk.Bus == "usb"))
        {
            args.AddRange(["-device", "qemu-xhci,id=usb0"]);
        }

        for (int i = 0; i < disks.Count; i++)
        {
            MachineDisk disk = disks[i].Disk;
            string id = $"disk{i}";
            bool readOnly = disk.ReadOnly || disk.Device == "cdrom";
            args.AddRange(["-drive", $"id={id},if=none,file={Escape(disks[i].File)},format={disk.Format},cache=writeback,aio=threads,discard=unmap"
                + (disk.Ephemeral && !readOnly ? ",snapshot=on" : "")
                + (readOnly ? ",readonly=on" : "")]);

            // Without any order of the user's, the first disk is where the guest boots from.
            int? order = disk.BootOrder ?? (bootOrderGiven || i > 0 ? null : 1);
            string tail = $"drive={id}" + (order is { } o ? $",bootindex={o}" : "") + (disk.Serial is { } s ? $",serial={Escape(s)}" : "");
            args.AddRange(["-device", (disk.Bus, disk.Device) switch
            {
                ("virtio", _) => $"virtio-blk-pci,{tail}",
                ("scsi", "cdrom") => $"scsi-cd,bus=scsi0.0,{tail}",
                ("scsi", _) => $"scsi-hd,bus=scsi0.0,{tail}",
                ("usb", _) => $"usb-storage,bus=usb0.0,{tail}",
                (_, "cdrom") => $"ide-cd,bus=ide.{i % 6},{tail}",
                _ => $"ide-hd,bus=ide.{i % 6},{tail}",
            }]);
        }
    }

    private static void AddNic(List<string> args, QemuNic nic)
    {
        MachineInterface spec = nic.Interface;
        string id = $"net-{spec.Name}";
        int queues = nic.Descriptors.Count;
        args.AddRange(["-netdev", queues == 1
            ? $"tap,id={Escape(id)},fd={nic.Descriptors[0]},vhost=off"
            : $"tap,id={Escape(id)},fds={string.Join(':', nic.Descriptors)},vhost=off"]);
        bool virtio = spec.Model == "virtio";
        string device = $"{(virtio ? "virtio-net-pci" : spec.Model)},netdev={Escape(id)},id={Escape("ua-" + spec.Name)},mac={nic.Mac}"
            + (virtio ? $",host_mtu={nic.MtuBytes}" : "")
            + (virtio && queues > 1 ? $",mq=on,vectors={(2 * queues) + 2}" : "")
            + (spec.BootOrder is { } order ? $",bootindex={order}" : ",romfile=")
            + (spec.AcpiIndex is { } index ? $",acpi-index={index}" : "")
            + (spec.PciAddress is { } address ? $",addr={PciSlot(address)}" : "");
        args.AddRange(["-device", device]);
    }

    /// <summary><c>0000:00:05.0</c> → <c>05.0</c>: slots of the root bus are named without domain and bus.</summary>
    private static string PciSlot(string address) => address[(address.LastIndexOf(':') + 1)..];
}
