using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Links;

/// <summary>
/// What a kernel lacks it refuses, and the refusal arrives as an exception with the kernel's number. Kernels differ in what they have, so each test says
/// what holds for both kinds; the messages themselves are tested as bytes.
/// </summary>
public sealed class RefusalTests
{
    /// <summary>Whether it was done; refused as not supported otherwise.</summary>
    private static bool IsSupported(Action attempt)
    {
        try
        {
            attempt();
            return true;
        }
        catch (NetlinkException e)
        {
            Assert.Equal(Errno.EOPNOTSUPP, e.Errno);
            Assert.Equal("RTM_NEWLINK", e.Operation);
            return false;
        }
    }

    [Fact]
    public void CreateDummy_IsMadeOrNotSupported()
    {
        using TestNamespace net = new();
        bool supported = IsSupported(() => net.Route.Links.Create(new DummyLink("d0")));
        Assert.Equal(supported, net.Route.Links.Find("d0") is not null);
    }

    [Fact]
    public void CreateVlan_IsMadeOrNotSupported()
    {
        using TestNamespace net = new();
        LinkIndex lower = net.Route.Links.Create(new VethLink("v0", "v1"));
        bool supported = IsSupported(() => net.Route.Links.Create(new VlanLink("v0.100", lower, new VlanId(100))));
        Assert.Equal(supported ? new VlanDetails(100, VlanProtocol.Dot1Q) : null, net.Route.Links.Find("v0.100")?.Vlan);
    }

    [Fact]
    public void BridgeVlans_AreMadeOrNotSupported()
    {
        using TestNamespace net = new();
        LinkIndex bridge = net.Route.Links.Create(new BridgeLink("br0"));
        LinkIndex port = net.Route.Links.Create(new VethLink("v0", "v1") { Master = bridge });
        bool supported = IsSupported(() => net.Route.Links.ChangeOptions(bridge, new BridgeLink("br0") { VlanFiltering = true }));
        if (supported)
        {
            net.Route.BridgeVlans.Add(port, [new BridgeVlan(new VlanId(100), new VlanId(199))]);
            Assert.Contains(new BridgeVlan(new VlanId(100), new VlanId(199)), net.Route.BridgeVlans.List(port));
            net.Route.BridgeVlans.Delete(port, [new BridgeVlan(new VlanId(150), new VlanId(199))]);
            Assert.Contains(new BridgeVlan(new VlanId(100), new VlanId(149)), net.Route.BridgeVlans.List(port));
        }
        else
        {
            Assert.False(net.Route.Links.Get(bridge).Bridge!.VlanFiltering);
            Assert.DoesNotContain(net.Route.BridgeVlans.List(port), vlan => vlan.First.Value >= 100);
        }
    }

    [Fact]
    public void Change_MtuTooLarge_ErrorHasTheKernelsWords()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1"));

        NetlinkException e = Assert.Throws<NetlinkException>(() => net.Route.Links.Change(link, new LinkChange { MtuBytes = 100_000 }));

        Assert.Equal((Errno.EINVAL, "RTM_SETLINK"), (e.Errno, e.Operation));
        Assert.Contains("mtu", e.KernelMessage, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Create_NameTooLong_ErrorPointsAtTheAttribute()
    {
        using TestNamespace net = new();

        NetlinkException e = Assert.Throws<NetlinkException>(() => net.Route.Links.Create(new BridgeLink("a-name-of-more-than-15-bytes")));

        Assert.NotNull(e.AttributeOffset);
        Assert.Equal(32, e.AttributeOffset);
    }

    [Fact]
    public void Change_NoSuchLink_ReportsNoSuchDevice()
    {
        using TestNamespace net = new();
        Assert.Equal(Errno.ENODEV, Assert.Throws<NetlinkException>(() => net.Route.Links.Change(new LinkIndex(4711), new LinkChange { AdminUp = true })).Errno);
        Assert.Equal(Errno.ENODEV, Assert.Throws<NetlinkException>(() => net.Route.Links.Delete(new LinkIndex(4711))).Errno);
        Assert.False(net.Route.Links.DeleteIfExists("nope"));
    }
}
