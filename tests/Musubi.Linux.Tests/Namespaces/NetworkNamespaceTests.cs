using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Namespaces;

public sealed class NetworkNamespaceTests
{
    [Fact]
    public void Create_WitnessSeesIt_RemoveTakesItAway()
    {
        string path;
        using (TestNamespace net = new())
        {
            path = net.Path;
            Assert.Contains(net.Name, Witness.Run("ip", "netns", "list"));
            using NetworkNamespace again = NetworkNamespace.Open(path);
            using NetworkNamespace own = NetworkNamespace.OpenCurrent();
            Assert.True(again.IsSameAs(net.Network));
            Assert.False(own.IsSameAs(net.Network));
            Assert.True(own.IsCurrent);
            Assert.Equal(Errno.EEXIST, Assert.Throws<LinuxException>(() => NetworkNamespace.Create(path)).Errno);
            Assert.True(File.Exists(path));
        }

        Assert.False(File.Exists(path));
        Assert.Null(NetworkNamespace.Find(path));
        NetworkNamespace.Remove(path);
        Assert.Equal(Errno.ENOENT, Assert.Throws<LinuxException>(() => NetworkNamespace.Open(path)).Errno);
    }

    [Theory]
    [InlineData("/proc/self/ns/uts")]
    [InlineData("/etc/passwd")]
    [InlineData("/proc")]
    public void Open_SomethingElse_IsRefused(string path)
    {
        LinuxException e = Assert.Throws<LinuxException>(() => NetworkNamespace.Open(path));
        Assert.Equal(Errno.EINVAL, e.Errno);
        Assert.Contains("not a network namespace", e.Message);
    }

    [Fact]
    public void Run_IsInsideAndTheCallersThreadIsNot()
    {
        using TestNamespace net = new();
        string inside = net.Network.Run(() => File.ReadAllText("/proc/thread-self/net/dev"));
        Assert.Single(inside.Split('\n'), line => line.Contains(':', StringComparison.Ordinal) && line.Contains("lo", StringComparison.Ordinal));
        using NetworkNamespace own = NetworkNamespace.OpenCurrent();
        Assert.False(own.IsSameAs(net.Network));
        int thread = Environment.CurrentManagedThreadId;
        Assert.Equal(thread, own.Run(() => Environment.CurrentManagedThreadId));
        Assert.NotEqual(thread, net.Network.Run(() => Environment.CurrentManagedThreadId));
    }

    [Fact]
    public void Visit_ThreadIsBackAfterwards()
    {
        using TestNamespace net = new();
        using NetworkNamespace own = NetworkNamespace.OpenCurrent();
        Assert.Equal(net.Network.Inode, net.Network.Visit(() =>
        {
            using NetworkNamespace inside = NetworkNamespace.OpenCurrent();
            return inside.Inode;
        }));
        Assert.True(own.IsCurrent);
        Assert.Throws<InvalidDataException>(() => net.Network.Visit<int>(() => throw new InvalidDataException()));
        Assert.True(own.IsCurrent);
    }

    [Fact]
    public void Run_Throws_CallerGetsTheException()
    {
        using TestNamespace net = new();
        Assert.Throws<InvalidDataException>(() => net.Network.Run(() => throw new InvalidDataException()));
    }

    [Fact]
    public void OpenSocket_BelongsToTheNamespace()
    {
        using TestNamespace net = new();
        net.Route.Links.Change(net.Route.Links.IndexOf("lo"), new LinkChange { AdminUp = true });
        net.Route.Addresses.Add(net.Route.Links.IndexOf("lo"), Cidr.Parse("192.0.2.1/32"));
        using Socket inside = net.Network.OpenSocket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        using Socket outside = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        inside.Bind(new IPEndPoint(IpText.ParseAddress("192.0.2.1"), 0));
        Assert.Throws<SocketException>(() => outside.Bind(new IPEndPoint(IpText.ParseAddress("192.0.2.1"), 0)));
    }

    [Fact]
    public void Sysctl_InANamespace_IsNotTheCallers()
    {
        using TestNamespace net = new();
        const string Name = "net/ipv4/conf/lo/arp_notify";
        string own = Sysctl.Read(null, Name);

        Assert.True(Sysctl.Ensure(net.Network, Name, "1"));

        Assert.False(Sysctl.Ensure(net.Network, Name, "1"));
        Assert.Equal("1", Sysctl.Read(net.Network, Name));
        Assert.Equal("1", net.Run("cat", $"/proc/sys/{Name}").Trim());
        Assert.Equal(own, Sysctl.Read(null, Name));
        Sysctl.Write(net.Network, Name, "0");
        Assert.Equal("0", Sysctl.Read(net.Network, Name));
        Assert.False(Sysctl.TryWrite(net.Network, "net/ipv4/conf/nope/arp_notify", "1"));
        LinuxException e = Assert.Throws<LinuxException>(() => Sysctl.Write(net.Network, Name, "x"));
        Assert.Equal(Errno.EINVAL, e.Errno);
        Assert.Contains(Name, e.Message);
        Assert.Throws<ArgumentException>(() => Sysctl.Read(null, "net/../kernel/hostname"));
    }
}
