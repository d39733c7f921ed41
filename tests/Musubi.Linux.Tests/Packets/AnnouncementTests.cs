using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Packets;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Packets;

public sealed class AnnouncementTests
{
    private static readonly MacAddress Mac = MacAddress.Parse("02:00:00:00:00:07");
    private static readonly IPAddress Address = IpText.ParseAddress("10.0.0.7");
    private static readonly IPAddress Address6 = IpText.ParseAddress("fd00::7");

    internal static void SendArp(TestNamespace net, LinkIndex link, MacAddress mac) => Announcement.Send(net.Network, link, mac, Address);

    [Fact]
    public void Arp_Frame_IsAsTheRfcSays()
    {
        byte[] frame = new byte[Announcement.ArpFrameSize];
        Announcement.WriteArp(frame, 2, Mac, Address);
        Assert.Equal(
            "ffffffffffff" + "020000000007" + "0806" + "0001" + "0800" + "06" + "04" + "0002" + "020000000007" + "0a000007" + "ffffffffffff" + "0a000007",
            Convert.ToHexStringLower(frame));
    }

    [Fact]
    public void Advertisement_Frame_IsAsTheRfcSaysAndItsSumIsRight()
    {
        byte[] frame = new byte[Announcement.AdvertisementFrameSize];
        Announcement.WriteAdvertisement(frame, Mac, Address6);
        string hex = Convert.ToHexStringLower(frame);
        Assert.StartsWith("333300000001" + "020000000007" + "86dd" + "60000000" + "0020" + "3a" + "ff", hex);
        Assert.Contains("fd000000000000000000000000000007" + "ff020000000000000000000000000001" + "8800", hex);
        Assert.EndsWith("20000000" + "fd000000000000000000000000000007" + "0201020000000007", hex);

        // Summed up with the pseudo header, a right message gives all ones.
        uint sum = 32 + 58;
        for (int i = 14 + 8; i < frame.Length; i += 2)
        {
            sum += (uint)((frame[i] << 8) | frame[i + 1]);
        }

        Assert.Equal(0xffffu, (sum & 0xffff) + (sum >> 16));
    }

    [Fact]
    public void Announcement_OfTheOtherFamily_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => Announcement.GratuitousArp(null, new LinkIndex(1), Mac, Address6));
        Assert.Throws<ArgumentException>(() => Announcement.UnsolicitedNeighbourAdvertisement(null, new LinkIndex(1), Mac, Address));
    }

    [Fact]
    public async Task Announced_NeighbourUpdatesItsTable()
    {
        using TestNamespace a = new();
        using TestNamespace b = new();
        LinkIndex near = a.Route.Links.Create(new VethLink("v0", "v1") { AdminUp = true, PeerNamespace = b.Network });
        LinkIndex far = b.Route.Links.IndexOf("v1");
        b.Route.Links.Change(far, new LinkChange { AdminUp = true });
        b.Route.Addresses.Add(far, Cidr.Parse("10.0.0.1/24"));
        b.Route.Addresses.Add(far, new InterfaceAddress(Cidr.Parse("fd00::1/64")) { NoDad = true });
        foreach (IPAddress address in (IPAddress[])[Address, Address6])
        {
            b.Route.Neighbours.Set(new(far, address) { Mac = MacAddress.Random(), State = Linux.Routes.NeighbourState.Stale });
        }

        // A link passes packets only some moments after its other end was set up.
        await Eventually.IsTrueAsync(
            () => a.Route.Links.Get(near).OperationalState == OperationalState.Up && b.Route.Links.Get(far).OperationalState == OperationalState.Up,
            "both ends pass packets");
        Announcement.Send(a.Network, near, Mac, Address);
        Announcement.Send(a.Network, near, Mac, Address6);

        await Eventually.IsTrueAsync(() => b.Route.Neighbours.List(far).Count(n => n.Mac == Mac) == 2, "both neighbours have the new address");
    }

    [Fact]
    public async Task Advertised_NeighbourUpdatesItsTable()
    {
        using TestNamespace a = new();
        using TestNamespace b = new();
        LinkIndex near = a.Route.Links.Create(new VethLink("v0", "v1") { AdminUp = true, PeerNamespace = b.Network });
        LinkIndex far = b.Route.Links.IndexOf("v1");
        b.Route.Links.Change(far, new LinkChange { AdminUp = true });
        IPAddress[] addresses = [Address6, IpText.ParseAddress("fd01::2")];
        foreach (IPAddress address in addresses)
        {
            a.Route.Addresses.Add(near, new InterfaceAddress(new Cidr(address, 64)) { NoDad = true });
            b.Route.Neighbours.Set(new(far, address) { Mac = MacAddress.Random(), State = Linux.Routes.NeighbourState.Stale });
        }

        await Eventually.IsTrueAsync(
            () => a.Route.Links.Get(near).OperationalState == OperationalState.Up && b.Route.Links.Get(far).OperationalState == OperationalState.Up,
            "both ends pass packets");
        NeighbourAdvertisement.Send(a.Network, near, Mac, addresses);

        await Eventually.IsTrueAsync(() => b.Route.Neighbours.List(far).Count(n => n.Mac == Mac) == 2, "both neighbours have the new address");
        LinuxException e = Assert.Throws<LinuxException>(() => NeighbourAdvertisement.Send(a.Network, near, Mac, [IpText.ParseAddress("fd02::1")]));
        Assert.Equal(Errno.EADDRNOTAVAIL, e.Errno);
    }

    [Fact]
    public void Send_LinkDown_SaysSo()
    {
        using TestNamespace net = new();
        LinkIndex link = net.Route.Links.Create(new VethLink("v0", "v1"));
        LinuxException e = Assert.Throws<LinuxException>(() => Announcement.Send(net.Network, link, Mac, Address));
        Assert.Equal(Errno.ENETDOWN, e.Errno);
    }

    [Fact]
    public void BindToDevice_SocketKnowsOnlyThatLink()
    {
        using TestNamespace net = new();
        net.Route.Links.Create(new VethLink("v0", "v1"));
        using Socket socket = net.Network.OpenSocket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.BindToDevice("v0");
        Assert.Throws<SocketException>(() => socket.BindToDevice("nope"));
    }
}
