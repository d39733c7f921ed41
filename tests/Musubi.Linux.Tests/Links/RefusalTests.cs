using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Links;

/// <summary>What the kernel refuses arrives as an exception with the kernel's number, its words and the attribute it points at.</summary>
public sealed class RefusalTests
{
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
