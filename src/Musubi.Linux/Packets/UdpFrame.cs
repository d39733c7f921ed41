using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Musubi.Linux.Packets;

/// <summary>A UDP datagram with its IPv4 header, as it goes over a link; RFC 791 and RFC 768.</summary>
/// <param name="Source">Where it is from.</param>
/// <param name="Destination">Where it goes.</param>
public readonly record struct UdpFrame(IPEndPoint Source, IPEndPoint Destination)
{
    /// <summary>Bytes before the payload.</summary>
    public const int HeaderSize = IpHeaderSize + UdpHeaderSize;

    private const int IpHeaderSize = 20;
    private const int UdpHeaderSize = 8;
    private const byte Udp = 17;
    private const byte TimeToLive = 64;

    /// <summary>Writes headers and payload.</summary>
    /// <returns>How many bytes were written.</returns>
    public int Write(ReadOnlySpan<byte> payload, Span<byte> packet)
    {
        int length = HeaderSize + payload.Length;
        Span<byte> ip = packet[..IpHeaderSize];
        Span<byte> udp = packet[IpHeaderSize..length];
        ip.Clear();
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)length);
        ip[8] = TimeToLive;
        ip[9] = Udp;
        Source.Address.TryWriteBytes(ip[12..], out _);
        Destination.Address.TryWriteBytes(ip[16..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum(0, ip));

        BinaryPrimitives.WriteUInt16BigEndian(udp, (ushort)Source.Port);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], (ushort)Destination.Port);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        udp[6..8].Clear();
        payload.CopyTo(udp[UdpHeaderSize..]);
        uint pseudoHeader = Sum((uint)(Udp + udp.Length), ip[12..]);
        ushort sum = Checksum(pseudoHeader, udp);
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], sum == 0 ? (ushort)0xffff : sum);
        return length;
    }

    /// <summary>Reads a whole, unfragmented datagram.</summary>
    /// <remarks>The UDP checksum is not looked at: between interfaces of one host the kernel leaves it unfinished.</remarks>
    public static bool TryRead(ReadOnlySpan<byte> packet, [NotNullWhen(true)] out UdpFrame? frame, out ReadOnlySpan<byte> payload)
    {
        frame = null;
        payload = default;
        if (packet.Length < HeaderSize || packet[0] >> 4 != 4 || packet[9] != Udp || (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) != 0)
        {
            return false;
        }

        int headerSize = (packet[0] & 0xf) * 4;
        int length = BinaryPrimitives.ReadUInt16BigEndian(packet[2..]);
        if (headerSize < IpHeaderSize || length > packet.Length || length < headerSize + UdpHeaderSize || Checksum(0, packet[..headerSize]) != 0)
        {
            return false;
        }

        ReadOnlySpan<byte> udp = packet[headerSize..length];
        int udpLength = BinaryPrimitives.ReadUInt16BigEndian(udp[4..]);
        if (udpLength < UdpHeaderSize || udpLength > udp.Length)
        {
            return false;
        }

        frame = new UdpFrame(
            new IPEndPoint(new IPAddress(packet.Slice(12, 4)), BinaryPrimitives.ReadUInt16BigEndian(udp)),
            new IPEndPoint(new IPAddress(packet.Slice(16, 4)), BinaryPrimitives.ReadUInt16BigEndian(udp[2..])));
        payload = udp[UdpHeaderSize..udpLength];
        return true;
    }

    private static ushort Checksum(uint sum, ReadOnlySpan<byte> bytes)
    {
        sum = Sum(sum, bytes);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    private static uint Sum(uint sum, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length > 1; bytes = bytes[2..])
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        }

        return bytes.IsEmpty ? sum : sum + ((uint)bytes[0] << 8);
    }
}
