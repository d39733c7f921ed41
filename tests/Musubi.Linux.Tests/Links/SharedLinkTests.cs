using System.Text.Json;
using Musubi.Linux.Links;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Links;

/// <summary>Links that sit on others, and links that move.</summary>
public sealed class SharedLinkTests
{
    [Fact]
    public void CreateMacvlan_InAnotherNamespace_SitsOnTheLinkHere()
    {
        using TestNamespace host = new();
        using TestNamespace pod = new();
        host.Route.Links.Create(new VethLink("eth1", "out1") { AdminUp = true });
        LinkIndex lower = host.Route.Links.IndexOf("eth1");

        host.Route.Batch().CreateLink(new MacvlanLink("net1", lower) { Mode = MacvlanMode.Bridge, Namespace = pod.Network, MtuBytes = 1300 }).Commit();

        LinkInfo made = pod.Route.Links.Get("net1");
        Assert.Equal(("macvlan", MacvlanMode.Bridge, lower, 1300), (made.Kind, made.Macvlan!.Mode, made.PeerIndex, made.MtuBytes));
        Assert.Null(host.Route.Links.Find("net1"));
    }

    [Fact]
    public void Change_MoveRenameAliasAndUp_IsOneRequest()
    {
        using TestNamespace host = new();
        using TestNamespace pod = new();
        LinkIndex link = host.Route.Links.Create(new VethLink("enp3s0", "out1") { AdminUp = true });

        host.Route.Links.Change(link, new LinkChange { MoveTo = pod.Network, Name = "net1", Alias = "enp3s0", AdminUp = true });

        LinkInfo moved = pod.Route.Links.Get("net1");
        Assert.Equal(("enp3s0", true), (moved.Alias, moved.AdminUp));
        Assert.Null(host.Route.Links.Find("enp3s0"));
    }

    [Fact]
    public void Change_MoveWithOldNameTakenThere_TakesTheNewName()
    {
        using TestNamespace host = new();
        using TestNamespace pod = new();
        pod.Route.Links.Create(new BridgeLink("eth0"));
        LinkIndex link = host.Route.Links.Create(new VethLink("eth0", "out1"));

        host.Route.Links.Change(link, new LinkChange { MoveTo = pod.Network, Name = "net1" });

        Assert.Equal("veth", pod.Route.Links.Get("net1").Kind);
        Assert.Equal("bridge", pod.Route.Links.Get("eth0").Kind);
    }

    [Fact]
    [NeedsKernel("ipvlan")]
    public void CreateIpvlan_ModeGiven_WitnessSeesIt()
    {
        using TestNamespace net = new();
        net.Route.Links.Create(new VethLink("eth1", "out1"));

        LinkIndex link = net.Route.Links.Create(new IpvlanLink("ipvl0", net.Route.Links.IndexOf("eth1")) { Mode = IpvlanMode.L3S });

        JsonElement seen = net.Ip("link show ipvl0")[0].GetProperty("linkinfo");
        Assert.Equal(("ipvlan", "l3s"), (seen.GetProperty("info_kind").GetString(), seen.GetProperty("info_data").GetProperty("mode").GetString()));
        Assert.Equal(IpvlanMode.L3S, net.Route.Links.Get(link).IpvlanMode);
    }

    [Fact]
    [NeedsKernel("vrf")]
    public void CreateVrf_TableGiven_WitnessSeesIt()
    {
        using TestNamespace net = new();

        LinkIndex link = net.Route.Links.Create(new VrfLink("red", 1001) { AdminUp = true });

        Assert.Equal(1001, net.Ip("link show red")[0].GetProperty("linkinfo").GetProperty("info_data").GetProperty("table").GetInt32());
        Assert.Equal(1001u, net.Route.Links.Get(link).VrfTable);
    }
}
