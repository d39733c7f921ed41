using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Musubi.Linux.Addresses;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables;
using Musubi.Linux.Nftables.Expressions;
using Musubi.Linux.Routes;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Nftables;

public sealed class RulesetTests
{
    private static readonly IPAddress Guest = IpText.ParseAddress("10.0.2.2");
    private static readonly IPAddress Guest6 = IpText.ParseAddress("fd10:0:2::2");
    private static readonly MacAddress Mac = MacAddress.Parse("02:00:00:00:00:07");

    /// <summary>Makes a base chain in a table of the family, adds one rule, and answers how nft(8) writes the rule.</summary>
    private static string Rule(NftFamily family, Action<NftRuleBuilder> build, NftChainType type = NftChainType.Filter, NftHook hook = NftHook.PreRouting)
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTransaction tx = nft.Begin();
        NftTable table = tx.AddTable(family, "t");
        tx.AddChain(table, "other");
        NftChain chain = tx.AddChain(new NftChain(table, "c") { Type = type, Hook = hook, Priority = NftPriority.DestinationNat });
        tx.AddRule(chain, build);
        tx.Commit();
        string[] lines = net.Run("nft", "list ruleset").Split('\n');
        int start = Array.FindIndex(lines, line => line.Contains("policy accept", StringComparison.Ordinal));
        return lines[start + 1].Trim();
    }

    [Fact]
    public void Rules_AsNftWritesThem()
    {
        Cidr net4 = Cidr.Parse("10.0.0.0/24");
        Assert.Equal("iifname \"eth0\" tcp dport 80 counter packets 0 bytes 0 accept",
            Rule(NftFamily.IPv4, r => r.InputInterface("eth0").TcpDestinationPort(80).Counter().Accept()));
        Assert.Equal("ip saddr 10.0.0.0/24 drop", Rule(NftFamily.Inet, r => r.Source(net4).Drop()));
        Assert.Equal("ip daddr != 10.0.0.0/24 return", Rule(NftFamily.Inet, r => r.DestinationIsNot(net4).Return()));
        Assert.Equal("ip6 saddr fd10:0:2::2 accept", Rule(NftFamily.Inet, r => r.Source(Guest6).Accept()));
        Assert.Equal("ip6 daddr ff00::/8 return", Rule(NftFamily.IPv6, r => r.Destination(Cidr.Parse("ff00::/8")).Return()));
        Assert.Equal("iifname \"veth*\" accept", Rule(NftFamily.Inet, r => r.InputInterface("veth*").Accept()));
        Assert.Equal("udp dport 53-67 jump other",
            Rule(NftFamily.Inet, r => r.DestinationPort(NftTransport.Udp, new PortRange(53, 67)).Verdict(NftVerdict.Jump("other"))));
        Assert.Equal("udp sport != 53-67 goto other",
            Rule(NftFamily.Inet, r => r.SourcePort(NftTransport.Udp).IsNotBetween(53, 67).Verdict(NftVerdict.Goto("other"))));
        Assert.Equal("sctp dport 9 accept", Rule(NftFamily.Inet, r => r.DestinationPort(NftTransport.Sctp).Is(9).Accept()));
        Assert.Equal("ct state established,related accept",
            Rule(NftFamily.Inet, r => r.ConntrackState(NftConntrackStates.Established | NftConntrackStates.Related).Accept()));
        Assert.Equal("ct status dnat accept", Rule(NftFamily.Inet, r => r.ConntrackStatus(NftConntrackStatus.DestinationNat).Accept()));
        Assert.Equal("meta mark 0x00000007 accept", Rule(NftFamily.Inet, r => r.Mark().Is(NftValue.OfNumber(7u)).Accept()));
        Assert.Equal("meta mark set 0x00000007", Rule(NftFamily.Inet, r => r.SetMark(7)));
        Assert.Equal("ct mark set 0x00000007", Rule(NftFamily.Inet, r => r.SetConntrackMark(7)));
        Assert.Equal("fib daddr type local accept", Rule(NftFamily.Inet, r => r.FibAddressType(NftFibFlags.Destination, RouteType.Local).Accept()));
        Assert.Equal("meta nfproto ipv6 drop", Rule(NftFamily.Inet, r => r.NetworkProtocol(AddressFamily.InterNetworkV6).Drop()));
    }

    [Fact]
    public void RulesOfBridges_AsNftWritesThem()
    {
        Assert.Equal("iifname \"v3\" ether saddr != 02:00:00:00:00:07 drop",
            Rule(NftFamily.Bridge, r => r.InputInterface("v3").EtherSource().IsNot(Mac).Drop()));
        Assert.Equal("ether type arp accept", Rule(NftFamily.Bridge, r => r.EtherType().Is(0x0806).Accept()));
        Assert.Equal("ip saddr 10.0.2.2 accept", Rule(NftFamily.Bridge, r => r.Source(Guest).Accept()));
        Assert.Equal("ip6 daddr fd10:0:2::2 tcp dport 22 accept", Rule(NftFamily.Bridge, r => r.Destination(Guest6).TcpDestinationPort(22).Accept()));
        Assert.Equal("ether saddr 02:00:00:00:00:07 accept", Rule(NftFamily.Inet, r => r.EtherSource().Is(Mac).Accept()));
    }

    [Fact]
    public void RulesWithNat_AsNftWritesThem()
    {
        Assert.Equal("dnat to 10.0.2.2", Rule(NftFamily.IPv4, r => r.Dnat(Guest), NftChainType.Nat));
        Assert.Equal("tcp dport 80 dnat to 10.0.2.2:8080", Rule(NftFamily.IPv4, r => r.TcpDestinationPort(80).Dnat(Guest, 8080), NftChainType.Nat));
        Assert.Equal("tcp dport 80 dnat to [fd10:0:2::2]:8080", Rule(NftFamily.IPv6, r => r.TcpDestinationPort(80).Dnat(Guest6, 8080), NftChainType.Nat));
        Assert.Equal("meta nfproto ipv4 dnat ip to 10.0.2.2", Rule(NftFamily.Inet, r => r.Dnat(Guest), NftChainType.Nat));
        Assert.Equal("ip saddr 127.0.0.1 snat to 10.0.2.2",
            Rule(NftFamily.IPv4, r => r.Source(IPAddress.Loopback).Snat(Guest), NftChainType.Nat, NftHook.PostRouting));
        Assert.Equal("masquerade", Rule(NftFamily.Inet, r => r.Masquerade(), NftChainType.Nat, NftHook.PostRouting));
        Assert.Equal("tcp dport 80 masquerade to :1024-2048 fully-random",
            Rule(
                NftFamily.Inet,
                r => r.TcpDestinationPort(80).Masquerade(new PortRange(1024, 2048), NftNatFlags.FullyRandom),
                NftChainType.Nat,
                NftHook.PostRouting));
        Assert.Equal("tcp dport 80 redirect to :8080", Rule(NftFamily.Inet, r => r.TcpDestinationPort(80).Redirect(8080), NftChainType.Nat));
    }

    [Fact]
    public void RulesWithSetsOfTheirOwn_AsNftWritesThem()
    {
        Assert.Equal("tcp dport { 49152, 49153 } return", Rule(NftFamily.IPv4, r => r.TcpDestinationPort().IsOneOf(49152, 49153).Return()));
        Assert.Equal("ip saddr { 127.0.0.1, 127.0.0.6 } accept",
            Rule(NftFamily.IPv4, r => r.IPv4Source().IsOneOf(IPAddress.Loopback, IpText.ParseAddress("127.0.0.6")).Accept()));
        Assert.Equal("iifname != { \"a\", \"b\" } drop",
            Rule(NftFamily.Inet, r => r.InputInterface().IsNoneOf(NftValue.OfInterface("a"), NftValue.OfInterface("b")).Drop()));
        Assert.Equal("meta l4proto { tcp, udp } th dport 53 accept",
            Rule(NftFamily.Inet, r => r.TransportProtocol().IsOneOf(NftValue.OfByte(6), NftValue.OfByte(17)).DestinationPort().Is(53).Accept()));
        Assert.Equal("tcp dport vmap { 80 : accept, 81 : jump other }",
            Rule(NftFamily.Inet, r => r.TcpDestinationPort().VerdictFrom(NftElement.Of(80, NftVerdict.Accept), NftElement.Of(81, NftVerdict.Jump("other")))));
        Assert.Equal("iifname . ether saddr { \"v3\" . 02:00:00:00:00:07 } accept",
            Rule(NftFamily.Bridge, r => r.InputInterface().With(r.EtherSource()).IsOneOf(NftValue.Concat(NftValue.OfInterface("v3"), Mac)).Accept()));
        Assert.Equal("dnat ip to numgen random mod 2 map { 0 : 10.0.2.2 . 80, 1 : 10.0.2.3 . 81 }",
            Rule(NftFamily.IPv4, r => r.TcpDestinationPort(8080).DnatFrom(
                r.NumberGenerator(2),
                NftDataType.Integer,
                NftDataType.Concat(NftDataType.IPv4Address, NftDataType.Service),
                NftElement.Of(NftValue.OfNumber(0u), NftValue.Concat(Guest, (ushort)80)),
                NftElement.Of(NftValue.OfNumber(1u), NftValue.Concat(IpText.ParseAddress("10.0.2.3"), (ushort)81))),
                NftChainType.Nat).Replace("tcp dport 8080 ", ""));
    }

    [Fact]
    public void Commit_TableChainRule_HandlesAndGenerationAreTold()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        uint before = nft.GetGeneration();
        NftTransaction tx = nft.Begin();
        NftTable table = tx.AddTable(new NftTable(NftFamily.Inet, "t") { Comment = "a table" });
        NftChain chain = tx.AddChain(new NftChain(table, "c") { Hook = NftHook.Forward, Policy = NftVerdictCode.Drop, Comment = "a chain" });
        tx.AddRule(chain, r => r.Counter().Accept(), "first");
        tx.AddRule(chain, r => r.Drop(), "second");

        NftCommit commit = tx.Commit();

        Assert.Equal(before + 1, commit.Generation);
        Assert.Equal(commit.Generation, nft.GetGeneration());
        JsonElement[] seen = [.. net.RunJson("nft", "-j -a list ruleset").GetProperty("nftables").EnumerateArray()];
        JsonElement[] rules = [.. seen.Where(e => e.TryGetProperty("rule", out _)).Select(e => e.GetProperty("rule"))];
        Assert.Equal(["first", "second"], rules.Select(r => r.GetProperty("comment").GetString()));
        Assert.Equal(commit.RuleHandles, rules.Select(r => r.GetProperty("handle").GetUInt64()));
        JsonElement seenChain = seen.Single(e => e.TryGetProperty("chain", out _)).GetProperty("chain");
        Assert.Equal("drop", seenChain.GetProperty("policy").GetString());
        Assert.Equal("forward", seenChain.GetProperty("hook").GetString());
        Assert.Contains("comment \"a table\"", net.Run("nft", "list ruleset"));
        Assert.Contains("comment \"a chain\"", net.Run("nft", "list ruleset"));
        NftChain read = Assert.Single(nft.ListChains(table));
        Assert.Equal(chain, read with { Handle = 0, Table = table });
        Assert.Equal("a table", nft.FindTable(NftFamily.Inet, "t")!.Comment);
        Assert.Null(nft.FindTable(NftFamily.Inet, "other"));
        Assert.Null(nft.FindChain(table, "other"));
    }

    [Fact]
    public void Rules_ReadBackAreTheExpressionsWritten()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        List<IReadOnlyList<NftExpression>> written = [];
        NftTransaction tx = nft.Begin();
        NftTable table = tx.AddTable(NftFamily.IPv4, "t");
        NftChain chain = tx.AddChain(new NftChain(table, "c") { Type = NftChainType.Nat, Hook = NftHook.PreRouting, Priority = NftPriority.DestinationNat });
        foreach (Action<NftRuleBuilder> build in (Action<NftRuleBuilder>[])
        [
            r => r.InputInterface("eth0").TcpDestinationPort(80).Dnat(Guest, 8080),
            r => r.Source(Cidr.Parse("10.0.0.0/24")).Counter().Accept(),
            r => r.SourcePort(NftTransport.Udp).IsNotBetween(53, 67).Drop(),
            r => r.ConntrackState(NftConntrackStates.New).FibAddressType(NftFibFlags.Destination, RouteType.Local).Redirect(99),
            r => r.Verdict(NftVerdict.Return),
        ])
        {
            tx.AddRule(chain, r =>
            {
                build(r);
                written.Add(r.Expressions);
            });
        }

        tx.Commit();

        Assert.Equal(written, nft.ListRules(chain).Select(r => r.Expressions));
    }

    [Fact]
    public void Rules_InsertedReplacedDeleted_OrderIsAsAsked()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTransaction tx = nft.Begin();
        NftTable table = tx.AddTable(NftFamily.Inet, "t");
        NftChain chain = tx.AddChain(table, "c");
        int b = tx.AddRule(chain, r => r.Accept(), "b");
        int d = tx.AddRule(chain, r => r.Accept(), "d");
        NftCommit commit = tx.Commit();

        tx = nft.Begin();
        tx.InsertRule(chain, r => r.Accept(), "a");
        tx.AddRule(chain, r => r.Accept(), "c", after: commit.RuleHandles[b]);
        tx.ReplaceRule(chain, commit.RuleHandles[d], r => r.Drop(), "e");
        tx.Commit();
        Assert.Equal(["a", "b", "c", "e"], nft.ListRules(chain).Select(r => r.Comment));

        tx = nft.Begin();
        foreach (NftRule rule in nft.ListRules(chain).Where(r => r.Comment is "b" or "c"))
        {
            tx.DeleteRule(rule);
        }

        tx.Commit();
        Assert.Equal(["a", "e"], nft.ListRules(table).Select(r => r.Comment));
    }

    [Fact]
    public void Commit_OneRefused_NothingIsChangedAndTheErrorSaysWhich()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTransaction tx = nft.Begin();
        NftTable table = tx.AddTable(NftFamily.Inet, "t");
        tx.DeleteChain(new NftChain(table, "missing"));
        tx.AddChain(table, "c");

        NetlinkException e = Assert.Throws<NetlinkException>(() => tx.Commit());

        Assert.Equal((Errno.ENOENT, 1, "NFT_MSG_DELCHAIN", "chain inet t missing"), (e.Errno, e.RequestIndex, e.Operation, e.Subject));
        Assert.Empty(nft.ListTables());
    }

    [Fact]
    public void Commit_ExpressionNotInThisFamily_ErrorNamesIt()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTransaction tx = nft.Begin();
        NftTable table = tx.AddTable(NftFamily.Arp, "t");
        NftChain chain = tx.AddChain(table, "c");
        tx.AddRule(chain, r => r.Counter().Append(new NftMasquerade()));

        NetlinkException e = Assert.Throws<NetlinkException>(() => tx.Commit());

        Assert.Contains("\"masq\"", e.Message);
        Assert.Equal(2, e.RequestIndex);
    }

    [Theory]
    [InlineData(NftFamily.Inet)]
    [InlineData(NftFamily.IPv4)]
    [InlineData(NftFamily.IPv6)]
    [InlineData(NftFamily.Bridge)]
    public void Reject_IsMadeOrTheErrorNamesIt(NftFamily family)
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTransaction tx = nft.Begin();
        NftTable table = tx.AddTable(family, "t");
        NftChain chain = tx.AddChain(table, "c", NftHook.Input, NftPriority.Filter);
        tx.AddRule(chain, r => r.Reject());
        tx.AddRule(chain, r => r.RejectWithTcpReset());
        try
        {
            tx.Commit();
        }
        catch (NetlinkException e)
        {
            Assert.Equal(Errno.ENOENT, e.Errno);
            Assert.Contains("the kernel has no expression \"reject\" for this family", e.Message);
            return;
        }

        string text = net.Run("nft", "list ruleset");
        Assert.Contains("reject", text);
        Assert.Contains("reject with tcp reset", text);
    }

    [Fact]
    public void Commit_GenerationPassed_IsRefused()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        uint generation = nft.GetGeneration();
        NftTransaction first = nft.Begin();
        first.AddTable(NftFamily.Inet, "a");
        first.Commit(generation);
        NftTransaction second = nft.Begin();
        second.AddTable(NftFamily.Inet, "b");

        NftGenerationChangedException e = Assert.Throws<NftGenerationChangedException>(() => second.Commit(generation));

        Assert.Equal(generation, e.Expected);
        Assert.Null(nft.FindTable(NftFamily.Inet, "b"));
    }

    [Fact]
    public void DeleteIfExists_MissingOrThere_IsGoneAfterwards()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTable table = new(NftFamily.Bridge, "nat");
        for (int i = 0; i < 2; i++)
        {
            NftTransaction tx = nft.Begin();
            tx.DeleteTableIfExists(table);
            tx.Commit();
            Assert.Empty(nft.ListTables());
            tx = nft.Begin();
            tx.AddTable(table);
            NftChain chain = tx.AddChain(table, "c", NftHook.PreRouting, -300);
            tx.AddRule(chain, r => r.Accept());
            tx.DeleteChainIfExists(new NftChain(table, "never"));
            tx.Commit();
            tx = nft.Begin();
            tx.DeleteChainIfExists(chain);
            tx.Commit();
            Assert.Empty(nft.ListChains(table));
        }
    }

    [Fact]
    public void ReadConsistently_AnswersTheGeneration()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        (int count, uint generation) = nft.ReadConsistently(socket => socket.ListTables().Count);
        Assert.Equal((0, nft.GetGeneration()), (count, generation));
    }

    [Fact]
    public void Commit_ThousandsOfRules_AllAreMade()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTransaction tx = nft.Begin();
        NftTable table = tx.AddTable(NftFamily.Inet, "t");
        NftChain chain = tx.AddChain(table, "c");
        for (ushort port = 1; port <= 5000; port++)
        {
            ushort each = port;
            tx.AddRule(chain, r => r.TcpDestinationPort(each).Counter().Accept());
        }

        NftCommit commit = tx.Commit();

        Assert.Equal(5000, commit.RuleHandles.Distinct().Count());
        Assert.Equal(5000, nft.ListRules(chain).Count);
    }
}
