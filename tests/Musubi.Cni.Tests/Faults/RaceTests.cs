using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Faults;

/// <summary>Plugins that run at the same time, as processes.</summary>
public sealed class RaceTests : IDisposable
{
    private const int Many = 16;

    private readonly TestNamespace _host = new("host");
    private readonly PluginLinks _plugins = new();
    private readonly TemporaryDirectory _state = new();
    private readonly List<TestNamespace> _pods = [];

    [Theory]
    [InlineData(2)]
    [InlineData(Many)]
    public async Task HostLocal_LastAddress_IsGotByOne(int count)
    {
        string config = Config("host-local", """ "ipam":{"type":"host-local","dataDir":"DIR","subnet":"10.0.0.0/24","rangeStart":"10.0.0.9","rangeEnd":"10.0.0.9"} """);

        PluginAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, count).Select(i => _plugins.Start(_host.Network, "ADD", "host-local", config, $"c{i}", "/none")));

        Assert.Equal("10.0.0.9/24", Assert.Single(answers, a => a.ExitCode == 0).Read().GetProperty("ips")[0].GetProperty("address").GetString());
        Assert.All(answers.Where(a => a.ExitCode != 0), a =>
        {
            (int code, string message) = a.Fails();
            Assert.Equal(CniErrorCode.TryAgainLater, code);
            Assert.Contains("no IP addresses available in range set: 10.0.0.9-10.0.0.9", message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Bridge_FirstContainersAtOnce_AllAttachAndLeaveOnlyTheBridge()
    {
        string config = Config("bridge", """ "bridge":"br0","isDefaultGateway":true,"ipMasq":true,"ipam":{"type":"host-local","dataDir":"DIR","ranges":[[{"subnet":"10.0.0.0/24"}],[{"subnet":"fd00::/64"}]]} """);
        MakePods();

        PluginAnswer[] added = await All("ADD", "bridge", _ => config);

        Assert.All(added, a => a.Succeeds());
        Assert.Equal(Many, added.Select(a => a.Read().GetProperty("ips")[0].GetProperty("address").GetString()).Distinct().Count());
        Assert.Equal(["10.0.0.1/24", "fd00::1/64"], _host.Addresses("br0").Order());
        Assert.Equal(Many + 2, _host.LinkNames().Count); // lo, the bridge, and a cable each
        Assert.Equal((3, 2 * Many), (RulesOf("postrouting"), RulesOf("masq_checks")));

        Assert.All(await All("DEL", "bridge", _ => config), a => a.Succeeds());

        Assert.Equal(["br0", "lo"], _host.LinkNames().Order());
        Assert.Equal((3, 0), (RulesOf("postrouting"), RulesOf("masq_checks")));
        Assert.Empty(Directory.EnumerateFiles(_state.File("net"), "10.0.0.*").Concat(Directory.EnumerateFiles(_state.File("net"), "fd00*")));
    }

    [Fact]
    public async Task Bridge_ComingAndGoing_DisturbsNobody()
    {
        string config = Config("bridge", """ "bridge":"br0","isGateway":true,"ipMasq":true,"ipam":{"type":"host-local","dataDir":"DIR","subnet":"10.0.0.0/24"} """);
        MakePods();

        await Task.WhenAll(Enumerable.Range(0, Many).Select(i => Task.Factory.StartNew(
            () =>
            {
                for (int round = 0; round < 3; round++)
                {
                    _plugins.Run(_host.Network, "ADD", "bridge", config, $"c{i}", _pods[i].Path).Succeeds();
                    _plugins.Run(_host.Network, "DEL", "bridge", config, $"c{i}", _pods[i].Path).Succeeds();
                }
            },
            TaskCreationOptions.LongRunning)));

        Assert.Equal(["br0", "lo"], _host.LinkNames().Order());
        Assert.Equal((3, 0), (RulesOf("postrouting"), RulesOf("masq_checks")));
    }

    [Fact]
    public async Task ChainedRules_FirstContainersAtOnce_ShareOneSetOfChains()
    {
        string Portmap(int i) => Config("portmap", $$""" "snat":true,"runtimeConfig":{"portMappings":[{"hostPort":{{8000 + i}},"containerPort":80,"protocol":"tcp"}]},{{Previous(i)}} """);
        string Firewall(int i) => Config("firewall", $$""" "ingressPolicy":"same-bridge",{{Previous(i)}} """);

        PluginAnswer[] added = [.. (await Task.WhenAll(All("ADD", "portmap", Portmap), All("ADD", "firewall", Firewall))).SelectMany(a => a)];

        Assert.All(added, a => a.Succeeds());
        Assert.Equal((2, 2, Many), (RulesOf("prerouting"), RulesOf("output"), RulesOf("hostports")));
        Assert.Equal((2, (2 * Many) + 1), (RulesOf("FORWARD"), RulesOf("CNI-FORWARD")));

        PluginAnswer[] deleted = [.. (await Task.WhenAll(All("DEL", "portmap", Portmap), All("DEL", "firewall", Firewall))).SelectMany(a => a)];

        Assert.All(deleted, a => a.Succeeds());
        Assert.Equal((2, 0, 0, 1), (RulesOf("prerouting"), RulesOf("hostports"), RulesOf("masquerading"), RulesOf("CNI-FORWARD")));
    }

    public void Dispose()
    {
        foreach (TestNamespace pod in _pods)
        {
            pod.Dispose();
        }

        _host.Dispose();
        _plugins.Dispose();
        _state.Dispose();
    }

    private static string Previous(int i) =>
        $$"""
        "prevResult":{"cniVersion":"1.1.0","interfaces":[{"name":"br0"},{"name":"eth0","sandbox":"/run/netns/c{{i}}"}],"ips":[{"address":"10.0.0.{{10 + i}}/24","interface":1}]}
        """;

    private string Config(string type, string keys) =>
        $$"""{"cniVersion":"1.1.0","name":"net","type":"{{type}}",{{keys.Replace("DIR", _state.Path, StringComparison.Ordinal)}}}""";

    private void MakePods()
    {
        while (_pods.Count < Many)
        {
            _pods.Add(new TestNamespace("pod"));
        }
    }

    private Task<PluginAnswer[]> All(string command, string type, Func<int, string> config) => Task.WhenAll(
        Enumerable.Range(0, Many).Select(i => _plugins.Start(_host.Network, command, type, config(i), $"c{i}", _pods.Count > i ? _pods[i].Path : "/run/netns/none")));

    private int RulesOf(string chain) => _host.Rules().Count(r => r.GetProperty("chain").GetString() == chain);
}
