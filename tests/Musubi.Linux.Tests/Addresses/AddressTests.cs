using System.Net.Sockets;
using System.Text.Json;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Addresses;

public sealed class AddressTests
{
    [Fact]
    public void Add_OptionsGiven_WitnessSeesThem()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1") { AdminUp = true });

        net.Route.Addresses.Add(link, new InterfaceAddress(Cidr.Parse("10.0.0.5/24"))
        {
            Broadcast = IpText.ParseAddress("10.0.0.255"),
            Label = "v0:1",
            Flags = AddressFlags.NoPrefixRoute,
            ValidLifetime = TimeSpan.FromHours(1),
        });

        JsonElement address = net.Ip("-4 addr show dev v0")[0].GetProperty("addr_info")[0];
        Assert.Equal("10.0.0.5", address.GetProperty("local").GetString());
        Assert.Equal(24, address.GetProperty("prefixlen").GetInt32());
        Assert.Equal("10.0.0.255", address.GetProperty("broadcast").GetString());
        Assert.Equal("v0:1", address.GetProperty("label").GetString());
        Assert.True(address.GetProperty("noprefixroute").GetBoolean());
        Assert.InRange(address.GetProperty("valid_life_time").GetInt64(), 3590, 3600);
        InterfaceAddress read = Assert.Single(net.Route.Addresses.List(link, AddressFamily.InterNetwork));
        Assert.Equal(link, read.Link);
        Assert.Equal("v0:1", read.Label);
        Assert.NotNull(read.ValidLifetime);
    }

    [Fact]
    public void Add_NoDad_IsUsableAtOnce()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1") { AdminUp = true });
        net.Route.Links.Change(net.Route.Links.IndexOf("v1"), new LinkChange { AdminUp = true });

        net.Route.Addresses.Add(link, new InterfaceAddress(Cidr.Parse("fd00::5/64")) { NoDad = true });
        net.Route.Addresses.Add(link, Cidr.Parse("fd00::6/64"));

        IReadOnlyList<InterfaceAddress> addresses = net.Route.Addresses.List(link, AddressFamily.InterNetworkV6);
        Assert.False(addresses.Single(a => a.Cidr == Cidr.Parse("fd00::5/64")).IsTentative);
        Assert.True(addresses.Single(a => a.Cidr == Cidr.Parse("fd00::6/64")).IsTentative);
    }

    [Fact]
    public void Add_Twice_ReportsEexist()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1"));
        net.Route.Addresses.Add(link, Cidr.Parse("10.0.0.5/24"));

        NetlinkException e = Assert.Throws<NetlinkException>(() => net.Route.Addresses.Add(link, Cidr.Parse("10.0.0.5/24")));

        Assert.Equal(Errno.EEXIST, e.Errno);
        Assert.Contains("10.0.0.5/24", e.Message);
    }

    [Fact]
    public void Delete_AsRead_IsGone()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1"));
        net.Route.Addresses.Add(link, Cidr.Parse("10.0.0.5/24"));

        net.Route.Addresses.Delete(link, Assert.Single(net.Route.Addresses.List(link)));

        Assert.Empty(net.Route.Addresses.List(link));
        Assert.Equal(
            Errno.EADDRNOTAVAIL,
            Assert.Throws<NetlinkException>(() => net.Route.Addresses.Delete(link, Cidr.Parse("10.0.0.5/24"))).Errno);
    }

    [Fact]
    public void List_AddressesRoutesRulesOfMappedIPv4_AreLeftOut()
    {
        using TestNamespace net = new();
        net.Ip("addr add ::ffff:192.0.2.1/128 dev lo");
        net.Ip("link set lo up");
        net.Ip("-6 route add unreachable ::ffff:0.0.0.0/96");
        net.Ip("-6 rule add from ::ffff:0.0.0.0/96 table 7");

        Assert.DoesNotContain(net.Route.Addresses.List(), a => a.Cidr.ToString().Contains("192.0.2.1", StringComparison.Ordinal));
        Assert.DoesNotContain(net.Route.Routes.List(), r => r.IsDefault);
        Assert.DoesNotContain(net.Route.Rules.List(AddressFamily.InterNetworkV6), r => r.Table == 7);
    }

    [Fact]
    public void List_ManyAddresses_AllPartsOfTheDumpAreRead()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1"));
        RouteBatch batch = net.Route.Batch();
        for (int i = 0; i < 1000; i++)
        {
            batch.AddAddress(link, new InterfaceAddress(Cidr.Host(IpText.Add(IpText.ParseAddress("10.0.0.1"), i))));
        }

        batch.Commit();

        Assert.Equal(1000, net.Route.Addresses.List(link, AddressFamily.InterNetwork).Count);
    }
}
