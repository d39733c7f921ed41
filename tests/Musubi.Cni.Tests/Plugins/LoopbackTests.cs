using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

public sealed class LoopbackTests : IDisposable
{
    private const string Config = """{"cniVersion":"1.1.0","name":"lo","type":"loopback"}""";

    private readonly TestNamespace _pod = new("lo");
    private readonly PluginBench _bench = new();

    public void Dispose()
    {
        _bench.Dispose();
        _pod.Dispose();
    }

    private bool IsUp() => _pod.Link("lo").GetProperty("flags").EnumerateArray().Any(f => f.GetString() == "UP");

    [Fact]
    public void AddAndDel_SetLoopbackUpAndDown()
    {
        CniResult result = _bench.Add("loopback", Config, netns: _pod.Path);

        Assert.True(IsUp());
        CniInterface lo = Assert.Single(result.Interfaces);
        Assert.Equal(("lo", "00:00:00:00:00:00", _pod.Path), (lo.Name, lo.Mac, lo.Sandbox));
        Assert.Equal(["127.0.0.1/8", "::1/128"], result.Addresses.Select(a => a.Address.ToString()));

        _bench.Check("loopback", Config, result, netns: _pod.Path);
        _bench.Del("loopback", Config, netns: _pod.Path);
        Assert.False(IsUp());
        Assert.Equal("loopback interface is down", Assert.Throws<CniException>(() => _bench.Check("loopback", Config, result, netns: _pod.Path)).Message);
    }

    [Fact]
    public void Add_InAChain_PassesThePreviousResultOn()
    {
        CniResult previous = new() { Interfaces = [new("eth0")], Addresses = [new(Linux.Addresses.Cidr.Parse("10.0.0.2/24")) { Interface = 0 }] };

        CniResult result = _bench.Add("loopback", PluginBench.WithPrevious(Config, previous), netns: _pod.Path);

        Assert.Equal("eth0", Assert.Single(result.Interfaces).Name);
        Assert.True(IsUp());
    }

    [Fact]
    public void Add_ForeignAddressOnLoopback_IsRefused()
    {
        _pod.Run("ip addr add 10.0.0.1/32 dev lo");

        Assert.Equal(
            "loopback interface found with non-loopback address \"10.0.0.1/32\"",
            Assert.Throws<CniException>(() => _bench.Add("loopback", Config, netns: _pod.Path)).Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/run/netns/long-gone")]
    public void Del_NamespaceGone_Succeeds(string netns) => _bench.Del("loopback", Config, netns: netns);
}
