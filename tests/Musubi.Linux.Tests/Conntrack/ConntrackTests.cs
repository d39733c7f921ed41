using System.Net.Sockets;
using Musubi.Linux.Conntrack;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Conntrack;

/// <summary>Tracked connections, with conntrack(8) as witness.</summary>
public sealed class ConntrackTests : IDisposable
{
    private readonly TestNamespace _net = new();
    private readonly ConntrackSocket _conntrack;

    public ConntrackTests() => _conntrack = ConntrackSocket.Open(_net.Network);

    public void Dispose()
    {
        _conntrack.Dispose();
        _net.Dispose();
    }

    private void Insert(string source, string destination, string protocol, int port) =>
        _net.Run("conntrack", $"-I -s {source} -d {destination} -p {protocol} --sport 5000 --dport {port} -t 60 {(protocol == "tcp" ? "--state ESTABLISHED" : "")}");

    private string Left(string family) => Witness.TryRun("nsenter", $"--net={_net.Path}", "conntrack", "-L", "-f", family).Output;

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2", AddressFamily.InterNetwork, "ipv4")]
    [InlineData("fd00::1", "fd00::2", AddressFamily.InterNetworkV6, "ipv6")]
    public void Delete_OneOfSeveral_LeavesTheOthers(string source, string destination, AddressFamily family, string name)
    {
        Insert(source, destination, "udp", 53);
        Insert(source, destination, "udp", 54);
        Insert(source, destination, "tcp", 53);

        ConntrackEntry entry = Assert.Single(_conntrack.List(family, ConntrackEntry.Udp, 53));

        Assert.Equal([53, 54], _conntrack.List(family, ConntrackEntry.Udp).Select(e => (int)e.DestinationPort).Order());
        Assert.Equal((source, destination, 5000, 53), (entry.Source.ToString(), entry.Destination.ToString(), entry.SourcePort, entry.DestinationPort));
        Assert.True(_conntrack.Delete(entry));
        Assert.False(_conntrack.Delete(entry));
        Assert.Empty(_conntrack.List(family, ConntrackEntry.Udp, 53));
        Assert.Equal(2, Left(name).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void List_NothingTracked_IsEmpty() => Assert.Empty(_conntrack.List(AddressFamily.InterNetwork, ConntrackEntry.Udp, 53));
}
