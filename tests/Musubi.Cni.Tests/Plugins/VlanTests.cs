using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The vlan plugin in real namespaces.</summary>
public sealed class VlanTests : IDisposable
{
    private const string V4 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\"}";
    private const string OnEth1 = "\"master\":\"eth1\",\"vlanId\":100";

    private readonly PodBench _net = new("vlan");

    public void Dispose() => _net.Dispose();

    [Fact]
    [NeedsKernel("8021q")]
    public void Add_HostLocal_MakesWhatTheResultSays()
    {
        _net.Outside.Run("ip link add link out1 name out1.100 type vlan id 100");
        _net.Outside.Run("ip addr add 10.77.0.1/24 dev out1.100");
        _net.Outside.Run("ip link set out1.100 up");
        string config = _net.Config($"{OnEth1},\"mtu\":1400,{V4}");

        CniResult result = _net.Add(config);

        CniInterface made = Assert.Single(result.Interfaces);
        JsonElement link = _net.Pod.Link("eth0");
        Assert.Equal(("eth0", PodBench.Text(link, "address"), _net.Pod.Path), (made.Name, made.Mac, made.Sandbox));
        Assert.Equal(("vlan", "100", "1400"), (PodBench.Kind(link), PodBench.Text(PodBench.Data(link), "id"), PodBench.Text(link, "mtu")));
        Assert.Equal(["10.77.0.2/24"], _net.Pod.Addresses("eth0"));
        _net.Pod.Run("ping -c1 -W5 10.77.0.1");

        _net.Check(config, result);
        Assert.Equal("vlan eth0 has ID 100, configured is 101", _net.CheckFails(config.Replace("100", "101", StringComparison.Ordinal), result).Message);
        Assert.Equal("vlan eth0 has MTU 1400, configured is 1300", _net.CheckFails(config.Replace("1400", "1300", StringComparison.Ordinal), result).Message);
        _net.Del(config);
        _net.AssertNothingLeft();
    }

    [Fact]
    [NeedsKernel("8021q")]
    public void Add_LinkInContainer_SitsOnTheContainersInterface()
    {
        _net.Pod.Run("ip link add inner type veth peer name inner2");
        _net.Pod.Run("ip link set inner up");

        _net.Add(_net.Config($"\"master\":\"inner\",\"vlanId\":7,\"linkInContainer\":true,{V4}"));

        Assert.Equal("inner", PodBench.Text(_net.Pod.Link("eth0"), "link"));
    }

    [Fact]
    [NeedsKernel("8021q")]
    public void Add_Chained_TakesTheAddressesOver()
    {
        CniResult previous = new() { Interfaces = [new CniInterface("eth1")], Addresses = [new CniAddress(Cidr.Parse("10.78.0.5/24"))] };

        CniResult result = _net.Add(PluginBench.WithPrevious(_net.Config(OnEth1), previous));

        Assert.Equal(("eth0", "10.78.0.5/24"), (Assert.Single(result.Interfaces).Name, result.Addresses[0].Address.ToString()));
        Assert.Equal(["10.78.0.5/24"], _net.Pod.Addresses("eth0"));
    }

    [Fact]
    [NeedsKernel("8021q")]
    public void Add_TwoContainersSameVlanAndHostHasTheName_EachGetsItsOwn()
    {
        using TestNamespace other = new("pod2");
        _net.Host.Run("ip link add eth0 type bridge");
        _net.Host.Run("ip link add eth2 type dummy");
        _net.Host.Run("ip link set eth2 up");

        _net.Add(_net.Config($"{OnEth1},{V4}"));
        _net.Add(_net.Config($"\"master\":\"eth2\",\"vlanId\":100,{V4}"), "c2", netns: other.Path);

        Assert.Equal(["10.77.0.2/24"], _net.Pod.Addresses("eth0"));
        Assert.Equal(["10.77.0.3/24"], other.Addresses("eth0"));
    }

    [Fact]
    [NeedsKernel("8021q")]
    public void Add_LaterStepFails_LeavesNothing()
    {
        _net.Refused(_net.Config($"{OnEth1},\"ipam\":{{\"type\":\"no-such-plugin\"}}"));

        _net.AssertNothingLeft();
        _net.Add(_net.Config($"{OnEth1},{V4}"));
    }

    [Theory]
    [InlineData("\"vlanId\":100", "\"master\" field is required. It specifies the host interface name to create the VLAN for")]
    [InlineData("\"master\":\"eth1\"", "\"vlanId\" field is required: the number of the VLAN, 1 to 4094")]
    [InlineData("\"master\":\"eth1\",\"vlanId\":4095", "invalid VLAN ID 4095 (must be between 1 and 4094 inclusive)")]
    [InlineData("\"master\":\"eth1\",\"vlanId\":-1", "invalid VLAN ID -1 (must be between 1 and 4094 inclusive)")]
    [InlineData("\"master\":\"eth1\",\"vlanId\":\"100\"", "vlanId must be a whole number of 32 bits, not \"100\"")]
    [InlineData("\"master\":\"eth1\",\"vlanId\":100,\"mtu\":1501", "invalid MTU 1501, must be [0, master MTU(1500)]: the master is eth1")]
    public void Add_WrongKey_IsRefused(string keys, string message)
    {
        CniException error = _net.Refused(_net.Config($"{keys},{V4}"));

        Assert.Equal((7, message), (error.Code, error.Message));
        _net.AssertNothingLeft();
    }

    [Fact]
    public void Add_MasterDown_SaysSo()
    {
        _net.Host.Run("ip link set eth1 down");

        CniException error = _net.Refused(_net.Config($"{OnEth1},{V4}"));

        Assert.Equal((11, "the master \"eth1\" is down: set it up first"), (error.Code, error.Message));
        Assert.Equal(50, _net.StatusOf(_net.Config($"{OnEth1},{V4}"))!.Code);
    }

    [Fact]
    public void Del_SpoiltConfiguration_CleansUp()
    {
        _net.Pod.Run("ip link add eth0 type bridge");

        _net.Del(_net.Config("\"vlanId\":9999,\"master\":\"gone\""));

        _net.AssertNothingLeft();
    }

    [Fact]
    public void Status_MasterMissing_SaysSo() => Assert.Equal(50, _net.StatusOf(_net.Config("\"master\":\"nope\",\"vlanId\":100"))!.Code);
}
