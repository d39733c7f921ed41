using Musubi.Launcher.Qemu;
using Musubi.Linux.Addresses;
using Musubi.Machines;

namespace Musubi.Launcher.Tests.Qemu;

public sealed class QemuCommandLineTests
{
    private static readonly MachineSpec _machine = new()
    {
        Name = "vm-a",
        Namespace = "default",
        Uid = "u",
        Hostname = "vm-a",
        MemoryBytes = 134217728,
        FirmwareUuid = "5d307ca9-b3ef-428c-8861-06e72d69f223",
    };

    private static readonly MachineInterface _nic = new() { Name = "default", Binding = "masquerade", PodInterface = "eth0" };

    private static List<string> Build(MachineSpec machine, MachineDisk[]? disks = null, QemuNic[]? nics = null, string acceleration = "tcg") =>
        QemuCommandLine.Build(machine, new QemuPaths("/run/m"), acceleration, [.. (disks ?? []).Select(d => new QemuDisk(d, d.File ?? "/made"))], nics ?? []);

    /// <summary>Values of an option in order.</summary>
    private static IReadOnlyList<string> Values(List<string> args, string option) => [.. args.Zip(args.Skip(1)).Where(p => p.First == option).Select(p => p.Second)];

    private static string Nic(MachineInterface spec, params int[] descriptors) =>
        Values(Build(_machine, nics: [new QemuNic(spec, descriptors, MacAddress.Parse("02:00:00:00:00:01"), 1450)]), "-device")[^1];

    [Fact]
    public void Build_SameMachine_GivesSameWords() => Assert.Equal(Build(_machine), Build(_machine));

    [Fact]
    public void Build_Machine_SaysNameMemoryProcessorsAndUuid()
    {
        List<string> args = Build(_machine with { Cpus = new CpuTopology { Sockets = 2, Cores = 3, Threads = 2 }, Serial = "a,b" });

        Assert.Equal(["guest=default_vm-a,debug-threads=on"], Values(args, "-name"));
        Assert.Equal(["q35,accel=tcg,usb=off,dump-guest-core=off,graphics=off"], Values(args, "-machine"));
        Assert.Equal(["size=134217728b"], Values(args, "-m"));
        Assert.Equal(["12,sockets=2,cores=3,threads=2"], Values(args, "-smp"));
        Assert.Equal([_machine.FirmwareUuid], Values(args, "-uuid"));
        Assert.Equal(["type=1,serial=a,,b"], Values(args, "-smbios"));
        Assert.Equal(["unix:/run/m/qmp.sock,server=on,wait=off"], Values(args, "-qmp"));
        Assert.Contains("-nodefaults", args);
        Assert.Equal(["on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"], Values(args, "-sandbox"));
    }

    [Theory]
    [InlineData("host-model", "kvm", "host")]
    [InlineData("host-passthrough", "kvm", "host")]
    [InlineData("host-model", "tcg", "max")]
    [InlineData("Skylake-Server", "tcg", "Skylake-Server")]
    public void Build_CpuModel_FitsTheAcceleration(string model, string acceleration, string expected) =>
        Assert.Equal([expected], Values(Build(_machine with { CpuModel = model }, acceleration: acceleration), "-cpu"));

    [Fact]
    public void Build_KernelBoot_IsSaidOnlyWhenThere()
    {
        List<string> args = Build(_machine with { KernelBoot = new KernelBoot("/k", "/i", "console=ttyS0") });

        Assert.Equal(["/k", "/i", "console=ttyS0"], [.. Values(args, "-kernel"), .. Values(args, "-initrd"), .. Values(args, "-append")]);
        Assert.DoesNotContain("-kernel", Build(_machine));
        Assert.DoesNotContain("-initrd", Build(_machine with { KernelBoot = new KernelBoot("/k", null, "") }));
        Assert.DoesNotContain("-append", Build(_machine with { KernelBoot = new KernelBoot("/k", null, "") }));
    }

    [Fact]
    public void Build_Disks_AreDrivesAndDevicesInOrder()
    {
        List<string> args = Build(
            _machine,
            [
                new MachineDisk { Name = "root", File = "/a,b.img", Ephemeral = true },
                new MachineDisk { Name = "seed", Device = "cdrom", Bus = "sata" },
                new MachineDisk { Name = "data", Bus = "scsi", Serial = "s1", Format = "qcow2" },
            ]);

        Assert.Equal(
            [
                "id=disk0,if=none,file=/a,,b.img,format=raw,cache=writeback,aio=threads,discard=unmap,snapshot=on",
                "id=disk1,if=none,file=/made,format=raw,cache=writeback,aio=threads,discard=unmap,readonly=on",
                "id=disk2,if=none,file=/made,format=qcow2,cache=writeback,aio=threads,discard=unmap",
            ],
            Values(args, "-drive"));
        Assert.Equal(
            ["virtio-scsi-pci,id=scsi0", "virtio-blk-pci,drive=disk0,bootindex=1", "ide-cd,bus=ide.1,drive=disk1", "scsi-hd,bus=scsi0.0,drive=disk2,serial=s1"],
            Values(args, "-device").TakeLast(4));
    }

    [Fact]
    public void Build_BootOrderOfTheUsers_ReplacesTheDefault()
    {
        List<string> args = Build(_machine, [new MachineDisk { Name = "a" }, new MachineDisk { Name = "b", BootOrder = 1 }]);

        Assert.Equal(["virtio-blk-pci,drive=disk0", "virtio-blk-pci,drive=disk1,bootindex=1"], Values(args, "-device").TakeLast(2));
    }

    [Fact]
    public void Build_Nic_HasTapByDescriptor()
    {
        List<string> args = Build(_machine, nics: [new QemuNic(_nic, [7], MacAddress.Parse("02:00:00:00:00:01"), 1450)]);

        Assert.Equal(["tap,id=net-default,fd=7,vhost=off"], Values(args, "-netdev"));
        Assert.Equal("virtio-net-pci,netdev=net-default,id=ua-default,mac=02:00:00:00:00:01,host_mtu=1450,romfile=", Values(args, "-device")[^1]);
    }

    [Fact]
    public void Build_NicWithQueues_HasADescriptorForEach()
    {
        List<string> args = Build(_machine, nics: [new QemuNic(_nic, [7, 8, 9], MacAddress.Parse("02:00:00:00:00:01"), 1500)]);

        Assert.Equal(["tap,id=net-default,fds=7:8:9,vhost=off"], Values(args, "-netdev"));
        Assert.Contains(",mq=on,vectors=8,", Values(args, "-device")[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Build_NicModel_OnlyVirtioIsToldTheMtu() =>
        Assert.Equal("e1000e,netdev=net-default,id=ua-default,mac=02:00:00:00:00:01,romfile=", Nic(_nic with { Model = "e1000e" }, 7));

    [Fact]
    public void Build_NicPlaces_AreSaid() =>
        Assert.EndsWith(",bootindex=2,acpi-index=5,addr=05.0", Nic(_nic with { BootOrder = 2, AcpiIndex = 5, PciAddress = "0000:00:05.0" }, 7), StringComparison.Ordinal);
}
