using System.Buffers.Binary;
using System.Net;
using Musubi.Linux.Addresses;

namespace Musubi.Linux.Dhcp;

/// <summary>A DHCP message of either side on Ethernet (RFC 2131, section 2), without a socket.</summary>
public sealed record DhcpMessage
{
    /// <summary>The port of servers.</summary>
    public const ushort ServerPort = 67;

    /// <summary>The port of clients.</summary>
    public const ushort ClientPort = 68;

    private const int FixedLength = 240;
    private const int SmallestPacket = 300; // what BOOTP relays and old peers expect
    private const uint MagicCookie = 0x63825363;
    private const byte Ethernet = 1;
    private const byte BootRequest = 1;
    private const byte BootReply = 2;
    private const int ServerName = 44;
    private const int BootFile = 108;

    /// <summary>What the message is about.</summary>
    public required DhcpMessageType Type { get; init; }

    /// <summary>Whether a server says it.</summary>
    public bool IsReply { get; init; }

    /// <summary>Tells which question an answer is for.</summary>
    public required uint TransactionId { get; init; }

    /// <summary>Seconds since the client began to ask.</summary>
    public ushort Seconds { get; init; }

    /// <summary>Whether the client cannot receive what is sent to an address it has not got yet.</summary>
    public bool Broadcast { get; init; }

    /// <summary>The address the client already has (ciaddr); <see cref="IPAddress.Any"/> when none.</summary>
    public IPAddress ClientAddress { get; init; } = IPAddress.Any;

    /// <summary>The address the client is given (yiaddr).</summary>
    public IPAddress YourAddress { get; init; } = IPAddress.Any;

    /// <summary>The relay between client and server (giaddr).</summary>
    public IPAddress RelayAddress { get; init; } = IPAddress.Any;

    /// <summary>The client's hardware address (chaddr).</summary>
    public required MacAddress ClientMac { get; init; }

    /// <summary>The options in the order they are written, without <see cref="DhcpOption.MessageType"/>.</summary>
    public IReadOnlyList<KeyValuePair<DhcpOption, byte[]>> Options { get; init; } = [];

    /// <summary>An option's value, put together where it came in parts; null when absent.</summary>
    public byte[]? Find(DhcpOption option)
    {
        foreach ((DhcpOption code, byte[] value) in Options)
        {
            if (code == option)
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>An option that holds one IPv4 address; null when absent or of another size.</summary>
    public IPAddress? FindAddress(DhcpOption option) => Find(option) is { Length: 4 } value ? new IPAddress(value) : null;

    /// <summary>An option that holds a number of seconds; null when absent or of another size.</summary>
    public TimeSpan? FindSeconds(DhcpOption option) =>
        Find(option) is { Length: 4 } value ? TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(value)) : null;

    /// <summary>Reads a packet; null for anything but a well-formed DHCP message of or for an Ethernet client.</summary>
    public static DhcpMessage? Parse(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < FixedLength
            || packet[0] is not (BootRequest or BootReply)
            || packet[1] != Ethernet
            || packet[2] != MacAddress.Length
            || BinaryPrimitives.ReadUInt32BigEndian(packet[236..]) != MagicCookie)
        {
            return null;
        }

        List<KeyValuePair<DhcpOption, byte[]>> options = [];
        if (!ReadOptions(packet[FixedLength..], options) || !ReadOverload(packet, options))
        {
            return null;
        }

        int type = options.FindIndex(o => o.Key == DhcpOption.MessageType);
        if (type < 0 || options[type].Value.Length != 1)
        {
            return null;
        }

        DhcpMessageType known = (DhcpMessageType)options[type].Value[0];
        options.RemoveAt(type);
        return new DhcpMessage
        {
            Type = known,
            IsReply = packet[0] == BootReply,
            TransactionId = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]),
            Seconds = BinaryPrimitives.ReadUInt16BigEndian(packet[8..]),
            Broadcast = (packet[10] & 0x80) != 0,
            ClientAddress = new IPAddress(packet.Slice(12, 4)),
            YourAddress = new IPAddress(packet.Slice(16, 4)),
            RelayAddress = new IPAddress(packet.Slice(24, 4)),
            ClientMac = new MacAddress(packet.Slice(28, MacAddress.Length)),
            Options = options,
        };
    }

    /// <summary>The packet; options of more than 255 bytes are split (RFC 3396).</summary>
    public byte[] Write()
    {
        using MemoryStream packet = new(SmallestPacket);
        Span<byte> head = stackalloc byte[FixedLength];
        head.Clear();
        head[0] = IsReply ? BootReply : BootRequest;
        head[1] = Ethernet;
        head[2] = MacAddress.Length;
        BinaryPrimitives.WriteUInt32BigEndian(head[4..], TransactionId);
        BinaryPrimitives.WriteUInt16BigEndian(head[8..], Seconds);
        head[10] = Broadcast ? (byte)0x80 : (byte)0;
        ClientAddress.TryWriteBytes(head[12..], out _);
        YourAddress.TryWriteBytes(head[16..], out _);
        RelayAddress.TryWriteBytes(head[24..], out _);
        ClientMac.CopyTo(head[28..]);
        BinaryPrimitives.WriteUInt32BigEndian(head[236..], MagicCookie);
        packet.Write(head);

        WriteOption(packet, DhcpOption.MessageType, [(byte)Type]);
        foreach ((DhcpOption option, byte[] value) in Options)
        {
            WriteOption(packet, option, value);
        }

        packet.WriteByte((byte)DhcpOption.End);
        while (packet.Length < SmallestPacket)
        {
            packet.WriteByte((byte)DhcpOption.Pad);
        }

        return packet.ToArray();
    }

    /// <summary>Options that found no room go on in the file and server name of the header (RFC 2132, 9.3).</summary>
    private static bool ReadOverload(ReadOnlySpan<byte> packet, List<KeyValuePair<DhcpOption, byte[]>> options)
    {
        int overload = options.FindIndex(o => o.Key == DhcpOption.Overload);
        if (overload < 0 || options[overload].Value is not [byte where])
        {
            return true;
        }

        return ((where & 1) == 0 || ReadOptions(packet[BootFile..236], options))
            && ((where & 2) == 0 || ReadOptions(packet[ServerName..BootFile], options));
    }

    private static bool ReadOptions(ReadOnlySpan<byte> bytes, List<KeyValuePair<DhcpOption, byte[]>> options)
    {
        for (int i = 0; i < bytes.Length && bytes[i] != (byte)DhcpOption.End;)
        {
            DhcpOption code = (DhcpOption)bytes[i++];
            if (code == DhcpOption.Pad)
            {
                continue;
            }

            if (i >= bytes.Length || i + 1 + bytes[i] > bytes.Length)
            {
                return false;
            }

            byte[] value = bytes.Slice(i + 1, bytes[i]).ToArray();
            i += 1 + value.Length;
            int before = options.FindIndex(o => o.Key == code);
            if (before < 0)
            {
                options.Add(new(code, value));
            }
            else
            {
                options[before] = new(code, [.. options[before].Value, .. value]);
            }
        }

        return true;
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
