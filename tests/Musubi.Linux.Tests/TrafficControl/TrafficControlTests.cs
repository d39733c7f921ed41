using System.Text.Json;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Tests.Support;
using Musubi.Linux.TrafficControl;

namespace Musubi.Linux.Tests.TrafficControl;

/// <summary>Shaping, with tc(8) as witness.</summary>
public sealed class TrafficControlTests : IDisposable
{
    private static readonly TcHandle Shaped = new(1, 0x30);

    private readonly TestNamespace _net = new();
    private readonly LinkIndex _veth;

    public TrafficControlTests() => _veth = _net.Route.Links.Create(new VethLink("v0", "v1"));

    public void Dispose() => _net.Dispose();

    private IReadOnlyList<JsonElement> Tc(string arguments) => [.. _net.RunJson("tc", $"-j {arguments}").EnumerateArray()];

    [Fact]
    public void HtbClass_IsWhatTcShowsAndIsReadBack()
    {
        const ulong Rate = 125_000;
        HtbClass shape = new(_veth, Shaped, Rate) { BurstTicks = HtbClass.BurstOf(15_000, Rate), QuantumBytes = 1500 };
        _net.Route.Batch().AddQdisc(Qdisc.HtbRoot(_veth, Shaped.Minor)).AddClass(shape).Commit();

        JsonElement qdisc = Assert.Single(Tc("qdisc show dev v0"));
        Assert.Equal(("htb", "1:", "0x30"), (qdisc.GetProperty("kind").GetString(), qdisc.GetProperty("handle").GetString(), qdisc.GetProperty("options").GetProperty("default").GetString()));
        Assert.Contains("rate 1Mbit ceil 1Mbit burst 15000b", _net.Run("tc", "class show dev v0"), StringComparison.Ordinal);
        Assert.Equal(Qdisc.HtbRoot(_veth, Shaped.Minor), Assert.Single(_net.Route.TrafficControl.ListQdiscs(_veth)));
        Assert.Equal(shape with { Parent = TcHandle.Root }, Assert.Single(_net.Route.TrafficControl.ListClasses(_veth)));
    }

    [Fact]
    public void HtbClass_RateOfManyGigabytes_IsReadBack()
    {
        HtbClass shape = new(_veth, Shaped, 100_000_000_000) { QuantumBytes = 200_000 };
        _net.Route.Batch().AddQdisc(Qdisc.HtbRoot(_veth, 1)).AddClass(shape).Commit();

        Assert.Equal(100_000_000_000u, Assert.Single(_net.Route.TrafficControl.ListClasses(_veth)).RateBytesPerSecond);
    }

    [Theory]
    [InlineData("10.1.0.0/16", "match 0a010000/ffff0000 at 16")]
    [InlineData("fd00:1::/40", "match fd000001/ffffffff at 24")]
    [InlineData("0.0.0.0/0", "match 00000000/00000000 at 0")]
    public void U32Filter_Network_IsWhatTcShowsAndIsReadBack(string network, string match)
    {
        U32Filter filter = new U32Filter(_veth, new TcHandle(1, 0), 16) { Class = Shaped }.To(Cidr.Parse(network));
        _net.Route.Batch().AddQdisc(Qdisc.HtbRoot(_veth, 1)).AddClass(new HtbClass(_veth, Shaped, 1000)).AddFilter(filter).Commit();

        string shown = _net.Run("tc", "filter show dev v0");
        Assert.Contains("flowid 1:30", shown, StringComparison.Ordinal);
        Assert.Contains(match, shown, StringComparison.Ordinal);
        U32Filter read = Assert.Single(_net.Route.TrafficControl.ListFilters(_veth, new TcHandle(1, 0)));
        Assert.Equal((filter.Priority, filter.Protocol, filter.Class), (read.Priority, read.Protocol, read.Class));
        Assert.Equal(filter.Keys, read.Keys);
    }

    [Fact]
    public void U32Filter_Redirect_IsWhatTcShowsAndIsReadBack()
    {
        LinkIndex ifb = _net.Route.Links.Create(new IfbLink("ifb7") { AdminUp = true });
        _net.Route.Batch().AddQdisc(Qdisc.Ingress(_veth)).AddFilter(new U32Filter(_veth, TcHandle.IngressQdisc, 1) { RedirectTo = ifb }).Commit();

        Assert.Equal("ifb", _net.Route.Links.Get("ifb7").Kind);
        Assert.Contains("mirred (Egress Redirect to device ifb7) stolen", _net.Run("tc", "filter show dev v0 ingress"), StringComparison.Ordinal);
        Assert.Equal(ifb, Assert.Single(_net.Route.TrafficControl.ListFilters(_veth, TcHandle.IngressQdisc)).RedirectTo);
    }

    [Fact]
    public void DeleteQdisc_TakesClassesAlong_AndMissingOneIsAnError()
    {
        Qdisc root = Qdisc.HtbRoot(_veth, 1);
        _net.Route.Batch().AddQdisc(root).AddClass(new HtbClass(_veth, Shaped, 1000)).Commit();
        _net.Route.Batch().DeleteQdisc(root).Commit();

        Assert.Empty(_net.Route.TrafficControl.ListClasses(_veth));
        NetlinkException refused = Assert.Throws<NetlinkException>(() => _net.Route.Batch().DeleteQdisc(root).Commit());
        Assert.Contains("RTM_DELQDISC", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BurstOf_LongerThanCanBeTold_IsTheLongest() =>
        Assert.Equal((uint.MaxValue, 0u, 1_875_000u), (HtbClass.BurstOf(uint.MaxValue, 1), HtbClass.BurstOf(0, 5), HtbClass.BurstOf(15_000, 125_000)));
}
