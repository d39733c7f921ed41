using System.Net.Sockets;
using System.Text.Json;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Routes;

public sealed class RouteTests
{
    private static LinkIndex UpLink(TestNamespace net, string name, params string[] addresses)
    {
        LinkIndex link = net.Route.Links.Create(new VethLink(name, name + "p") { AdminUp = true });
        net.Route.Links.Change(net.Route.Links.IndexOf(name + "p"), new LinkChange { AdminUp = true });
        foreach (string address in addresses)
        {
            net.Route.Addresses.Add(link, new InterfaceAddress(Cidr.Parse(address)) { NoDad = true });
        }

        return link;
    }

    [Fact]
    public void Add_MetricTableAndMtuGiven_WitnessSeesThem()
    {
        using TestNamespace net = new();
        LinkIndex link = UpLink(net, "v0", "10.0.0.2/24");

        net.Route.Routes.Add(new Route
        {
            Destination = Cidr.Parse("192.0.2.77/24"),
            Gateway = IpText.ParseAddress("10.0.0.1"),
            Link = link,
            Metric = 50,
            Table = 1000,
            MtuBytes = 1400,
            AdvertisedMssBytes = 1200,
            Protocol = RouteProtocol.Static,
        });

        JsonElement route = net.Ip("route show table 1000")[0];
        Assert.Equal("192.0.2.0/24", route.GetProperty("dst").GetString());
        Assert.Equal("10.0.0.1", route.GetProperty("gateway").GetString());
        Assert.Equal(50, route.GetProperty("metric").GetInt32());
        Assert.Equal("static", route.GetProperty("protocol").GetString());
        JsonElement metrics = route.GetProperty("metrics")[0];
        Assert.Equal(1400, metrics.GetProperty("mtu").GetInt32());
        Assert.Equal(1200, metrics.GetProperty("advmss").GetInt32());
        Route read = Assert.Single(net.Route.Routes.List(new RouteFilter { Table = 1000 }));
        Assert.Equal((1400, 1200, 50u, 1000u), (read.MtuBytes!.Value, read.AdvertisedMssBytes!.Value, read.Metric!.Value, read.Table!.Value));
    }

    [Fact]
    public void Add_TwoWays_MultipathIsReadBack()
    {
        using TestNamespace net = new();
        LinkIndex a = UpLink(net, "a", "10.0.0.2/24");
        LinkIndex b = UpLink(net, "b", "10.0.1.2/24");
        NextHop[] hops = [new(IpText.ParseAddress("10.0.0.1"), a, 1), new(IpText.ParseAddress("10.0.1.1"), b, 3)];

        net.Route.Routes.Add(new Route { NextHops = hops });

        Route read = Assert.Single(net.Route.Routes.List(new RouteFilter { Table = Route.MainTable, Family = AddressFamily.InterNetwork }), r => r.IsDefault);
        Assert.Equal(hops, read.NextHops);
        Assert.Equal(2, net.Ip("route show default")[0].GetProperty("nexthops").GetArrayLength());
    }

    [Fact]
    public void Prepend_SameDestinationOtherGateway_BothStay()
    {
        using TestNamespace net = new();
        LinkIndex link = UpLink(net, "v0", "10.0.0.2/24");
        Route first = new() { Destination = Cidr.Parse("192.0.2.0/24"), Gateway = IpText.ParseAddress("10.0.0.1"), Link = link };
        Route second = first with { Gateway = IpText.ParseAddress("10.0.0.9") };

        net.Route.Routes.Add(first, RouteAddition.Prepend);
        net.Route.Routes.Add(second, RouteAddition.Prepend);

        Assert.Equal(2, net.Ip("route show 192.0.2.0/24").GetArrayLength());
        Assert.Equal(Errno.EEXIST, Assert.Throws<NetlinkException>(() => net.Route.Routes.Add(first, RouteAddition.Prepend)).Errno);
        Assert.True(net.Route.Routes.DeleteIfExists(first));
        Assert.True(net.Route.Routes.DeleteIfExists(second));
        Assert.False(net.Route.Routes.DeleteIfExists(second));
    }

    [Fact]
    public void Add_GatewayNotOnLink_ErrorHasTheKernelsWords()
    {
        using TestNamespace net = new();
        LinkIndex link = UpLink(net, "v0", "10.0.0.2/24");

        NetlinkException e = Assert.Throws<NetlinkException>(
            () => net.Route.Routes.Add(new Route { Gateway = IpText.ParseAddress("172.31.0.1"), Link = link }));

        Assert.Equal(Errno.ENETUNREACH, e.Errno);
        Assert.Equal("RTM_NEWROUTE", e.Operation);
        Assert.False(string.IsNullOrEmpty(e.KernelMessage));
        Assert.Contains("default via 172.31.0.1", e.Message);
    }

    [Fact]
    public void Add_GatewayOutsideButOnLink_IsAccepted()
    {
        using TestNamespace net = new();
        LinkIndex link = UpLink(net, "v0", "10.0.0.2/32");

        net.Route.Routes.Add(new Route { Gateway = IpText.ParseAddress("169.254.1.1"), Link = link, OnLink = true });

        Assert.Contains(net.Route.Routes.List(new RouteFilter { Table = Route.MainTable }), r => r.IsDefault && r.OnLink);
    }

    [Fact]
    public void Lookup_IPv6_FindsTheGateway()
    {
        using TestNamespace net = new();
        LinkIndex link = UpLink(net, "v0", "fd00::2/64");
        net.Route.Routes.Add(new Route { Gateway = IpText.ParseAddress("fd00::1"), Link = link });

        Route route = net.Route.Routes.Lookup(IpText.ParseAddress("2001:db8::1"));

        Assert.Equal(IpText.ParseAddress("fd00::1"), route.Gateway);
        Assert.Equal(link, route.Link);
    }

    [Fact]
    public void List_TableWithoutRoutes_IsEmpty()
    {
        using TestNamespace net = new();
        Assert.Empty(net.Route.Routes.List(new RouteFilter { Table = 4000, Family = AddressFamily.InterNetwork }));
        Assert.Empty(net.Route.Routes.List(new RouteFilter { Table = 4000 }));
    }

    [Fact]
    public void Rules_AddedListedDeleted()
    {
        using TestNamespace net = new();
        RouteRule rule = new()
        {
            Priority = 100,
            Source = Cidr.Parse("10.1.0.0/16"),
            Mark = 7,
            MarkMask = 0xff,
            Table = 1000,
            IpProtocol = 6,
            DestinationPorts = new PortRange(80, 90),
        };

        net.Route.Rules.Add(rule);

        JsonElement seen = net.Ip("rule show").EnumerateArray().Single(r => r.GetProperty("priority").GetInt32() == 100);
        Assert.Equal("10.1.0.0", seen.GetProperty("src").GetString());
        Assert.Equal("1000", seen.GetProperty("table").GetString());
        Assert.Equal(rule, net.Route.Rules.List(AddressFamily.InterNetwork).Single(r => r.Priority == 100));
        net.Route.Rules.Delete(rule);
        Assert.Equal(Errno.ENOENT, Assert.Throws<NetlinkException>(() => net.Route.Rules.Delete(rule)).Errno);
    }

    [Fact]
    public void Neighbours_SetListedDeleted()
    {
        using TestNamespace net = new();
        LinkIndex link = UpLink(net, "v0", "10.0.0.2/24");
        Neighbour neighbour = new(link, IpText.ParseAddress("10.0.0.9")) { Mac = MacAddress.Parse("02:00:00:00:00:09") };

        net.Route.Neighbours.Set(neighbour);

        Assert.Equal("02:00:00:00:00:09", net.Ip("neigh show 10.0.0.9")[0].GetProperty("lladdr").GetString());
        Assert.Equal(neighbour, Assert.Single(net.Route.Neighbours.List(link, AddressFamily.InterNetwork)));
        net.Route.Neighbours.Delete(neighbour);
        Assert.Empty(net.Route.Neighbours.List(link, AddressFamily.InterNetwork));
    }
}
