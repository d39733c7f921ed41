using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests;

public sealed class SysctlTests
{
    [Fact]
    public void EnsureAll_SomeMissing_FailsWhereTryEnsureAllLeavesThemOut()
    {
        using TestNamespace net = new();
        (string, string)[] parameters = [("net/ipv4/conf/lo/arp_notify", "1"), ("net/ipv4/conf/nope/arp_notify", "1"), ("net/ipv6/conf/lo/ndisc_notify", "1")];

        Assert.Equal(Errno.ENOENT, Assert.Throws<LinuxException>(() => Sysctl.EnsureAll(net.Network, parameters)).Errno);
        Sysctl.TryEnsureAll(net.Network, parameters);

        Assert.Equal(("1", "1"), (Sysctl.Read(net.Network, "net/ipv4/conf/lo/arp_notify"), Sysctl.Read(net.Network, "net/ipv6/conf/lo/ndisc_notify")));
        Assert.Equal("0", Sysctl.Read(null, "net/ipv4/conf/lo/arp_notify"));
    }
}
