using System.Net;
using Musubi.Linux.Addresses;
using Musubi.Linux.Nftables;
using Musubi.Linux.Nftables.Expressions;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Nftables;

/// <summary>Rules in the tables that iptables(8) keeps by nf_tables: it must be able to read them, and pass over what it does not know.</summary>
public sealed class IptablesTests
{
    private static readonly NftTable Filter = new(NftFamily.IPv4, "filter");
    private static readonly IPAddress Guest = IpText.ParseAddress("10.0.2.2");

    [Fact]
    public void ConntrackState_IsReadByIptables()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTransaction tx = nft.Begin();
        tx.AddTable(Filter);
        NftChain forward = tx.AddChain(new NftChain(Filter, "FORWARD") { Hook = NftHook.Forward });
        tx.AddRule(
            forward,
            r => r.Destination(Guest).IptablesConntrackState(NftConntrackStates.Established | NftConntrackStates.Related).Counter().Accept(),
            comment: "why",
            tag: "mine");
        tx.Commit();

        Assert.Contains(
            "-A FORWARD -d 10.0.2.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment why -j ACCEPT",
            net.Run("iptables", "-S FORWARD"),
            StringComparison.Ordinal);
        Assert.Contains("ct state related,established", net.Run("nft", "list ruleset"), StringComparison.Ordinal);
    }

    [Fact]
    public void Tag_IsReadBackAndNotShown()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTransaction tx = nft.Begin();
        NftTable table = tx.AddTable(NftFamily.Inet, "t");
        NftChain chain = tx.AddChain(table, "c");
        tx.AddRule(chain, r => r.Drop(), comment: "shown", tag: "hidden");
        tx.AddRule(chain, r => r.Drop(), tag: "alone");
        tx.InsertRule(chain, r => r.Drop());
        tx.Commit();

        Assert.Equal([(null, null), ("shown", "hidden"), (null, "alone")], nft.ListRules(chain).Select(r => (r.Comment, r.Tag)));
        string shown = net.Run("nft", "list ruleset");
        Assert.Contains("comment \"shown\"", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Tag_TooLongWithItsComment_IsRefused()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftTransaction tx = nft.Begin();
        NftChain chain = new(new NftTable(NftFamily.Inet, "t"), "c");

        Assert.Throws<ArgumentException>(() => tx.AddRule(chain, r => r.Drop(), comment: new string('c', 127), tag: new string('t', 127)));
    }
}
