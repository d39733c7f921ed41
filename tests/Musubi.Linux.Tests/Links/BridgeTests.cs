using System.Text.Json;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Links;

public sealed class BridgeTests
{
    [Fact]
    public void Batch_PortAttachedAndConfigured_WitnessSeesIt()
    {
        using TestNamespace net = new();
        LinkIndex bridge = net.Route.Links.Create(new BridgeLink("br0") { AdminUp = true });
        LinkIndex port = net.Route.Links.Create(new VethLink("p0", "p1"));

        net.Route.Batch()
            .ChangeLink(port, new LinkChange { Master = bridge, AdminUp = true })
            .ChangeBridgePort(port, new BridgePortChange { Hairpin = true, Isolated = true, Learning = false })
            .Commit();

        JsonElement seen = net.Bridge("link show dev p0")[0];
        Assert.Equal("br0", seen.GetProperty("master").GetString());
        Assert.True(seen.GetProperty("hairpin").GetBoolean());
        Assert.True(seen.GetProperty("isolated").GetBoolean());
        Assert.False(seen.GetProperty("learning").GetBoolean());
        LinkInfo info = Assert.Single(net.Route.Links.ListPorts(bridge));
        Assert.True(info.BridgePort!.Hairpin);
        Assert.True(info.BridgePort.Isolated);
        Assert.False(info.BridgePort.Learning);

        net.Route.Links.Change(port, new LinkChange { Master = LinkIndex.None });
        Assert.Null(net.Route.Links.Get(port).Master);
    }

    [Fact]
    public void CreateVeth_MasterGiven_IsAPortFromTheStart()
    {
        using TestNamespace host = new();
        using TestNamespace pod = new();
        LinkIndex bridge = host.Route.Links.Create(new BridgeLink("br0"));

        LinkIndex port = host.Route.Links.Create(
            new VethLink("veth1", "eth0") { Master = bridge, AdminUp = true, PeerNamespace = pod.Network });

        LinkInfo info = host.Route.Links.Get(port);
        Assert.Equal((bridge, true), (info.Master, info.AdminUp));
    }

    [Fact]
    public void ChangeOptions_AgeingTime_WitnessSeesIt()
    {
        using TestNamespace net = new();
        LinkIndex bridge = net.Route.Links.Create(new BridgeLink("br0"));

        net.Route.Links.ChangeOptions(bridge, new BridgeLink("br0") { AgeingTime = TimeSpan.FromSeconds(42) });

        Assert.Equal(4200, net.Ip("link show br0")[0].GetProperty("linkinfo").GetProperty("info_data").GetProperty("ageing_time").GetInt32());
    }

    [Fact]
    public void Batch_OneRefused_SaysWhichAndDoesTheRest()
    {
        using TestNamespace net = new();

        NetlinkException e = Assert.Throws<NetlinkException>(() => net.Route.Batch()
            .CreateLink(new BridgeLink("br0"))
            .CreateLink(new BridgeLink("br0"))
            .CreateLink(new BridgeLink("br1"))
            .Commit());

        Assert.Equal((1, Errno.EEXIST, "bridge br0"), (e.RequestIndex, e.Errno, e.Subject));
        Assert.NotNull(net.Route.Links.Find("br1"));
        net.Route.Batch().CreateLink(new BridgeLink("br0")).Tolerate(Errno.EEXIST).Commit();
    }

    [Fact]
    public void Macvlan_ModeGiven_IsReadBack()
    {
        using TestNamespace net = new();
        LinkIndex lower = net.Route.Links.Create(new VethLink("v0", "v1"));

        LinkIndex macvlan = net.Route.Links.Create(new MacvlanLink("mv0", lower) { Mode = MacvlanMode.Private, BroadcastQueueLength = 500 });

        JsonElement data = net.Ip("link show mv0")[0].GetProperty("linkinfo").GetProperty("info_data");
        Assert.Equal("private", data.GetProperty("mode").GetString());
        LinkInfo info = net.Route.Links.Get(macvlan);
        Assert.Equal(new MacvlanDetails(MacvlanMode.Private, 500), info.Macvlan);
        Assert.Equal(lower, info.PeerIndex);
    }

    [Fact]
    public void Change_NameAliasGroupAndPromiscuous_WitnessSeesThem()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1"));

        net.Route.Links.Change(link, new LinkChange { Name = "v9", Alias = "for the test", Group = 9, Promiscuous = true, TxQueueLength = 77 });

        JsonElement seen = net.Ip("link show v9")[0];
        Assert.Equal("for the test", seen.GetProperty("ifalias").GetString());
        Assert.Equal("9", seen.GetProperty("group").GetString());
        Assert.Equal(77, seen.GetProperty("txqlen").GetInt32());
        Assert.Contains("PROMISC", seen.GetProperty("flags").EnumerateArray().Select(f => f.GetString()));
        Assert.Equal(1, net.Route.Links.Get(link).Promiscuity);
    }

    [Fact]
    public void Change_MoveTo_LinkAppearsThere()
    {
        using TestNamespace a = new();
        using TestNamespace b = new();
        LinkIndex link = a.Route.Links.Create(new VethLink("v0", "v1"));

        a.Route.Links.Change(link, new LinkChange { MoveTo = b.Network, Name = "eth7" });

        Assert.Null(a.Route.Links.Find("v0"));
        Assert.NotNull(b.Route.Links.Find("eth7"));
    }

    [Fact]
    public void Create_NamespaceGiven_AnswersTheIndexThere()
    {
        using TestNamespace a = new();
        using TestNamespace b = new();
        b.Route.Links.Create(new BridgeLink("other"));

        LinkIndex link = a.Route.Links.Create(new BridgeLink("br0") { Namespace = b.Network });

        Assert.Null(a.Route.Links.Find("br0"));
        Assert.Equal("br0", b.Route.Links.Get(link).Name);
    }
}
