using System.Buffers.Binary;
using System.Net;
using Musubi.Linux.Addresses;

namespace Musubi.Launcher.Dhcp;

/// <summary>Message types of option 53 (RFC 2132, 9.6).</summary>
internal enum DhcpMessageType : byte
{
    Discover = 1,
    Offer = 2,
    Request = 3,
    Decline = 4,
    Ack = 5,
    Nak = 6,
    Release = 7,
    Inform = 8,
}

/// <summary>A message from a DHCP client, as far as a server needs it (RFC 2131, section 2).</summary>
internal sealed record DhcpRequest
{
    public const int FixedLength = 240;
    public const uint MagicCookie = 0x63825363;

    private const byte BootRequest = 1;
    private const byte Ethernet = 1;

    public required DhcpMessageType Type { get; init; }

    public required uint TransactionId { get; init; }

    public required bool Broadcast { get; init; }

    /// <summary>The address the client already has (renewing); <see cref="IPAddress.Any"/> when none.</summary>
    public required IPAddress ClientAddress { get; init; }

    public required MacAddress ClientMac { get; init; }

    /// <summary>Option 50; null when absent.</summary>
    public IPAddress? RequestedAddress { get; init; }

    /// <summary>Option 54: the server the client chose; null when absent.</summary>
    public IPAddress? ServerId { get; init; }

    /// <summary>Option 55: options the client wants; empty for no say.</summary>
    public byte[] ParameterList { get; init; } = [];

    /// <summary>Option 61, which an answer repeats (RFC 6842); null when absent.</summary>
    public byte[]? ClientId { get; init; }

    /// <summary>Reads a packet; null for anything but a well-formed request of an Ethernet client.</summary>
    public static DhcpRequest? Parse(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < FixedLength
            || packet[0] != BootRequest
            || packet[1] != Ethernet
            || packet[2] != MacAddress.Length
            || BinaryPrimitives.ReadUInt32BigEndian(packet[236..]) != MagicCookie)
        {
            return null;
        }

        DhcpMessageType? type = null;
        IPAddress? requested = null;
        IPAddress? server = null;
        byte[] parameters = [];
        byte[]? clientId = null;
        for (int i = FixedLength; i < packet.Length && packet[i] != (byte)DhcpOption.End;)
        {
            byte code = packet[i++];
            if (code == (byte)DhcpOption.Pad)
            {
                continue;
            }

            if (i >= packet.Length || i + 1 + packet[i] > packet.Length)
            {
                return null;
            }

            ReadOnlySpan<byte> value = packet.Slice(i + 1, packet[i]);
            i += 1 + value.Length;
            switch ((DhcpOption)code)
            {
                case DhcpOption.MessageType when value.Length == 1:
                    type = (DhcpMessageType)value[0];
                    break;
                case DhcpOption.RequestedAddress when value.Length == 4:
                    requested = new IPAddress(value);
                    break;
                case DhcpOption.ServerId when value.Length == 4:
                    server = new IPAddress(value);
                    break;
                case DhcpOption.ParameterList:
                    parameters = value.ToArray();
                    break;
                case DhcpOption.ClientId:
                    clientId = value.ToArray();
                    break;
            }
        }

        return type is not { } known ? null : new DhcpRequest
        {
            Type = known,
            TransactionId = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]),
            Broadcast = (packet[10] & 0x80) != 0,
            ClientAddress = new IPAddress(packet.Slice(12, 4)),
            ClientMac = new MacAddress(packet.Slice(28, MacAddress.Length)),
            RequestedAddress = requested,
            ServerId = server,
            ParameterList = parameters,
            ClientId = clientId,
        };
    }
}

/// <summary>Writes a server's answer (RFC 2131, section 4.3).</summary>
internal static class DhcpReply
{
    private const int SmallestPacket = 300; // what BOOTP relays and old clients expect
    private const byte BootReply = 2;

    /// <summary>An answer with its options in ascending order; those of more than 255 bytes are split (RFC 3396).</summary>
    public static byte[] Write(DhcpRequest request, DhcpMessageType type, IPAddress yourAddress, IPAddress server, IEnumerable<KeyValuePair<DhcpOption, byte[]>> options)
    {
        using MemoryStream packet = new(SmallestPacket);
        Span<byte> head = stackalloc byte[DhcpRequest.FixedLength];
        head.Clear();
        head[0] = BootReply;
        head[1] = 1;
        head[2] = MacAddress.Length;
        BinaryPrimitives.WriteUInt32BigEndian(head[4..], request.TransactionId);
        head[10] = request.Broadcast ? (byte)0x80 : (byte)0;
        if (type == DhcpMessageType.Ack)
        {
            request.ClientAddress.TryWriteBytes(head[12..], out _);
        }

        yourAddress.TryWriteBytes(head[16..], out _);
        request.ClientMac.CopyTo(head[28..]);
        BinaryPrimitives.WriteUInt32BigEndian(head[236..], DhcpRequest.MagicCookie);
        packet.Write(head);

        WriteOption(packet, DhcpOption.MessageType, [(byte)type]);
        WriteOption(packet, DhcpOption.ServerId, server.GetAddressBytes());
        foreach ((DhcpOption option, byte[] value) in options)
        {
            WriteOption(packet, option, value);
        }

        if (request.ClientId is { } clientId)
        {
            WriteOption(packet, DhcpOption.ClientId, clientId);
        }

        packet.WriteByte((byte)DhcpOption.End);
        while (packet.Length < SmallestPacket)
        {
            packet.WriteByte((byte)DhcpOption.Pad);
        }

        return packet.ToArray();
    }

    private static void WriteOption(MemoryStream packet, DhcpOption option, ReadOnlySpan<byte> value)
    {
        do
        {
            ReadOnlySpan<byte> part = value[..Math.Min(value.Length, byte.MaxValue)];
            packet.WriteByte((byte)option);
            packet.WriteByte((byte)part.Length);
            packet.Write(part);
            value = value[part.Length..];
        }
        while (value.Length > 0);
    }
}
