using System.Net;
using System.Text;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Packets;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Packets;

public sealed class UdpPacketSocketTests : IDisposable
{
    private readonly TestNamespace _left = new();
    private readonly TestNamespace _right = new();
    private readonly LinkInfo _leftLink;
    private readonly LinkInfo _rightLink;

    public UdpPacketSocketTests()
    {
        using RouteSocket left = RouteSocket.Open(_left.Network);
        using RouteSocket right = RouteSocket.Open(_right.Network);
        left.Links.Create(new VethLink("v0", "v1") { PeerNamespace = _right.Network });
        left.Links.Change(left.Links.IndexOf("v0"), new LinkChange { AdminUp = true });
        right.Links.Change(right.Links.IndexOf("v1"), new LinkChange { AdminUp = true });
        (_leftLink, _rightLink) = (left.Links.Get("v0"), right.Links.Get("v1"));
    }

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
    }

    [Fact]
    public async Task Receive_WithoutAnyAddress_GetsWhatIsForItsPortOnly()
    {
        using UdpPacketSocket sender = UdpPacketSocket.Open(_left.Network, _leftLink.Index, 67);
        using UdpPacketSocket receiver = UdpPacketSocket.Open(_right.Network, _rightLink.Index, 68);
        Assert.False(receiver.TryReceive(out _, out _));

        Send(sender, 69, MacAddress.Broadcast, "to another port");
        Send(sender, 68, MacAddress.Broadcast, "to all");
        Send(sender, 68, _rightLink.Mac!.Value, "to one");

        List<(MacAddress From, string Text)> received = [];
        await Eventually.IsTrueAsync(() =>
        {
            while (receiver.TryReceive(out MacAddress neighbour, out ReadOnlySpan<byte> payload))
            {
                received.Add((neighbour, Encoding.ASCII.GetString(payload)));
            }

            return received.Count >= 2;
        }, "two datagrams");
        Assert.Equal([(_leftLink.Mac!.Value, "to all"), (_leftLink.Mac!.Value, "to one")], received);
        Assert.False(sender.TryReceive(out _, out _));
    }

    [Fact]
    public void Send_LinkIsDown_SaysSo()
    {
        using RouteSocket route = RouteSocket.Open(_left.Network);
        using UdpPacketSocket sender = UdpPacketSocket.Open(_left.Network, _leftLink.Index, 67);
        route.Links.Change(_leftLink.Index, new LinkChange { AdminUp = false });

        Assert.Equal(Errno.ENETDOWN, Assert.Throws<LinuxException>(() => Send(sender, 68, MacAddress.Broadcast, "x")).Errno);
    }

    private static void Send(UdpPacketSocket socket, int port, MacAddress to, string text) =>
        socket.Send(new UdpFrame(new IPEndPoint(IPAddress.Any, 67), new IPEndPoint(IPAddress.Broadcast, port)), to, Encoding.ASCII.GetBytes(text));
}
