using System.Runtime.InteropServices;

namespace Musubi.Linux.Netlink;

/// <summary>The framing that all netlink families share; linux/netlink.h.</summary>
internal static class NetlinkProtocol
{
    internal const int NETLINK_ROUTE = 0;
    internal const int NETLINK_NETFILTER = 12;

    internal const int NETLINK_ADD_MEMBERSHIP = 1;
    internal const int NETLINK_CAP_ACK = 10;
    internal const int NETLINK_EXT_ACK = 11;
    internal const int NETLINK_GET_STRICT_CHK = 12;

    internal const ushort NLMSG_NOOP = 1;
    internal const ushort NLMSG_ERROR = 2;
    internal const ushort NLMSG_DONE = 3;
    internal const ushort NLMSG_OVERRUN = 4;

    internal const ushort NLM_F_REQUEST = 0x01;
    internal const ushort NLM_F_MULTI = 0x02;
    internal const ushort NLM_F_ACK = 0x04;
    internal const ushort NLM_F_ECHO = 0x08;
    internal const ushort NLM_F_DUMP_INTR = 0x10;
    internal const ushort NLM_F_CAPPED = 0x100;
    internal const ushort NLM_F_ACK_TLVS = 0x200;
    internal const ushort NLM_F_DUMP = 0x300;
    internal const ushort NLM_F_REPLACE = 0x100;
    internal const ushort NLM_F_EXCL = 0x200;
    internal const ushort NLM_F_CREATE = 0x400;
    internal const ushort NLM_F_APPEND = 0x800;

    internal const ushort NLMSGERR_ATTR_MSG = 1;
    internal const ushort NLMSGERR_ATTR_OFFS = 2;
    internal const ushort NLMSGERR_ATTR_MISS_TYPE = 5;

    internal const ushort NLA_F_NESTED = 0x8000;
    internal const ushort NLA_TYPE_MASK = 0x3fff;

    internal static int Align(int length) => (length + 3) & ~3;
}

/// <summary>struct nlmsghdr</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NetlinkHeader
{
    internal const int Size = 16;

    internal uint Length;
    internal ushort Type;
    internal ushort Flags;
    internal uint Sequence;
    internal uint Port;
}

/// <summary>A message as received: header fields and what follows the header.</summary>
internal readonly ref struct NetlinkMessage(NetlinkHeader header, ReadOnlySpan<byte> payload)
{
    internal ushort Type => header.Type;

    internal ushort Flags => header.Flags;

    internal uint Sequence => header.Sequence;

    internal ReadOnlySpan<byte> Payload { get; } = payload;

    /// <summary>Splits the payload into the family's fixed header and its attributes.</summary>
    internal AttributeReader Attributes<T>(out T familyHeader)
        where T : unmanaged
    {
        if (!MemoryMarshal.TryRead(Payload, out familyHeader))
        {
            throw NetlinkException.Malformed($"message type {header.Type} has a payload of {Payload.Length} bytes, too few for its header");
        }

        return new AttributeReader(Payload[Math.Min(NetlinkProtocol.Align(System.Runtime.CompilerServices.Unsafe.SizeOf<T>()), Payload.Length)..]);
    }
}

/// <summary>Reads one message after another from a datagram.</summary>
internal ref struct NetlinkMessageReader(ReadOnlySpan<byte> datagram)
{
    private ReadOnlySpan<byte> _rest = datagram;

    /// <exception cref="NetlinkException">EBADMSG: a length lies outside the datagram.</exception>
    internal bool TryRead(out NetlinkMessage message)
    {
        if (_rest.Length < NetlinkHeader.Size)
        {
            if (!_rest.IsEmpty)
            {
                throw NetlinkException.Malformed($"{_rest.Length} bytes at the end are no message");
            }

            message = default;
            return false;
        }

        NetlinkHeader header = MemoryMarshal.Read<NetlinkHeader>(_rest);
        if (header.Length < NetlinkHeader.Size || header.Length > (uint)_rest.Length)
        {
            throw NetlinkException.Malformed($"a message claims {header.Length} bytes of {_rest.Length}");
        }

        int length = (int)header.Length;
        message = new NetlinkMessage(header, _rest[NetlinkHeader.Size..length]);
        _rest = _rest[Math.Min(NetlinkProtocol.Align(length), _rest.Length)..];
        return true;
    }
}
