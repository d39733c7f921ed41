using System.Text.Json;
using Musubi.Machines;

namespace Musubi.Launcher.Tests.Machines;

public sealed class MachineJsonTests
{
    private const string Least = """{"name":"a","namespace":"n","uid":"u","hostname":"h","memoryBytes":1,"firmwareUuid":"f"}""";

    private static MachineSpec Read(string json) => JsonSerializer.Deserialize(json, MachineJson.Default.MachineSpec)!;

    [Fact]
    public void Spec_AbsentMembers_GetTheirDefaults()
    {
        MachineSpec spec = Read(Least);

        Assert.Equal(("host-model", "q35", "auto", 30, true, 107, 107, 1), (spec.CpuModel, spec.MachineType, spec.Acceleration, spec.TerminationGraceSeconds, spec.ReservedMigrationPorts, spec.QemuUid, spec.QemuGid, spec.Cpus.Count));
        Assert.Empty(spec.Disks);
        Assert.Empty(spec.Interfaces);
        Assert.Empty(spec.Dns.Nameservers);
    }

    [Fact]
    public void Interface_AbsentMembers_GetTheirDefaults()
    {
        MachineInterface nic = Assert.Single(Read(Least[..^1] + ""","interfaces":[{"name":"i","binding":"bridge","podInterface":"eth0"}]}""").Interfaces);

        Assert.Equal(("virtio", "10.0.2.0/24", "fd10:0:2::/120", "up"), (nic.Model, nic.VmNetworkCidr, nic.VmIPv6NetworkCidr, nic.LinkState));
        Assert.Empty(nic.Ports);
        Assert.Empty(nic.Dhcp.NtpServers);
        Assert.Empty(nic.Dhcp.PrivateOptions);
    }

    [Fact]
    public void Status_AbsentMembers_GetTheirDefaults()
    {
        MachineStatus status = JsonSerializer.Deserialize("{}", MachineJson.Default.MachineStatus)!;

        Assert.Equal((MachinePhase.Starting, "", "", 0), (status.Phase, status.Reason, status.Message, status.QemuPid));
        Assert.Empty(status.Interfaces);
        Assert.False(status.IsFinal);
    }

    [Theory]
    [InlineData("""{"name":"a"}""")]
    [InlineData("""{"name":"a","namespace":"n","uid":"u","hostname":"h","memoryBytes":"1","firmwareUuid":"f"}""")]
    public void Spec_Malformed_IsRefused(string json) => Assert.Throws<JsonException>(() => Read(json));

    [Fact]
    public void Spec_SavedAndLoaded_IsTheSame()
    {
        string directory = Directory.CreateTempSubdirectory("musubi-machine-").FullName;
        try
        {
            MachineSpec spec = Read(Least) with
            {
                KernelBoot = new KernelBoot("/k", "/i", "quiet"),
                Interfaces = [new MachineInterface { Name = "i", Binding = "masquerade", PodInterface = "eth0", Ports = [new MachinePort("UDP", 53)], Dhcp = new MachineDhcpOptions { PrivateOptions = new Dictionary<int, string> { [230] = "x" } } }],
                Disks = [new MachineDisk { Name = "d", CloudInit = new CloudInitMedia("m", "u", null), CapacityBytes = 5 }],
            };
            string path = Path.Combine(directory, "machine.json");

            MachineJson.Save(path, spec, MachineJson.Default.MachineSpec);
            MachineSpec read = MachineJson.Load(path, MachineJson.Default.MachineSpec)!;

            Assert.Equal(JsonSerializer.Serialize(spec, MachineJson.Default.MachineSpec), JsonSerializer.Serialize(read, MachineJson.Default.MachineSpec));
            Assert.Equal("x", read.Interfaces[0].Dhcp.PrivateOptions[230]);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            Assert.Equal([path], Directory.GetFiles(directory));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public void Load_NotThere_IsNull() => Assert.Null(MachineJson.Load("/nowhere/machine.json", MachineJson.Default.MachineSpec));
}
