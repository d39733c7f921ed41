using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux.Packets;

/// <summary>Tells a link's neighbours who has an address, so that their tables and the switches between are right at once.</summary>
public static class Announcement
{
    internal const int ArpFrameSize = 42;
    internal const int AdvertisementFrameSize = 14 + 40 + 32;

    private const ushort ArpRequest = 1;
    private const ushort ArpReply = 2;

    /// <summary>Announces an address of either family: <see cref="GratuitousArp"/> or <see cref="UnsolicitedNeighbourAdvertisement"/>.</summary>
    public static void Send(NetworkNamespace? network, LinkIndex link, MacAddress mac, IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            UnsolicitedNeighbourAdvertisement(network, link, mac, address);
        }
        else
        {
            GratuitousArp(network, link, mac, address);
        }
    }

    /// <summary>Sends a gratuitous ARP request and reply; RFC 5227 and RFC 5944 4.6. Some systems heed only one of the two.</summary>
    public static void GratuitousArp(NetworkNamespace? network, LinkIndex link, MacAddress mac, IPAddress address)
    {
        using PacketSocket socket = PacketSocket.Open(network, link);
        Span<byte> frame = stackalloc byte[ArpFrameSize];
        WriteArp(frame, ArpRequest, mac, address);
        socket.Send(frame);
        WriteArp(frame, ArpReply, mac, address);
        socket.Send(frame);
    }

    /// <summary>Sends an unsolicited neighbour advertisement to all nodes, with the override flag; RFC 4861 7.2.6.</summary>
    public static void UnsolicitedNeighbourAdvertisement(NetworkNamespace? network, LinkIndex link, MacAddress mac, IPAddress address)
    {
        using PacketSocket socket = PacketSocket.Open(network, link);
        Span<byte> frame = stackalloc byte[AdvertisementFrameSize];
        WriteAdvertisement(frame, mac, address);
        socket.Send(frame);
    }

    internal static void WriteArp(Span<byte> frame, ushort operation, MacAddress mac, IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetwork)
        {
            throw new ArgumentException($"{IpText.Format(address)} is not an IPv4 address; ARP knows no others.", nameof(address));
        }

        WriteEthernet(frame, MacAddress.Broadcast, mac, 0x0806);
        Span<byte> arp = frame[14..];
        BinaryPrimitives.WriteUInt16BigEndian(arp, 1);
        BinaryPrimitives.WriteUInt16BigEndian(arp[2..], 0x0800);
        arp[4] = MacAddress.Length;
        arp[5] = 4;
        BinaryPrimitives.WriteUInt16BigEndian(arp[6..], operation);
        mac.CopyTo(arp[8..]);
        address.TryWriteBytes(arp[14..], out _);
        MacAddress.Broadcast.CopyTo(arp[18..]);
        address.TryWriteBytes(arp[24..], out _);
    }

    internal static void WriteAdvertisement(Span<byte> frame, MacAddress mac, IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            throw new ArgumentException($"{IpText.Format(address)} is not an IPv6 address.", nameof(address));
        }

        frame.Clear();
        WriteEthernet(frame, new MacAddress(0x3333_0000_0001), mac, 0x86dd);
        Span<byte> ip = frame[14..];
        Span<byte> icmp = ip[40..];
        ip[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)icmp.Length);
        ip[6] = 58;
        ip[7] = 255;
        address.TryWriteBytes(ip[8..], out _);
        ip[24] = 0xff;
        ip[25] = 0x02;
        ip[39] = 0x01;
        icmp[0] = 136;
        icmp[4] = 0x20;
        address.TryWriteBytes(icmp[8..], out _);
        icmp[24] = 2;
        icmp[25] = 1;
        mac.CopyTo(icmp[26..]);

        // The sum covers source, destination, length and next header besides the message.
        uint sum = (uint)icmp.Length + 58;
        for (int i = 8; i < 40; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(ip[i..]);
        }

        for (int i = 0; i < icmp.Length; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(icmp[i..]);
        }

        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], (ushort)~sum);
    }

    private static void WriteEthernet(Span<byte> frame, MacAddress destination, MacAddress source, ushort type)
    {
        destination.CopyTo(frame);
        source.CopyTo(frame[MacAddress.Length..]);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], type);
    }
}
