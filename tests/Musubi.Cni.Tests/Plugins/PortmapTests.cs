using System.Net.Sockets;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The portmap plugin behind the bridge plugin, with real connections and nft(8) as witness.</summary>
public sealed class PortmapTests : IDisposable
{
    private const string Web = """{"hostPort":8080,"containerPort":80,"protocol":"tcp"}""";

    private readonly ChainBench _chain = new();

    public void Dispose() => _chain.Dispose();

    private static string Config(string mappings, string more = "", string version = "1.1.0") =>
        $$$"""{"cniVersion":"{{{version}}}","name":"net","type":"portmap"{{{(more.Length > 0 ? "," : "")}}}{{{more}}},"runtimeConfig":{"portMappings":[{{{mappings}}}]}}""";

    private CniResult Add(string config) => _chain.Add("portmap", config);

    /// <summary>A table as nft(8) writes it, line by line.</summary>
    private string[] Table(string family) =>
        [.. _chain.Host.Run($"nft list table {family} cni_hostport").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Trim()).Where(l => l != "}")];

    private int RuleCount(string id = "c1") => _chain.Host.Rules().Count(r => r.TryGetProperty("comment", out var comment) && comment.GetString() == id);

    [Fact]
    public void Add_BothFamilies_LayoutIsTheReferencePlugins()
    {
        CniResult result = Add(Config(
            $$"""
            {{Web}},
            {"hostPort":8081,"containerPort":81,"protocol":"udp","hostIP":"192.0.2.9"},
            {"hostPort":8082,"containerPort":82,"protocol":"sctp","hostIP":"0.0.0.0"},
            {"hostPort":8083,"containerPort":83,"hostIP":"2001:db8::9"}
            """));

        Assert.Equal(_chain.Result.Interfaces.Count, result.Interfaces.Count);
        Assert.Equal(
            [
                "table ip cni_hostport {",
                "comment \"CNI portmap plugin\"",
                "chain hostports {",
                "tcp dport 8080 dnat to 10.88.0.2:80 comment \"c1\"",
                "sctp dport 8082 dnat to 10.88.0.2:82 comment \"c1\"",
                "chain hostip_hostports {",
                "ip daddr 192.0.2.9 udp dport 8081 dnat to 10.88.0.2:81 comment \"c1\"",
                "chain prerouting {",
                "type nat hook prerouting priority dstnat; policy accept;",
                "jump hostip_hostports",
                "fib daddr type local jump hostports",
                "chain output {",
                "type nat hook output priority -100; policy accept;",
                "jump hostip_hostports",
                "fib daddr type local jump hostports",
                "chain masquerading {",
                "type nat hook postrouting priority srcnat; policy accept;",
                "ip saddr 10.88.0.0/24 ip daddr 10.88.0.2 ct status dnat masquerade comment \"c1\"",
                "ip saddr 127.0.0.0/8 ip daddr 10.88.0.2 masquerade comment \"c1\"",
            ],
            Table("ip"));
        Assert.Contains("tcp dport 8080 dnat to [fd88::2]:80 comment \"c1\"", Table("ip6"));
        Assert.Contains("ip6 daddr 2001:db8::9 tcp dport 8083 dnat to [fd88::2]:83 comment \"c1\"", Table("ip6"));
        Assert.DoesNotContain(Table("ip6"), l => l.Contains("808[12]", StringComparison.Ordinal) || l.Contains("127.0.0", StringComparison.Ordinal));
        Assert.Equal("1", _chain.Host.Sysctl($"net/ipv4/conf/{ChainBench.Bridge}/route_localnet"));
    }

    [Fact]
    public void Tcp_FromOutsideTheHostItsLoopbackANeighbourAndTheContainerItself_Arrives()
    {
        TestNamespace outside = _chain.Neighbour();
        (TestNamespace other, _) = _chain.AttachAnother("c2");
        Add(Config(Web));
        using Socket server = ChainBench.Listen(_chain.Pod, 80);

        Assert.Equal("192.0.2.2", ChainBench.Connect(outside, "192.0.2.1", 8080, server));
        Assert.NotNull(ChainBench.Connect(_chain.Host, "192.0.2.1", 8080, server));
        Assert.Equal(_chain.Gateway, ChainBench.Connect(_chain.Host, "127.0.0.1", 8080, server));
        Assert.Equal(_chain.Gateway, ChainBench.Connect(other, "192.0.2.1", 8080, server));
        Assert.Equal(_chain.Gateway, ChainBench.Connect(_chain.Pod, _chain.Gateway, 8080, server));
        Assert.Null(ChainBench.Connect(outside, "192.0.2.1", 8081, server));
    }

    [Fact]
    public void Tcp_IPv6_Arrives()
    {
        TestNamespace outside = _chain.Neighbour();
        Add(Config(Web));
        using Socket server = ChainBench.Listen(_chain.Pod, 80, AddressFamily.InterNetworkV6);

        Assert.Equal("2001:db8::2", ChainBench.Connect(outside, "2001:db8::1", 8080, server));
    }

    [Fact]
    public void Tcp_ToAnotherHostsSamePort_PassesBy()
    {
        TestNamespace outside = _chain.Neighbour();
        (TestNamespace other, _) = _chain.AttachAnother("c2");
        Add(Config(Web));
        using Socket server = ChainBench.Listen(other, 8080);

        Assert.Equal("192.0.2.2", ChainBench.Connect(outside, "10.88.0.3", 8080, server));
    }

    [Fact]
    public void HostIP_OnlyThatAddressIsMapped()
    {
        TestNamespace outside = _chain.Neighbour();
        _chain.Host.Run("ip addr add 192.0.2.7/24 dev out0");
        Add(Config("""{"hostPort":8080,"containerPort":80,"protocol":"tcp","hostIP":"192.0.2.7"}"""));
        using Socket server = ChainBench.Listen(_chain.Pod, 80);

        Assert.Equal("192.0.2.2", ChainBench.Connect(outside, "192.0.2.7", 8080, server));
        Assert.Null(ChainBench.Connect(outside, "192.0.2.1", 8080, server));
        Assert.Throws<InvalidOperationException>(() => Table("ip6"));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",{\"hostPort\":5301,\"containerPort\":54,\"protocol\":\"udp\"}")]
    public void Udp_ExchangeThatBeganBefore_IsLedToTheContainer(string more)
    {
        TestNamespace outside = _chain.Neighbour();
        using Socket client = ChainBench.Datagrams(outside, 5353);
        using Socket onHost = ChainBench.Datagrams(_chain.Host, 5300);
        using Socket inPod = ChainBench.Datagrams(_chain.Pod, 53);
        byte[] buffer = new byte[16];

        // Connections are tracked once a rule asks about them.
        _chain.Host.Run("nft add table ip watch");
        _chain.Host.Run("nft add chain ip watch pre { type filter hook prerouting priority 0 ; }");
        _chain.Host.Run("nft add rule ip watch pre ct state new counter");
        ChainBench.Send(client, "192.0.2.1", 5300);
        Assert.Equal(1, onHost.Receive(buffer));

        Add(Config("""{"hostPort":5300,"containerPort":53,"protocol":"udp"}""" + more));
        ChainBench.Send(client, "192.0.2.1", 5300);

        Assert.Equal(1, inPod.Receive(buffer));
    }

    [Fact]
    public void Snat_Off_NothingIsMasqueraded()
    {
        Add(Config(Web, "\"snat\":false"));

        Assert.DoesNotContain("chain masquerading {", Table("ip"));
        Assert.Equal("0", _chain.Host.Sysctl($"net/ipv4/conf/{ChainBench.Bridge}/route_localnet"));
        _chain.Check("portmap", Config(Web, "\"snat\":false"));
    }

    [Fact]
    public void MasqAll_EveryMappedConnectionComesFromTheHost()
    {
        TestNamespace outside = _chain.Neighbour();
        Add(Config(Web, "\"masqAll\":true"));
        using Socket server = ChainBench.Listen(_chain.Pod, 80);

        Assert.Equal(_chain.Gateway, ChainBench.Connect(outside, "192.0.2.1", 8080, server));
        Assert.Equal(_chain.Gateway, ChainBench.Connect(_chain.Host, "127.0.0.1", 8080, server));
        Assert.Equal("192.0.2.2", ChainBench.Connect(outside, "10.88.0.2", 80, server));
    }

    [Theory]
    [InlineData("\"conditionsV4\":[\"!\",\"-s\",\"192.0.2.0/24\"]", "ip saddr != 192.0.2.0/24 tcp dport 8080")]
    [InlineData("\"conditionsV4\":[\"-d\",\"192.0.2.1\",\"-i\",\"out+\"]", "ip daddr 192.0.2.1 iifname \"out*\" tcp dport 8080")]
    [InlineData("\"conditionsV4\":[\"ip daddr != 192.0.2.0/24\",\"iifname\",\"\\\"eth0\\\"\"]", "ip daddr != 192.0.2.0/24 iifname \"eth0\" tcp dport 8080")]
    public void Conditions_StandBeforeEachMapping(string conditions, string rule)
    {
        Add(Config(Web, conditions));

        Assert.Contains(Table("ip"), l => l.StartsWith(rule, StringComparison.Ordinal));
        Assert.Contains(Table("ip6"), l => l.StartsWith("tcp dport 8080", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"hostPort":0,"containerPort":80,"protocol":"tcp"}""", "", 7, "Invalid host port number: 0 (runtimeConfig.portMappings[0].hostPort must be between 1 and 65535)")]
    [InlineData("""{"hostPort":80,"containerPort":70000,"protocol":"tcp"}""", "", 7, "Invalid container port number: 70000 (runtimeConfig.portMappings[0].containerPort must be between 1 and 65535)")]
    [InlineData("""{"hostPort":80,"containerPort":80,"protocol":"icmp"}""", "", 7, "runtimeConfig.portMappings[0].protocol must be tcp, udp or sctp, not \"icmp\"")]
    [InlineData("""{"hostPort":80,"containerPort":80,"hostIP":"010.0.0.1"}""", "", 7, "runtimeConfig.portMappings[0].hostIP is not an IP address: \"010.0.0.1\"")]
    [InlineData(Web, "\"markMasqBit\":32", 7, "MasqMarkBit must be between 0 and 31: markMasqBit is 32")]
    [InlineData(Web, "\"markMasqBit\":3,\"externalSetMarkChain\":\"KUBE-MARK-MASQ\"", 7, "Cannot specify externalSetMarkChain and markMasqBit")]
    [InlineData(Web, "\"backend\":\"ebpf\"", 7, "unknown backend \"ebpf\": backend must be nftables or iptables")]
    [InlineData(Web, "\"conditionsV4\":[\"-m\",\"addrtype\"]", 2, "conditionsV4: \"-m\" is not supported; supported are")]
    [InlineData(Web, "\"conditionsV6\":[\"!\",\"-s\"]", 2, "conditionsV6: a word is missing at the end; supported are")]
    [InlineData(Web, "\"conditionsV6\":[\"-s\",\"10.0.0.0/8\"]", 7, "conditionsV6: \"10.0.0.0/8\" is not an IPv6 address or network")]
    public void Add_BadConfiguration_IsRefusedBeforeAnythingIsMade(string mappings, string more, int code, string message)
    {
        CniException refused = _chain.Refused("portmap", Config(mappings, more));

        Assert.Equal(code, refused.Code);
        Assert.StartsWith(message, refused.Message, StringComparison.Ordinal);
        Assert.Empty(_chain.Host.Rules());
    }

    [Fact]
    public void Add_KeysOfTheIptablesBackend_AreServed()
    {
        Add(Config(Web, "\"backend\":\"iptables\",\"externalSetMarkChain\":\"KUBE-MARK-MASQ\""));

        Assert.Contains(Table("ip"), l => l.Contains("masquerade", StringComparison.Ordinal));
    }

    [Fact]
    public void Add_WithoutMappings_DoesNothing()
    {
        Add(Config(""));

        Assert.Empty(_chain.Host.Rules());
    }

    [Fact]
    public void Add_NotInAChain_IsRefused() =>
        Assert.Equal(CniErrorCode.InvalidNetworkConfig, Assert.Throws<CniException>(() => _chain.Bench.Add("portmap", Config(Web), netns: _chain.Pod.Path)).Code);

    [Fact]
    public void Del_LeavesOtherContainersRulesAndMayBeRepeated_WithoutNamespaceOrMappings()
    {
        (TestNamespace other, CniResult second) = _chain.AttachAnother("c2");
        Add(Config(Web));
        _chain.Add("portmap", Config("""{"hostPort":9090,"containerPort":80}"""), "c2", second, other);

        _chain.Del("portmap", """{"cniVersion":"1.1.0","name":"net","type":"portmap","conditionsV4":["-m"]}""", netns: "/run/netns/none");

        Assert.Equal(0, RuleCount());
        Assert.Equal(5, RuleCount("c2"));
        _chain.Del("portmap", Config(Web));
    }

    [Fact]
    public void Del_NeverAdded_MakesNothing()
    {
        _chain.Del("portmap", Config(Web));

        Assert.DoesNotContain("cni_hostport", _chain.Host.Run("nft list ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public void Del_RulesOfTheReferencePlugin_GoToo()
    {
        Add(Config(Web));
        _chain.Host.Run("nft add rule ip cni_hostport hostports ip protocol tcp th dport 8888 dnat ip to 10.88.0.2:88 comment \"c1\"");
        _chain.Host.Run("nft add rule ip cni_hostport hostports ip protocol tcp th dport 8889 dnat ip to 10.88.0.2:88 comment \"c9\"");

        _chain.Del("portmap", Config(Web));

        Assert.Equal((0, 1), (RuleCount(), RuleCount("c9")));
    }

    [Fact]
    public void Check_UntouchedThenRuleGone_SaysWhichMapping()
    {
        string config = Config($$"""{{Web}},{"hostPort":8081,"containerPort":81,"protocol":"udp","hostIP":"192.0.2.9"}""");
        Add(config);
        _chain.Check("portmap", config);

        _chain.Host.Run("nft flush chain ip cni_hostport hostports");

        CniException failed = Assert.Throws<CniException>(() => _chain.Check("portmap", config));
        Assert.Equal("no rule leads host port 8080/tcp to 10.88.0.2 port 80", failed.Message);
    }

    [Fact]
    public void Check_OtherContainerPort_Fails()
    {
        Add(Config(Web));

        Assert.Throws<CniException>(() => _chain.Check("portmap", Config("""{"hostPort":8080,"containerPort":81,"protocol":"tcp"}""")));
    }

    [Fact]
    public void Check_MasqueradingGone_Fails()
    {
        Add(Config(Web));
        _chain.Host.Run("nft flush chain ip cni_hostport masquerading");

        Assert.Contains("masquerades", Assert.Throws<CniException>(() => _chain.Check("portmap", Config(Web))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Gc_RemovesRulesOfThisNetworksLostAttachmentsOnly()
    {
        Add(Config(Web));
        string otherNetwork = Config(Web).Replace("\"net\"", "\"net2\"", StringComparison.Ordinal);
        _chain.Add("portmap", otherNetwork, "c2");
        _chain.Host.Run("nft add rule ip cni_hostport hostports ip protocol tcp th dport 8888 dnat ip to 10.88.0.2:88 comment \"c3\"");

        _chain.Gc("portmap", Config(Web), ("c1", "eth0"));
        Assert.Equal((5, 5, 1), (RuleCount(), RuleCount("c2"), RuleCount("c3")));

        _chain.Gc("portmap", Config(Web));
        Assert.Equal((0, 5, 1), (RuleCount(), RuleCount("c2"), RuleCount("c3")));
    }

    [Fact]
    public void Add_Concurrently_ChainsAreEnteredOnce()
    {
        Parallel.For(0, 8, i => _chain.Add("portmap", Config($$"""{"hostPort":{{9000 + i}},"containerPort":80}"""), $"c{i}"));

        Assert.Equal(2, Table("ip").Count(l => l == "jump hostip_hostports"));
        Assert.Equal(8, Table("ip").Count(l => l.Contains("dnat to", StringComparison.Ordinal)));
    }

    [Fact]
    public void Status_IsReady() => _chain.Status("portmap", Config(""));
}
