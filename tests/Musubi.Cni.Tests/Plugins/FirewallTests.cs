using System.Net.Sockets;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The firewall plugin behind the bridge plugin, with iptables(8) as witness.</summary>
public sealed class FirewallTests : IDisposable
{
    private const string Established = "-A CNI-FORWARD -d 10.88.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
    private const string Outgoing = "-A CNI-FORWARD -s 10.88.0.2/32 -j ACCEPT";

    private readonly ChainBench _chain = new();

    public void Dispose() => _chain.Dispose();

    private static string Config(string more = "", string name = "net") =>
        $$"""{"cniVersion":"1.1.0","name":"{{name}}","type":"firewall"{{(more.Length > 0 ? "," : "")}}{{more}}}""";

    private string[] Rules(string program = "iptables") =>
        [.. _chain.Host.Run($"{program} -S").Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l.StartsWith("-A", StringComparison.Ordinal))];

    [Fact]
    public void Add_RulesAreTheReferencePluginsAsIptablesReadsThem()
    {
        CniResult result = _chain.Add("firewall", Config());

        Assert.Equal(_chain.Result.Addresses.Count, result.Addresses.Count);
        Assert.Equal(
            [
                "-A FORWARD -m comment --comment \"CNI firewall plugin rules\" -j CNI-FORWARD",
                "-A CNI-FORWARD -m comment --comment \"CNI firewall plugin admin overrides\" -j CNI-ADMIN",
                Established,
                Outgoing,
            ],
            Rules());
        Assert.Contains("-A CNI-FORWARD -s fd88::2/128 -j ACCEPT", Rules("ip6tables"));

        // What the reference plugin asks iptables before it adds or removes a rule.
        _chain.Host.Run("iptables -C CNI-FORWARD -s 10.88.0.2/32 -j ACCEPT");
        _chain.Host.Run("iptables -C CNI-FORWARD -d 10.88.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
        _chain.Host.Run("iptables -D CNI-FORWARD -s 10.88.0.2/32 -j ACCEPT");
    }

    [Fact]
    public void Add_ForwardChainDropsWhatNobodyAskedFor_ContainerReachesOutAndIsAnswered()
    {
        TestNamespace outside = _chain.Neighbour();
        _chain.Host.Run("iptables -P FORWARD DROP");
        using Socket server = ChainBench.Listen(outside, 80);
        using Socket inPod = ChainBench.Listen(_chain.Pod, 80);
        Assert.Null(ChainBench.Connect(_chain.Pod, "192.0.2.2", 80, server));

        _chain.Add("firewall", Config());

        Assert.Equal("10.88.0.2", ChainBench.Connect(_chain.Pod, "192.0.2.2", 80, server));
        Assert.Null(ChainBench.Connect(outside, "10.88.0.2", 80, inPod));
        Assert.Contains("-P FORWARD DROP", _chain.Host.Run("iptables -S FORWARD"), StringComparison.Ordinal);
    }

    [Fact]
    public void AdminChain_OfAnotherName_ComesFirstAndKeepsItsRules()
    {
        _chain.Add("firewall", Config());
        _chain.Host.Run("iptables -N MINE");
        _chain.Host.Run("iptables -A MINE -s 10.88.0.2 -j DROP");

        _chain.Add("firewall", Config("\"iptablesAdminChainName\":\"MINE\""), "c2");
        _chain.Add("firewall", Config("\"iptablesAdminChainName\":\"MINE\",\"backend\":\"nftables\""), "c3");

        Assert.Equal("-A CNI-FORWARD -m comment --comment \"CNI firewall plugin admin overrides\" -j MINE", Rules().First(r => r.StartsWith("-A CNI-FORWARD", StringComparison.Ordinal)));
        Assert.Single(Rules(), r => r.EndsWith("-j MINE", StringComparison.Ordinal));
        Assert.Single(Rules(), r => r.EndsWith("-j CNI-FORWARD", StringComparison.Ordinal));
        Assert.Contains("-A MINE -s 10.88.0.2/32 -j DROP", Rules());
    }

    [Theory]
    [InlineData("same-bridge", "-A CNI-ISOLATION-STAGE-1 -i br7 ! -o br7")]
    [InlineData("isolated", "-A CNI-ISOLATION-STAGE-1 -i br7")]
    public void IngressPolicy_RulesAreTheReferencePlugins(string policy, string rule)
    {
        string comment = $"-m comment --comment \"CNI firewall plugin rules (ingressPolicy: {policy})\"";
        string config = Config($"\"ingressPolicy\":\"{policy}\"");

        _chain.Add("firewall", config);
        _chain.Add("firewall", config, "c2");

        Assert.Equal(
            [
                $"-A FORWARD {comment} -j CNI-ISOLATION-STAGE-1",
                "-A FORWARD -m comment --comment \"CNI firewall plugin rules\" -j CNI-FORWARD",
            ],
            Rules().Where(r => r.StartsWith("-A FORWARD", StringComparison.Ordinal)));
        Assert.Equal(
            [
                $"{rule} {comment} -j CNI-ISOLATION-STAGE-2",
                $"-A CNI-ISOLATION-STAGE-1 {comment} -j RETURN",
                $"-A CNI-ISOLATION-STAGE-2 -o br7 {comment} -j DROP",
                $"-A CNI-ISOLATION-STAGE-2 {comment} -j RETURN",
            ],
            Rules().Where(r => r.StartsWith("-A CNI-ISOLATION", StringComparison.Ordinal)));
        _chain.Check("firewall", config);
    }

    [Fact]
    public void IngressPolicy_TwoBridges_DoNotReachEachOther()
    {
        string config = Config("\"ingressPolicy\":\"same-bridge\"");
        using TestNamespace other = new("pod");
        CniResult second = _chain.Bench.Add(
            "bridge",
            """{"cniVersion":"1.1.0","name":"net2","type":"bridge","bridge":"br8","isDefaultGateway":true,"ipam":{"type":"host-local","subnet":"10.89.0.0/24"}}""",
            "c2",
            other.Path);
        using Socket server = ChainBench.Listen(_chain.Pod, 80);
        Assert.NotNull(ChainBench.Connect(other, "10.88.0.2", 80, server));

        _chain.Add("firewall", config);
        _chain.Add("firewall", config, "c2", second, other);

        Assert.Null(ChainBench.Connect(other, "10.88.0.2", 80, server));
        (TestNamespace third, _) = _chain.AttachAnother("c3");
        Assert.NotNull(ChainBench.Connect(third, "10.88.0.2", 80, server));
    }

    [Theory]
    [InlineData("\"backend\":\"firewalld\"", 2, "backend \"firewalld\" is not supported")]
    [InlineData("\"backend\":\"pf\"", 7, "unknown backend \"pf\"")]
    [InlineData("\"ingressPolicy\":\"closed\"", 7, "unknown ingress policy: \"closed\"")]
    [InlineData("\"iptablesAdminChainName\":\"a b\"", 7, "iptablesAdminChainName \"a b\" is not the name of a chain")]
    public void Add_BadConfiguration_IsRefusedBeforeAnythingIsMade(string more, int code, string message)
    {
        CniException refused = _chain.Refused("firewall", Config(more));

        Assert.Equal(code, refused.Code);
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
        Assert.Empty(_chain.Host.Rules());
    }

    [Fact]
    public void Add_PolicyWithoutBridge_IsRefused()
    {
        CniException refused = Assert.Throws<CniException>(() => _chain.Add("firewall", Config("\"ingressPolicy\":\"isolated\""), previous: _chain.Result with { Interfaces = [] }));

        Assert.Contains("chain the plugin", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Del_TakesItsOwnRulesOnly_WithoutPreviousResultAndNamespace()
    {
        _chain.Add("firewall", Config());
        _chain.Add("firewall", Config(), "c2");

        _chain.Del("firewall", Config("\"backend\":\"firewalld\""), netns: "");

        Assert.Equal([Established, Outgoing], Rules().Where(r => r.Contains("ACCEPT", StringComparison.Ordinal)));
        _chain.Del("firewall", Config(), "c2");
        _chain.Del("firewall", Config(), "c2");
        Assert.DoesNotContain(Rules(), r => r.Contains("ACCEPT", StringComparison.Ordinal));
    }

    [Fact]
    public void Del_RulesOfTheReferencePlugin_GoToo()
    {
        _chain.Add("firewall", Config(), "c9", _chain.Result with { Addresses = [_chain.Result.Addresses[1]] });
        _chain.Host.Run("iptables -N CNI-FORWARD");
        _chain.Host.Run("iptables -A CNI-FORWARD -d 10.88.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT");
        _chain.Host.Run("iptables -A CNI-FORWARD -s 10.88.0.2/32 -j ACCEPT");
        _chain.Host.Run("iptables -A CNI-FORWARD -s 10.88.0.3/32 -j ACCEPT");

        _chain.Del("firewall", PluginBench.WithPrevious(Config(), _chain.Result));

        Assert.Equal(["-A CNI-FORWARD -s 10.88.0.3/32 -j ACCEPT"], Rules());
        Assert.Contains("-A CNI-FORWARD -s fd88::2/128 -j ACCEPT", Rules("ip6tables"));
    }

    [Theory]
    [InlineData("iptables -F FORWARD", "expected a rule in chain FORWARD that leads to CNI-FORWARD, not found")]
    [InlineData("iptables -D CNI-FORWARD 1", "expected a rule in chain CNI-FORWARD that leads to CNI-ADMIN, not found")]
    [InlineData("iptables -D CNI-FORWARD -s 10.88.0.2/32 -j ACCEPT", "expected rules for 10.88.0.2 in chain CNI-FORWARD, not found")]
    [InlineData("ip6tables -F CNI-ISOLATION-STAGE-2", "expected the ingress policy of bridge br7, not found")]
    public void Check_SomethingGone_SaysWhat(string command, string message)
    {
        string config = Config("\"ingressPolicy\":\"same-bridge\"");
        _chain.Add("firewall", config);
        _chain.Check("firewall", config);

        _chain.Host.Run(command);

        Assert.Equal(message, Assert.Throws<CniException>(() => _chain.Check("firewall", config)).Message);
    }

    [Fact]
    public void Add_AfterForwardChainWasEmptied_LeadsThereAgain()
    {
        _chain.Add("firewall", Config());
        _chain.Host.Run("iptables -F FORWARD");

        _chain.Add("firewall", Config(), "c2");

        Assert.Single(Rules(), r => r.EndsWith("-j CNI-FORWARD", StringComparison.Ordinal));
        Assert.Single(Rules(), r => r.EndsWith("-j CNI-ADMIN", StringComparison.Ordinal));
    }

    [Fact]
    public void Gc_RemovesRulesOfThisNetworksLostAttachmentsOnly()
    {
        _chain.Add("firewall", Config());
        _chain.Add("firewall", Config(), "c2");
        _chain.Add("firewall", Config(name: "net2"), "c3");
        _chain.Host.Run("iptables -A CNI-FORWARD -s 10.88.0.9/32 -j ACCEPT");

        _chain.Gc("firewall", Config(), ("c1", "eth0"));
        Assert.Equal(3, Rules().Count(r => r.StartsWith("-A CNI-FORWARD -s", StringComparison.Ordinal)));
        _chain.Gc("firewall", Config());
        Assert.Equal(2, Rules().Count(r => r.StartsWith("-A CNI-FORWARD -s", StringComparison.Ordinal)));
    }

    [Fact]
    public void Add_Concurrently_SharedRulesAreMadeOnce()
    {
        Parallel.For(0, 8, i => _chain.Add("firewall", Config("\"ingressPolicy\":\"isolated\""), $"c{i}"));

        Assert.Equal(2, Rules().Count(r => r.StartsWith("-A FORWARD", StringComparison.Ordinal)));
        Assert.Equal(4, Rules().Count(r => r.StartsWith("-A CNI-ISOLATION", StringComparison.Ordinal)));
        Assert.Equal(16, Rules().Count(r => r.EndsWith("ACCEPT", StringComparison.Ordinal)));
    }

    [Fact]
    public void Status_IsReady_AndUnsupportedBackendIsNot()
    {
        _chain.Status("firewall", Config());
        Assert.Equal(CniErrorCode.UnsupportedField, Assert.Throws<CniException>(() => _chain.Status("firewall", Config("\"backend\":\"firewalld\""))).Code);
    }
}
