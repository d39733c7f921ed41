using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Musubi.Linux.Addresses;

namespace Musubi.Linux.Netlink;

/// <summary>Reads one attribute (type, length, value) after another; values point into the datagram and are copied only by their converters.</summary>
internal ref struct AttributeReader(ReadOnlySpan<byte> data)
{
    private const int HeaderSize = 4;

    private ReadOnlySpan<byte> _rest = data;

    /// <exception cref="NetlinkException">EBADMSG: a length lies outside the data.</exception>
    internal bool TryRead(out ushort type, out Attribute value)
    {
        if (_rest.Length < HeaderSize)
        {
            if (!_rest.IsEmpty)
            {
                throw NetlinkException.Malformed($"{_rest.Length} bytes after the last attribute");
            }

            type = 0;
            value = default;
            return false;
        }

        int length = MemoryMarshal.Read<ushort>(_rest);
        type = (ushort)(MemoryMarshal.Read<ushort>(_rest[2..]) & NetlinkProtocol.NLA_TYPE_MASK);
        if (length < HeaderSize || length > _rest.Length)
        {
            throw NetlinkException.Malformed($"attribute {type} claims {length} bytes of {_rest.Length}");
        }

        value = new Attribute(type, _rest[HeaderSize..length]);
        _rest = _rest[Math.Min(NetlinkProtocol.Align(length), _rest.Length)..];
        return true;
    }
}

/// <summary>An attribute's value. Each converter throws <see cref="NetlinkException"/> (EBADMSG) when the value has not the size it needs.</summary>
internal readonly ref struct Attribute(ushort type, ReadOnlySpan<byte> value)
{
    internal ReadOnlySpan<byte> Bytes { get; } = value;

    internal byte UInt8 => Read<byte>();

    internal ushort UInt16 => Read<ushort>();

    internal ushort UInt16BigEndian => BinaryPrimitives.ReverseEndianness(Read<ushort>());

    internal uint UInt32 => Read<uint>();

    internal int Int32 => Read<int>();

    internal uint UInt32BigEndian => BinaryPrimitives.ReverseEndianness(Read<uint>());

    internal ulong UInt64 => Read<ulong>();

    internal ulong UInt64BigEndian => BinaryPrimitives.ReverseEndianness(Read<ulong>());

    /// <summary>Text up to the first NUL.</summary>
    internal string Text
    {
        get
        {
            int end = Bytes.IndexOf((byte)0);
            return Encoding.UTF8.GetString(end < 0 ? Bytes : Bytes[..end]);
        }
    }

    internal MacAddress? Mac => Bytes.Length == MacAddress.Length ? new MacAddress(Bytes) : null;

    internal IPAddress Address => Bytes.Length is 4 or 16
        ? new IPAddress(Bytes)
        : throw NetlinkException.Malformed($"attribute {type} holds {Bytes.Length} bytes, not an IP address");

    internal AttributeReader Nested => new(Bytes);

    /// <summary>
    /// An address with a prefix length. IPv4-mapped IPv6 addresses, which nobody configures but by mistake, have no <see cref="Cidr"/>: false, and
    /// what holds them is left out.
    /// </summary>
    internal static bool TryMakeCidr(IPAddress address, byte length, out Cidr cidr)
    {
        cidr = default;
        if (length > (address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32))
        {
            throw NetlinkException.Malformed($"a prefix of {length} bits for {IpText.Format(address)}");
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return false;
        }

        cidr = new Cidr(address, length);
        return true;
    }

    internal T Read<T>()
        where T : unmanaged =>
        MemoryMarshal.TryRead(Bytes, out T result)
            ? result
            : throw NetlinkException.Malformed($"attribute {type} holds {Bytes.Length} bytes, too few");
}
