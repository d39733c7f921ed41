using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The dummy plugin in real namespaces.</summary>
public sealed class DummyTests : IDisposable
{
    private const string V4 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"resolvConf\":\"\"}";

    private readonly PodBench _net = new("dummy", cable: false);

    public void Dispose() => _net.Dispose();

    [Fact]
    [NeedsKernel("dummy")]
    public void Add_HostLocal_MakesWhatTheResultSays()
    {
        string config = _net.Config(V4);

        CniResult result = _net.Add(config);

        CniInterface made = Assert.Single(result.Interfaces);
        System.Text.Json.JsonElement link = _net.Pod.Link("eth0");
        Assert.Equal(("eth0", PodBench.Text(link, "address"), _net.Pod.Path), (made.Name, made.Mac, made.Sandbox));
        Assert.Equal(("dummy", true), (PodBench.Kind(link), PodBench.IsUp(link)));
        Assert.Equal(["10.77.0.2/24"], _net.Pod.Addresses("eth0"));
        _net.Check(config, result);

        _net.Pod.Run("ip link set eth0 down");
        Assert.Equal("Interface eth0 is down", _net.CheckFails(config, result).Message);
        _net.Del(config);
        _net.AssertNothingLeft();
        _net.Del(config);
    }

    [Fact]
    [NeedsKernel("dummy")]
    public void Add_IpamFails_LeavesNothing()
    {
        _net.Refused(_net.Config("\"ipam\":{\"type\":\"no-such-plugin\"}"));

        _net.AssertNothingLeft();
    }

    [Fact]
    public void Add_WithoutIpam_IsRefused()
    {
        CniException error = _net.Refused(_net.Config(""));

        Assert.Equal((7, "dummy interface requires an IPAM configuration: ipam.type must name a plugin"), (error.Code, error.Message));
        _net.AssertNothingLeft();
    }
}
