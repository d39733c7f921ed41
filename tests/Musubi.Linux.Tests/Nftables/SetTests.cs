using Musubi.Linux.Addresses;
using Musubi.Linux.Nftables;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Nftables;

public sealed class SetTests
{
    private static readonly NftTable Table = new(NftFamily.Inet, "t");

    private static string Listed(TestNamespace net, string kind, string name) =>
        string.Join(' ', net.Run("nft", $"list {kind} inet t {name}").Split((char[])['\n', '\t', ' '], StringSplitOptions.RemoveEmptyEntries));

    private static void Commit(NftSocket nft, Action<NftTransaction> change)
    {
        NftTransaction tx = nft.Begin();
        tx.AddTable(Table);
        change(tx);
        tx.Commit();
    }

    [Fact]
    public void Set_OfAddresses_AsNftWritesItAndReadBack()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftSet set = new(Table, "s", NftDataType.IPv4Address) { Comment = "who may", Size = 100 };
        NftElement[] elements = [new(IpText.ParseAddress("10.0.0.1")) { Comment = "one" }, new(IpText.ParseAddress("10.0.0.2"))];

        Commit(nft, tx =>
        {
            tx.AddSet(set);
            tx.AddElements(set, elements);
        });

        string text = Listed(net, "set", "s");
        Assert.Contains("type ipv4_addr", text);
        Assert.Contains("comment \"who may\"", text);
        Assert.Contains("10.0.0.1 comment \"one\"", text);
        Assert.Equal(set, Assert.Single(nft.ListSets(Table)) with { Handle = 0 });
        Assert.Equal(elements.OrderBy(e => e.Key.ToString()), nft.ListElements(set).OrderBy(e => e.Key.ToString()));
        Commit(nft, tx => tx.DeleteElements(set, elements[0]));
        Assert.Equal([elements[1]], nft.ListElements(set));
        Commit(nft, tx => tx.DeleteElementsIfExist(set, elements));
        Assert.Empty(nft.ListElements(set));
        Commit(nft, tx => tx.DeleteSetIfExists(set));
        Assert.Empty(nft.ListSets(Table));
    }

    [Fact]
    public void Set_OfRanges_AsNftWritesItAndReadBack()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftSet set = new(Table, "s", NftDataType.IPv4Address) { Interval = true };
        NftElement[] elements =
        [
            NftElement.Of(Cidr.Parse("0.0.0.0/8")),
            NftElement.Of(Cidr.Parse("10.0.0.0/24")),
            NftElement.Of(Cidr.Parse("10.0.1.0/25")),
            new(IpText.ParseAddress("172.16.0.9")),
            NftElement.Of(Cidr.Parse("224.0.0.0/3")),
        ];

        Commit(nft, tx =>
        {
            tx.AddSet(set);
            tx.AddElements(set, elements);
        });

        Assert.Contains("elements = { 0.0.0.0/8, 10.0.0.0/24, 10.0.1.0/25, 172.16.0.9, 224.0.0.0/3 }", Listed(net, "set", "s"));
        Assert.Equal(elements, nft.ListElements(set));
        Commit(nft, tx => tx.DeleteElements(set, elements[1]));
        Assert.Equal(4, nft.ListElements(set).Count);
    }

    [Fact]
    public void Set_OfConcatenatedRanges_AsNftWritesItAndReadBack()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftSet set = new(Table, "s", NftDataType.Concat(NftDataType.IPv4Address, NftDataType.Service)) { Interval = true };
        NftElement element = new(NftValue.Concat(IpText.ParseAddress("10.0.0.0"), (ushort)80))
        {
            End = NftValue.Concat(IpText.ParseAddress("10.0.0.255"), (ushort)90),
        };
        NftElement single = new(NftValue.Concat(IpText.ParseAddress("10.0.9.9"), (ushort)22));

        Commit(nft, tx =>
        {
            tx.AddSet(set);
            tx.AddElements(set, element, single);
        });

        string text = Listed(net, "set", "s");
        Assert.Contains("type ipv4_addr . inet_service", text);
        Assert.Contains("10.0.0.0/24 . 80-90", text);
        Assert.Contains("10.0.9.9 . 22", text);
        Assert.Equal(set, Assert.Single(nft.ListSets(Table)) with { Handle = 0 });
        Assert.Equal([element, single], nft.ListElements(set).OrderBy(e => e.Key.ToString()));
    }

    [Fact]
    public void VerdictMap_OfInterfaces_LeadsRulesToTheirChains()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftSet map = new(Table, "ports", NftDataType.InterfaceName) { Data = NftDataType.Verdict };
        NftElement[] elements =
        [
            NftElement.Of(NftValue.OfInterface("a0"), NftVerdict.Jump("for-a")),
            NftElement.Of(NftValue.OfInterface("b0"), NftVerdict.Drop),
        ];

        Commit(nft, tx =>
        {
            tx.AddChain(Table, "for-a");
            tx.AddSet(map);
            tx.AddElements(map, elements);
            NftChain chain = tx.AddChain(Table, "c", NftHook.Forward, 0);
            tx.AddRule(chain, r => r.InputInterface().VerdictFrom(map));
        });

        string text = Listed(net, "map", "ports");
        Assert.Contains("type ifname : verdict", text);
        Assert.Contains("\"a0\" : jump for-a", text);
        Assert.Contains("iifname vmap @ports", Listed(net, "chain", "c"));
        Assert.Equal(elements, nft.ListElements(map).OrderBy(e => e.Key.ToString()));
    }

    [Fact]
    public void Map_OfAddressesAndPorts_LeadsToDestinations()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftSet map = new(Table, "services", NftDataType.Concat(NftDataType.IPv4Address, NftDataType.Service))
        {
            Data = NftDataType.Concat(NftDataType.IPv4Address, NftDataType.Service),
        };

        Commit(nft, tx =>
        {
            tx.AddSet(map);
            tx.AddElements(map, NftElement.Of(
                NftValue.Concat(IpText.ParseAddress("10.96.0.1"), (ushort)443), NftValue.Concat(IpText.ParseAddress("10.0.0.5"), (ushort)6443)));
            NftChain chain = tx.AddChain(new NftChain(Table, "c") { Type = NftChainType.Nat, Hook = NftHook.PreRouting, Priority = -100 });
            tx.AddRule(chain, r => r.DnatFrom(r.IPv4Destination().With(r.TcpDestinationPort()), map));
        });

        Assert.Contains("10.96.0.1 . 443 : 10.0.0.5 . 6443", Listed(net, "map", "services"));
        Assert.Contains("dnat ip to ip daddr . tcp dport map @services", Listed(net, "chain", "c"));
    }

    [Fact]
    public void Set_WithTimeout_ElementsTellHowLongTheyLive()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftSet set = new(Table, "s", NftDataType.EtherAddress) { Timeout = TimeSpan.FromHours(1), HasTimeouts = true };

        Commit(nft, tx =>
        {
            tx.AddSet(set);
            tx.AddElements(set, new NftElement(MacAddress.Parse("02:00:00:00:00:07")) { Timeout = TimeSpan.FromMinutes(5) });
        });

        NftElement element = Assert.Single(nft.ListElements(set));
        Assert.Equal(TimeSpan.FromMinutes(5), element.Timeout);
        Assert.InRange(element.ExpiresIn!.Value, TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(5));
        Assert.Contains("02:00:00:00:00:07 timeout 5m expires", Listed(net, "set", "s"));
    }

    [Fact]
    public void Set_ManyElements_AllAreMadeAndFlushed()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftSet set = new(Table, "s", NftDataType.IPv4Address);
        NftElement[] elements = [.. Enumerable.Range(0, 20_000).Select(i => new NftElement(IpText.Add(IpText.ParseAddress("10.0.0.0"), i)))];

        Commit(nft, tx =>
        {
            tx.AddSet(set);
            tx.AddElements(set, elements);
        });

        Assert.Equal(20_000, nft.ListElements(set).Count);
        Commit(nft, tx => tx.FlushSet(set));
        Assert.Empty(nft.ListElements(set));
    }

    [Fact]
    public void AddElements_KeyOfOtherType_SaysSo()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        NftSet set = new(Table, "s", NftDataType.IPv4Address);

        ArgumentException e = Assert.Throws<ArgumentException>(() => nft.Begin().AddElements(set, new NftElement((ushort)80)));

        Assert.Contains("set inet t s has keys of 4 bytes (ipv4_addr)", e.Message);
    }

    [Fact]
    public void ListElements_SetMissing_IsEmpty()
    {
        using TestNamespace net = new();
        using NftSocket nft = NftSocket.Open(net.Network);
        Assert.Empty(nft.ListElements(new NftSet(Table, "s", NftDataType.IPv4Address)));
        Assert.Empty(nft.ListSets(Table));
        Assert.Empty(nft.ListRules(Table));
    }
}
