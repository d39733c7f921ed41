using System.Text.Json;
using Musubi.Linux.Links;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Links;

/// <summary>802.1Q, on links and in bridges.</summary>
public sealed class VlanTests
{
    [Fact]
    [NeedsKernel("dummy", "8021q")]
    public void Create_VlanOnADummy_HasIdAndProtocol()
    {
        using TestNamespace net = new();
        LinkIndex lower = net.Route.Links.Create(new DummyLink("d0"));

        net.Route.Links.Create(new VlanLink("d0.100", lower, new VlanId(100)) { Protocol = VlanProtocol.Dot1AD, MtuBytes = 1400 });

        JsonElement link = net.Ip("link show dev d0.100")[0];
        JsonElement data = link.GetProperty("linkinfo").GetProperty("info_data");
        Assert.Equal(("802.1ad", 100), (data.GetProperty("protocol").GetString(), data.GetProperty("id").GetInt32()));
        Assert.Equal(("d0", 1400), (link.GetProperty("link").GetString(), link.GetProperty("mtu").GetInt32()));
        Assert.Equal(new VlanDetails(100, VlanProtocol.Dot1AD), net.Route.Links.Get("d0.100").Vlan);
    }

    [Fact]
    [NeedsKernel("bridge vlan_filtering")]
    public void BridgeVlans_RangesAddedAndCut_AreWhatTheBridgeHas()
    {
        using TestNamespace net = new();
        LinkIndex bridge = net.Route.Links.Create(new BridgeLink("br0") { VlanFiltering = true });
        LinkIndex port = net.Route.Links.Create(new VethLink("v0", "v1") { Master = bridge });

        net.Route.BridgeVlans.Add(port, [new BridgeVlan(new VlanId(100), new VlanId(199)), new BridgeVlan(new VlanId(7)) { Pvid = true, Untagged = true }]);
        net.Route.BridgeVlans.Delete(port, [new BridgeVlan(new VlanId(1)), new BridgeVlan(new VlanId(150), new VlanId(199))]);

        BridgeVlan[] expected = [new BridgeVlan(new VlanId(7)) { Pvid = true, Untagged = true }, new BridgeVlan(new VlanId(100), new VlanId(149))];
        Assert.Equal(expected, net.Route.BridgeVlans.List(port));
        JsonElement[] seen = [.. net.Bridge("vlan show dev v0")[0].GetProperty("vlans").EnumerateArray()];
        Assert.Equal([7, .. Enumerable.Range(100, 50)], seen.SelectMany(v => Enumerable.Range(First(v), Last(v) - First(v) + 1)));
        Assert.Contains("PVID", seen[0].GetProperty("flags").EnumerateArray().Select(f => f.GetString()));
    }

    private static int First(JsonElement vlan) => vlan.GetProperty("vlan").GetInt32();

    private static int Last(JsonElement vlan) => vlan.TryGetProperty("vlanEnd", out JsonElement end) ? end.GetInt32() : First(vlan);
}
