using System.Text;
using System.Text.Json;
using Musubi.Machines;
using Musubi.Node.Attachments;
using Musubi.Node.Images;
using Musubi.Node.Machines;
using Musubi.Node.Tests.Support;

namespace Musubi.Node.Tests.Machines;

public sealed class MachineSpecBuilderTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();
    private readonly StubApi _api = new();
    private readonly ImageStore _images;

    public MachineSpecBuilderTests()
    {
        _images = new ImageStore(_files.File("images"), TimeProvider.System);
        _files.Write("guest/disk/disk.img", "QFI\u00fb");
        _files.Write("guest/boot/vmlinuz", "k");
        _files.Write("guest/boot/initrd", "i");
        _images.Import("musubi/guest", _files.File("guest"));
    }

    public void Dispose()
    {
        _api.Dispose();
        _files.Dispose();
    }

    private Task<MachineSpec> BuildAsync(string spec) =>
        new MachineSpecBuilder(_api.Client, _images).BuildAsync(Sample.Instance(spec), new NodeAcceleration("tcg", "why"), CancellationToken.None);

    private async Task<PodSetupException> RefusedAsync(string spec) => await Assert.ThrowsAsync<PodSetupException>(() => BuildAsync(spec));

    private static string WithVolume(string volume, string disk = """{"name":"v","disk":{"bus":"virtio"}}""") =>
        $$$"""{"domain":{"devices":{"disks":[{{{disk}}}]}},"volumes":[{"name":"v",{{{volume}}}}]}""";

    [Fact]
    public async Task Build_LeastInstance_GetsDefaults()
    {
        MachineSpec machine = await BuildAsync("""{"domain":{"resources":{"requests":{"memory":"128Mi"}},"devices":{}}}""");

        Assert.Equal(("vm-a", "default", "vm-a", 134217728L, "host-model", "q35"), (machine.Name, machine.Namespace, machine.Hostname, machine.MemoryBytes, machine.CpuModel, machine.MachineType));
        Assert.Equal("11111111-2222-3333-4444-555555555555", machine.FirmwareUuid);
        Assert.Equal(("tcg", "why", 30, 1), (machine.Acceleration, machine.AccelerationReason, machine.TerminationGraceSeconds, machine.Cpus.Count));
        Assert.Null(machine.KernelBoot);
        Assert.Equal(["default.svc.cluster.local", "svc.cluster.local", "cluster.local"], machine.Dns.Searches);
    }

    [Fact]
    public async Task Build_GuestMemory_WinsOverRequests() =>
        Assert.Equal(67108864, (await BuildAsync("""{"domain":{"memory":{"guest":"64Mi"},"resources":{"requests":{"memory":"128Mi"}},"devices":{}}}""")).MemoryBytes);

    [Fact]
    public async Task Build_CpuFirmwareAndNames_AreTaken()
    {
        MachineSpec machine = await BuildAsync("""{"hostname":"web","subdomain":"sub","terminationGracePeriodSeconds":5,"domain":{"cpu":{"sockets":2,"cores":3,"threads":2,"model":"Nehalem"},"machine":{"type":"pc"},"firmware":{"uuid":"u-1","serial":"s-1"},"devices":{"networkInterfaceMultiqueue":true}}}""");

        Assert.Equal(("web", "sub", 5, 12, "Nehalem", "pc", "u-1", "s-1", true), (machine.Hostname, machine.Subdomain, machine.TerminationGraceSeconds, machine.Cpus.Count, machine.CpuModel, machine.MachineType, machine.FirmwareUuid, machine.Serial, machine.Multiqueue));
        Assert.Equal("sub.default.svc.cluster.local", machine.Dns.Searches[0]);
    }

    [Fact]
    public async Task Build_DnsOfTheUsers_IsAddedOrReplaces()
    {
        MachineSpec machine = await BuildAsync("""{"dnsPolicy":"None","dnsConfig":{"nameservers":["10.0.0.53"],"searches":["corp"]},"domain":{"devices":{}}}""");

        Assert.Equal(["10.0.0.53"], machine.Dns.Nameservers);
        Assert.Equal(["corp"], machine.Dns.Searches);
    }

    [Fact]
    public async Task Build_KernelBoot_BecomesFilesOfTheImage()
    {
        MachineSpec machine = await BuildAsync("""{"domain":{"firmware":{"kernelBoot":{"kernelArgs":"console=ttyS0","container":{"image":"musubi/guest:latest","kernelPath":"/boot/vmlinuz","initrdPath":"/boot/initrd"}}},"devices":{}}}""");

        Assert.Equal(("k", "i", "console=ttyS0"), (File.ReadAllText(machine.KernelBoot!.Kernel), File.ReadAllText(machine.KernelBoot.Initrd!), machine.KernelBoot.Arguments));
    }

    [Fact]
    public async Task Build_KernelNotInTheImage_IsNamed()
    {
        PodSetupException error = await RefusedAsync("""{"domain":{"firmware":{"kernelBoot":{"container":{"image":"musubi/guest","kernelPath":"/boot/nothing"}}},"devices":{}}}""");

        Assert.Equal(("ErrImagePull", "image musubi/guest:latest has no file /boot/nothing"), (error.Reason, error.Message));
    }

    [Fact]
    public async Task Build_ContainerDisk_IsTheImagesFileAndEphemeral()
    {
        MachineDisk disk = Assert.Single((await BuildAsync(WithVolume("\"containerDisk\":{\"image\":\"musubi/guest\"}", """{"name":"v","serial":"s","bootOrder":2,"disk":{"bus":"scsi"}}"""))).Disks);

        Assert.EndsWith("/disk/disk.img", disk.File, StringComparison.Ordinal);
        Assert.Equal(("v", "disk", "scsi", true, 2, "s"), (disk.Name, disk.Device, disk.Bus, disk.Ephemeral, disk.BootOrder, disk.Serial));
    }

    [Fact]
    public async Task Build_ImageMissing_SaysHowToImportAndWhatIsThere()
    {
        PodSetupException error = await RefusedAsync(WithVolume("\"containerDisk\":{\"image\":\"other\"}"));

        Assert.Equal("ErrImagePull", error.Reason);
        Assert.Equal("image \"other\" is not in this node's store: import it with \"musubi image import other PATH\", or correct the name (known: musubi/guest:latest)", error.Message);
    }

    [Fact]
    public async Task Build_CloudInit_IsPutIntoMedia()
    {
        string base64 = Convert.ToBase64String("net"u8);
        MachineDisk disk = Assert.Single((await BuildAsync(WithVolume($"\"cloudInitNoCloud\":{{\"userData\":\"#cloud-config\",\"networkDataBase64\":\"{base64}\"}}", """{"name":"v","cdrom":{}}"""))).Disks);

        Assert.Equal(("cdrom", "sata", true, "#cloud-config", "net"), (disk.Device, disk.Bus, disk.ReadOnly, disk.CloudInit!.UserData, disk.CloudInit.NetworkConfig));
        using JsonDocument meta = JsonDocument.Parse(disk.CloudInit.MetaData);
        Assert.Equal("vm-a", meta.RootElement.GetProperty("local-hostname").GetString());
    }

    [Fact]
    public async Task Build_CloudInitBadBase64_IsNamed()
    {
        PodSetupException error = await RefusedAsync(WithVolume("\"cloudInitNoCloud\":{\"userDataBase64\":\"***\"}"));

        Assert.Equal(("FailedMount", "cloud-init's userDataBase64 is not valid base64"), (error.Reason, error.Message));
    }

    [Fact]
    public async Task Build_CloudInitSecret_IsRead()
    {
        _api.Put("/api/v1/namespaces/default/secrets/s", $$$"""{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"default"},"data":{"userdata":"{{{Convert.ToBase64String(Encoding.UTF8.GetBytes("#from secret"))}}}"}}""");

        Assert.Equal("#from secret", (await BuildAsync(WithVolume("\"cloudInitNoCloud\":{\"secretRef\":{\"name\":\"s\"}}"))).Disks[0].CloudInit!.UserData);
    }

    [Fact]
    public async Task Build_SecretMissingOrWithoutKey_IsNamed()
    {
        string volume = WithVolume("\"cloudInitNoCloud\":{\"secretRef\":{\"name\":\"s\"}}");
        Assert.Equal("secret default/s, which a cloud-init volume names, does not exist", (await RefusedAsync(volume)).Message);

        _api.Put("/api/v1/namespaces/default/secrets/s", """{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"default"},"data":{"other":"eA=="}}""");
        Assert.Equal("secret default/s has none of the keys userdata, userData", (await RefusedAsync(volume)).Message);
    }

    [Fact]
    public async Task Build_EmptyDisk_HasItsSize() =>
        Assert.Equal(1L << 30, (await BuildAsync(WithVolume("\"emptyDisk\":{\"capacity\":\"1Gi\"}"))).Disks[0].CapacityBytes);

    [Fact]
    public async Task Build_OtherVolume_IsRefusedByName()
    {
        PodSetupException error = await RefusedAsync(WithVolume("\"persistentVolumeClaim\":{\"claimName\":\"c\"}"));

        Assert.Equal("FailedMount", error.Reason);
        Assert.StartsWith("volume v: its source is not supported yet", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_Interfaces_AreInTheOrderOfNetworks()
    {
        MachineSpec machine = await BuildAsync("""
            {"domain":{"devices":{"interfaces":[
              {"name":"blue","bridge":{},"macAddress":"02:00:00:00:00:09","model":"e1000e","state":"down","pciAddress":"0000:00:05.0"},
              {"name":"default","masquerade":{},"bootOrder":1,"ports":[{"port":80},{"port":53,"protocol":"UDP"}],"dhcpOptions":{"bootFileName":"b","ntpServers":["10.0.0.9"],"privateOptions":[{"option":240,"value":"x"}]}}]}},
             "networks":[{"name":"default","pod":{"vmNetworkCIDR":"10.11.12.0/24"}},{"name":"blue","multus":{"networkName":"blue-net"}}]}
            """);

        Assert.Equal([("default", "masquerade", "eth0"), ("blue", "bridge", "net1")], machine.Interfaces.Select(i => (i.Name, i.Binding, i.PodInterface)));
        Assert.Equal([new MachinePort("TCP", 80), new MachinePort("UDP", 53)], machine.Interfaces[0].Ports);
        Assert.Equal(("10.11.12.0/24", "fd10:0:2::/120", "virtio", "up"), (machine.Interfaces[0].VmNetworkCidr, machine.Interfaces[0].VmIPv6NetworkCidr, machine.Interfaces[0].Model, machine.Interfaces[0].LinkState));
        Assert.Equal(("b", "x"), (machine.Interfaces[0].Dhcp.BootFileName, machine.Interfaces[0].Dhcp.PrivateOptions[240]));
        Assert.Equal(("02:00:00:00:00:09", "e1000e", "down", "0000:00:05.0"), (machine.Interfaces[1].Mac, machine.Interfaces[1].Model, machine.Interfaces[1].LinkState, machine.Interfaces[1].PciAddress));
    }

    [Fact]
    public async Task Build_OtherBinding_IsRefusedByName() =>
        Assert.StartsWith(
            "interface x: its binding is not supported yet",
            (await RefusedAsync("""{"domain":{"devices":{"interfaces":[{"name":"x","sriov":{}}]}},"networks":[{"name":"x","multus":{"networkName":"n"}}]}""")).Message,
            StringComparison.Ordinal);
}
