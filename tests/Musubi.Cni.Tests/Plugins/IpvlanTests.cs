using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The ipvlan plugin in real namespaces.</summary>
[NeedsKernel("ipvlan")]
public sealed class IpvlanTests : IDisposable
{
    private const string V4 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\"}";
    private const string OnEth1 = "\"master\":\"eth1\"";

    private static readonly CniResult _previous = new()
    {
        Interfaces = [new CniInterface("eth1")],
        Addresses = [new CniAddress(Cidr.Parse("10.78.0.5/24")) { Interface = 0 }, new CniAddress(Cidr.Parse("fd78::5/64"))],
        Routes = [new CniRoute(Cidr.Parse("10.99.0.0/16")) { Gateway = IpText.ParseAddress("10.78.0.1") }],
    };

    private readonly PodBench _net = new("ipvlan");

    public void Dispose() => _net.Dispose();

    [Theory]
    [InlineData("l2")]
    [InlineData("l3")]
    [InlineData("l3s")]
    public void Add_Mode_MakesWhatTheResultSays(string mode)
    {
        string config = _net.Config($"{OnEth1},\"mode\":\"{mode}\",\"mtu\":1400,{V4}");

        CniResult result = _net.Add(config);

        CniInterface made = Assert.Single(result.Interfaces);
        Assert.Equal(("eth0", PodBench.Text(_net.Host.Link("eth1"), "address"), _net.Pod.Path), (made.Name, made.Mac, made.Sandbox));
        System.Text.Json.JsonElement link = _net.Pod.Link("eth0");
        Assert.Equal(("ipvlan", mode, "1400"), (PodBench.Kind(link), PodBench.Text(PodBench.Data(link), "mode"), PodBench.Text(link, "mtu")));
        Assert.Equal(["10.77.0.2/24"], _net.Pod.Addresses("eth0"));
        _net.Check(config, result);
        string other = mode == "l2" ? "l3" : "l2";
        Assert.Equal($"ipvlan eth0 has mode {mode}, configured is {other}", _net.CheckFails(config.Replace($"\"{mode}\"", $"\"{other}\"", StringComparison.Ordinal), result).Message);

        _net.Del(_net.Config(V4));
        _net.AssertNothingLeft();
    }

    [Fact]
    public void Add_L2_ReachesTheCablesOtherEnd()
    {
        _net.Outside.Run("ip addr add 10.77.0.1/24 dev out1");

        _net.Add(_net.Config($"{OnEth1},{V4}"));

        _net.Pod.Run("ping -c1 -W5 10.77.0.1");
    }

    [Fact]
    public void Add_Chained_TakesOverMasterAndAddresses()
    {
        string config = _net.Config("", "1.0.0");

        CniResult result = _net.Add(PluginBench.WithPrevious(config, _previous));

        Assert.Equal("eth0", Assert.Single(result.Interfaces).Name);
        Assert.Equal([0, 0], result.Addresses.Select(a => a.Interface!.Value));
        Assert.Equal(["10.78.0.5/24", "fd78::5/64"], _net.Pod.Addresses("eth0"));
        Assert.Equal("10.78.0.1", PodBench.Text(Assert.Single(_net.Pod.Ip("route show 10.99.0.0/16")), "gateway"));
        _net.Check(config, result);
    }

    [Fact]
    public void Add_ChainedWithIpam_TakesOverOnlyTheMaster()
    {
        CniResult result = _net.Add(PluginBench.WithPrevious(_net.Config(V4), _previous));

        Assert.Equal(["10.77.0.2/24"], result.Addresses.Select(a => a.Address.ToString()));
    }

    [Fact]
    public void Add_ChainedAfterSeveralInterfaces_NeedsTheMasterNamed()
    {
        CniResult two = _previous with { Interfaces = [new CniInterface("eth1"), new CniInterface("eth2")] };

        CniException error = _net.Refused(PluginBench.WithPrevious(_net.Config(""), two));

        Assert.Equal((7, "chained master failure. PrevResult lacks a single named interface: name the interface with the key master"), (error.Code, error.Message));
        Assert.Equal("eth0", Assert.Single(_net.Add(PluginBench.WithPrevious(_net.Config(OnEth1), two)).Interfaces).Name);
    }

    [Fact]
    public void Add_LinkInContainer_SitsOnTheContainersInterface()
    {
        _net.Pod.Run("ip link add inner type veth peer name inner2");
        string config = _net.Config($"\"master\":\"inner\",\"linkInContainer\":true,{V4}");

        CniResult result = _net.Add(config);

        Assert.Equal("inner", PodBench.Text(_net.Pod.Link("eth0"), "link"));
        _net.Check(config, result);
    }

    [Fact]
    public void Add_WithoutIpam_IsAPlainLayer2Interface()
    {
        Assert.Empty(_net.Add(_net.Config(OnEth1)).Addresses);
        Assert.True(PodBench.IsUp(_net.Pod.Link("eth0")));
    }

    [Fact]
    public void Add_NameThatTheHostHas_IsNoObstacle()
    {
        _net.Host.Run("ip link add eth0 type bridge");

        _net.Add(_net.Config($"{OnEth1},{V4}"));

        Assert.Equal(["lo", "eth0"], _net.Pod.LinkNames());
    }

    [Theory]
    [InlineData("\"master\":\"nope\"", 999, "failed to lookup master \"nope\": Link not found")]
    [InlineData("\"master\":\"nope\",\"linkInContainer\":true", 999, "failed to lookup master \"nope\": Link not found")]
    [InlineData("\"master\":\"eth1\",\"mode\":\"l4\"", 7, "unknown ipvlan mode: \"l4\"; mode must be l2, l3 or l3s")]
    public void Add_WrongKey_IsRefused(string keys, int code, string message)
    {
        CniException error = _net.Refused(_net.Config($"{keys},{V4}"));

        Assert.Equal((code, message), (error.Code, error.Message));
        _net.AssertNothingLeft();
    }

    [Fact]
    public void Add_LaterStepFails_LeavesNothing()
    {
        _net.Refused(_net.Config($"{OnEth1},\"ipam\":{{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{{\"dst\":\"10.99.0.0/16\",\"gw\":\"10.88.0.1\"}}]}}"));

        _net.AssertNothingLeft();
    }
}
