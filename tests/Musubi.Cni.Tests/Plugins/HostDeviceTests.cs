using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The host-device plugin in real namespaces; the device is one end of a cable.</summary>
public sealed class HostDeviceTests : IDisposable
{
    private const string V4 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\"}";
    private const string Eth1 = "\"device\":\"eth1\"";

    private readonly PodBench _net = new("host-device");

    private string Records => Path.Combine(_net.Bench.Environment.RuntimeDirectory, "host-device");

    public void Dispose() => _net.Dispose();

    private static string? Text(JsonElement link, string key) => PodBench.Text(link, key);

    private CniResult AddAs(string ifName, string config) => _net.Add(config, ifName: ifName);

    [Fact]
    public void AddAndDel_Device_IsLentRenamedAndComesBack()
    {
        string? mac = Text(_net.Host.Link("eth1"), "address");
        string config = _net.Config($"{Eth1},{V4}");

        CniResult result = AddAs("net1", config);

        CniInterface lent = Assert.Single(result.Interfaces);
        Assert.Equal(("net1", mac, _net.Pod.Path), (lent.Name, lent.Mac, lent.Sandbox));
        JsonElement link = _net.Pod.Link("net1");
        Assert.Equal(("eth1", mac, true), (Text(link, "ifalias"), Text(link, "address"), PodBench.IsUp(link)));
        Assert.Equal(["10.77.0.2/24"], _net.Pod.Addresses("net1"));
        Assert.Equal(["lo"], _net.Host.LinkNames());
        _net.Bench.Check("host-device", config, result, netns: _net.Pod.Path, ifName: "net1");

        _net.Del(config, ifName: "net1");

        JsonElement back = _net.Host.Link("eth1");
        Assert.Equal((mac, null, false), (Text(back, "address"), Text(back, "ifalias"), PodBench.IsUp(back)));
        _net.AssertNothingLeft();
        _net.Del(config, ifName: "net1");
    }

    [Fact]
    public void Add_WithoutIpam_IsUpAndPlain()
    {
        CniResult result = AddAs("net1", _net.Config(Eth1));

        Assert.Empty(result.Addresses);
        Assert.True(PodBench.IsUp(_net.Pod.Link("net1")));
    }

    [Fact]
    public void AddAndDel_BothSidesHaveTheNames_NobodyIsDisturbed()
    {
        // The container has an eth1 of its own, the host a net1 of its own.
        _net.Pod.Run("ip link add eth1 type bridge");
        _net.Host.Run("ip link add net1 type bridge");
        string config = _net.Config(Eth1);

        AddAs("net1", config);
        Assert.Equal(["bridge", "veth"], new[] { "eth1", "net1" }.Select(name => PodBench.Kind(_net.Pod.Link(name))));

        _net.Del(config, ifName: "net1");
        Assert.Equal(["veth", "bridge"], new[] { "eth1", "net1" }.Select(name => PodBench.Kind(_net.Host.Link(name))));
        Assert.Equal("bridge", PodBench.Kind(_net.Pod.Link("eth1")));
    }

    [Fact]
    public void Add_HwAddr_FindsTheDevice()
    {
        _net.Host.Run("ip link set eth1 address 02:00:00:00:00:07");

        AddAs("net1", _net.Config("\"hwaddr\":\"02-00-00-00-00-07\""));

        Assert.Equal("eth1", Text(_net.Pod.Link("net1"), "ifalias"));
    }

    [Theory]
    [InlineData("", 7, "specify either \"device\", \"hwaddr\", \"kernelpath\" or \"pciBusID\"")]
    [InlineData("\"device\":\"nope\"", 999, "failed to find host device: device \"nope\" is no interface of the host; another container may have it")]
    [InlineData("\"hwaddr\":\"02:00:00:00:00:99\"", 999, "failed to find host device: hwaddr 02:00:00:00:00:99 is no interface of the host; another container may have it")]
    [InlineData("\"hwaddr\":\"nonsense\"", 7, "invalid args nonsense for MAC addr: hwaddr must be six octets of a unicast address, as 02:00:00:00:00:01")]
    [InlineData("\"kernelpath\":\"/etc\"", 7, "failed to find host device: kernel device path \"/etc\" must be absolute and begin with /sys/devices/ (Parameter 'path')")]
    [InlineData("\"kernelpath\":\"/sys/devices/none\"", 999, "failed to find host device: kernelpath /sys/devices/none is no interface of the host; another container may have it")]
    [InlineData("\"pciBusID\":\"0fff:ff:1f.7\"", 7, "failed to find host device: the host has no PCI device 0fff:ff:1f.7")]
    [InlineData("\"pciBusID\":\"0fff:ff:1f.7\",\"runtimeConfig\":{\"deviceID\":\"mlx5_core.sf.99\"}", 7, "DeviceID mlx5_core.sf.99 not found or unsupported: expected a PCI address as 0000:00:1f.6 or the name of an auxiliary device")]
    public void Add_NoSuchDevice_IsRefused(string keys, int code, string message)
    {
        CniException error = _net.Refused(_net.Config($"{keys}{(keys.Length > 0 ? "," : "")}{V4}"));

        Assert.Equal((code, message), (error.Code, error.Message));
        _net.AssertNothingLeft();
    }

    [Theory]
    [InlineData("\"ipam\":{\"type\":\"no-such-plugin\"}")]
    [InlineData("\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{\"dst\":\"10.99.0.0/16\",\"gw\":\"10.88.0.1\"}]}")]
    public void Add_LaterStepFails_DeviceIsBackAndUpAgain(string ipam)
    {
        _net.Refused(_net.Config($"{Eth1},{ipam}"));

        JsonElement back = _net.Host.Link("eth1");
        Assert.Equal((null, true), (Text(back, "ifalias"), PodBench.IsUp(back)));
        _net.AssertNothingLeft();
    }

    [Fact]
    public void AddThenDel_ContainerHasTheName_OthersAreLeftAlone()
    {
        _net.Pod.Run("ip link add net1 type bridge");

        CniException error = Assert.Throws<CniException>(() => AddAs("net1", _net.Config(Eth1)));
        Assert.Equal("failed to move link eth1: the container has an interface \"net1\" already", error.Message);

        _net.Del(_net.Config(Eth1), ifName: "net1");
        Assert.Equal("bridge", PodBench.Kind(_net.Pod.Link("net1")));
        Assert.True(PodBench.IsUp(_net.Host.Link("eth1")));
    }

    [Fact]
    public void Del_NameTakenOnTheHostMeanwhile_IsSaidAndCanBeRepeated()
    {
        string config = _net.Config(Eth1);
        AddAs("net1", config);
        _net.Host.Run("ip link add eth1 type bridge");

        CniException error = Assert.Throws<CniException>(() => _net.Del(config, ifName: "net1"));
        Assert.Equal((11, "failed to move net1 back to the host: there is another interface \"eth1\"; rename that one"), (error.Code, error.Message));
        Assert.True(PodBench.IsUp(_net.Pod.Link("net1")));

        _net.Host.Run("ip link del eth1");
        _net.Del(config, ifName: "net1");
        Assert.Equal("veth", PodBench.Kind(_net.Host.Link("eth1")));
    }

    [Theory]
    [InlineData("\"device\":\"eth1\"")]
    [InlineData("\"hwaddr\":\"02:00:00:00:00:07\"")]
    public void DelAndAdd_DeviceCameBackByItselfUnderTheContainersName_IsRecovered(string keys)
    {
        // What the kernel does with hardware whose namespace ends.
        _net.Host.Run("ip link set eth1 down");
        _net.Host.Run("ip link set eth1 name net1 alias eth1 address 02:00:00:00:00:07");

        _net.Del(_net.Config(keys), netns: "/run/netns/mct-none", ifName: "net1");

        Assert.Null(Text(_net.Host.Link("eth1"), "ifalias"));
    }

    [Fact]
    public void Add_DeviceCameBackByItself_IsFoundByItsAlias()
    {
        _net.Host.Run("ip link set eth1 down");
        _net.Host.Run("ip link set eth1 name net1 alias eth1");

        AddAs("net1", _net.Config(Eth1));

        Assert.Equal("eth1", Text(_net.Pod.Link("net1"), "ifalias"));
    }

    [Theory]
    [InlineData("\"device\":\"eth1\"")]
    [InlineData("\"hwaddr\":\"02:00:00:00:00:07\"")]
    public void AnyCommand_AdministratorsAlias_IsNoName(string keys)
    {
        _net.Host.Run("ip link set eth1 address 02:00:00:00:00:07 alias storage");
        string config = _net.Config(keys);
        void AssertUntouched(bool isUp)
        {
            JsonElement link = _net.Host.Link("eth1");
            Assert.Equal(("storage", isUp), (Text(link, "ifalias"), PodBench.IsUp(link)));
        }

        _net.Gc(_net.Config($"{keys},\"cni.dev/valid-attachments\":[]"));
        _net.Del(config, netns: "/run/netns/mct-none", ifName: "net1");
        AssertUntouched(isUp: true);

        AddAs("net1", config);
        Assert.Equal("eth1", Text(_net.Pod.Link("net1"), "ifalias"));
        _net.Del(config, ifName: "net1");
        AssertUntouched(isUp: false);
        Assert.Empty(Directory.GetFiles(Records));
    }

    [Fact]
    public void AnyCommand_AliasIsTheWantedDevicesName_TheOtherDeviceIsLeftAlone()
    {
        _net.Host.Run("ip link set eth1 alias storage");
        string config = _net.Config("\"device\":\"storage\"");

        _net.Gc(config);
        _net.Del(config, netns: "", ifName: "net1");

        Assert.Equal(999, _net.Refused(config).Code);
        Assert.True(PodBench.IsUp(_net.Host.Link("eth1")));
    }

    [Theory]
    [InlineData(true, "net1")]
    [InlineData(true, "dev0")]
    [InlineData(false, "net1")]
    [InlineData(false, "dev0")]
    public void DelOrGc_LentDeviceCameBackByItself_IsRecoveredByItsRecord(bool isGc, string returned)
    {
        // Up, as a device manager may set it, and without a configuration that finds it.
        AddAs("net1", _net.Config(Eth1));
        _net.Pod.Run("ip link set net1 down");
        _net.Pod.Run($"ip link set net1 name {returned} netns {_net.Host.Name}");
        _net.Host.Run($"ip link set {returned} alias eth1 up");
        string config = _net.Config("\"capabilities\":{\"deviceID\":true},\"cni.dev/valid-attachments\":[]");

        if (isGc)
        {
            _net.Gc(config);
        }
        else
        {
            _net.Del(config, netns: "", ifName: "net1");
        }

        Assert.Null(Text(_net.Host.Link("eth1"), "ifalias"));
        Assert.Empty(Directory.GetFiles(Records));
    }

    [Fact]
    public void GcAndStatus_DeviceNamedByTheRuntimeOnly_AreServed()
    {
        string given = $"\"capabilities\":{{\"deviceID\":true}},{V4}";
        _net.Add(_net.Config($"{Eth1},{V4}"));
        Assert.NotEmpty(_net.Reservations());

        Assert.Null(_net.StatusOf(_net.Config(given)));
        _net.Gc(_net.Config($"{given},\"cni.dev/valid-attachments\":[]"));

        Assert.Empty(_net.Reservations());
    }

    [Fact]
    public void Status_DeviceLent_IsNoFault()
    {
        AddAs("net1", _net.Config(Eth1));

        Assert.Null(_net.StatusOf(_net.Config(Eth1)));
    }
}
