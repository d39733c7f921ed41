using System.Text.Json;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Links;

public sealed class LinkTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("02:00:00:00:00:07");

    [Fact]
    public void CreateVeth_PeerNamespaceGiven_PeerIsMadeThere()
    {
        using TestNamespace host = new();
        using TestNamespace pod = new();

        LinkIndex eth0 = pod.Route.Links.Create(new VethLink("eth0", "veth7") { PeerNamespace = host.Network, MtuBytes = 9000, Mac = Mac });

        JsonElement inside = pod.Ip("link show eth0")[0];
        Assert.Equal(eth0.Value, inside.GetProperty("ifindex").GetInt32());
        Assert.Equal(9000, inside.GetProperty("mtu").GetInt32());
        Assert.Equal("02:00:00:00:00:07", inside.GetProperty("address").GetString());
        Assert.Equal("veth", inside.GetProperty("linkinfo").GetProperty("info_kind").GetString());
        JsonElement outside = host.Ip("link show veth7")[0];
        Assert.Equal(9000, outside.GetProperty("mtu").GetInt32());
        LinkInfo info = pod.Route.Links.Get("eth0");
        Assert.Equal(outside.GetProperty("ifindex").GetInt32(), info.PeerIndex!.Value.Value);
        Assert.NotNull(info.PeerNamespaceId);
    }

    [Fact]
    public void CreateBridge_OptionsGiven_WitnessSeesThem()
    {
        using TestNamespace net = new();

        LinkIndex bridge = net.Route.Links.Create(new BridgeLink("br0")
        {
            Stp = false,
            ForwardDelay = TimeSpan.FromSeconds(2),
            AgeingTime = TimeSpan.FromSeconds(120),
            MulticastSnooping = false,
            Mac = Mac,
            MtuBytes = 1400,
            AdminUp = true,
            Group = 5,
        });

        JsonElement data = net.Ip("link show br0")[0].GetProperty("linkinfo").GetProperty("info_data");
        Assert.Equal(200, data.GetProperty("forward_delay").GetInt32());
        Assert.Equal(12000, data.GetProperty("ageing_time").GetInt32());
        Assert.Equal(0, data.GetProperty("mcast_snooping").GetInt32());
        LinkInfo info = net.Route.Links.Get(bridge);
        Assert.Equal(Mac, info.Mac);
        Assert.True(info.AdminUp);
        Assert.Equal(5u, info.Group);
        Assert.Equal(1400, info.MtuBytes);
        Assert.Equal(TimeSpan.FromSeconds(120), info.Bridge!.AgeingTime);
        Assert.False(info.Bridge.MulticastSnooping);
    }

    [Fact]
    public void Create_NameTaken_ReportsEexistAndTheLink()
    {
        using TestNamespace net = new();
        net.Route.Links.Create(new BridgeLink("br0"));

        NetlinkException e = Assert.Throws<NetlinkException>(() => net.Route.Links.Create(new BridgeLink("br0")));

        Assert.Equal(Errno.EEXIST, e.Errno);
        Assert.Equal("RTM_NEWLINK", e.Operation);
        Assert.Equal("bridge br0", e.Subject);
        Assert.Contains("File exists", e.Message);
    }

    [Fact]
    public void Find_NoSuchLink_IsNull()
    {
        using TestNamespace net = new();
        Assert.Null(net.Route.Links.Find("nope"));
        Assert.Null(net.Route.Links.Find(new LinkIndex(4711)));
        Assert.Equal(Errno.ENODEV, Assert.Throws<NetlinkException>(() => net.Route.Links.Get("nope")).Errno);
    }

    [Fact]
    public void OneSocket_UsedByManyThreads_EachGetsItsOwnAnswers()
    {
        using TestNamespace net = new();
        Parallel.For(0, 8, i =>
        {
            LinkIndex link = net.Route.Links.Create(new BridgeLink($"br{i}"));
            for (int round = 0; round < 50; round++)
            {
                Assert.Equal($"br{i}", net.Route.Links.Get(link).Name);
                Assert.Equal(link, net.Route.Links.IndexOf($"br{i}"));
                Assert.Contains(net.Route.Links.List(), l => l.Index == link);
            }
        });
    }

    [Fact]
    public async Task List_WhileLinksComeAndGo_IsConsistent()
    {
        using TestNamespace net = new();
        LinkIndex[] stay = [.. Enumerable.Range(0, 60).Select(i => net.Route.Links.Create(new BridgeLink($"stay{i}")))];
        using CancellationTokenSource stop = new();
        using RouteSocket other = RouteSocket.Open(net.Network);
        Task changes = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                other.Links.Change(other.Links.Create(new BridgeLink("comes")), new LinkChange { Name = "goes" });
                other.Links.DeleteIfExists("goes");
            }
        });

        for (int round = 0; round < 20; round++)
        {
            Assert.Empty(stay.Except(net.Route.Links.List().Select(l => l.Index)));
        }

        await stop.CancelAsync();
        await changes;
    }

    [Fact]
    public void DeleteTogether_SomeGoneAlready_RemovesTheRest()
    {
        using TestNamespace net = new();
        LinkIndex[] links = [.. Enumerable.Range(0, 4).Select(i => net.Route.Links.Create(new VethLink($"a{i}", $"b{i}")))];
        net.Route.Links.Delete(links[1]);

        net.Route.Links.DeleteTogether(links);

        Assert.Equal(["lo"], net.Route.Links.List().Select(l => l.Name));
    }
}
