using System.Buffers.Binary;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Musubi.Linux.Addresses;

namespace Musubi.Linux.Netlink;

/// <summary>
/// Writes netlink messages and their attributes one after another into the buffer it is given, usually on the stack, and moves to a larger one on the
/// heap when that is full. Numbers are in the machine's byte order; those in network order have a name that ends in BigEndian.
/// </summary>
internal ref struct MessageWriter(Span<byte> buffer)
{
    /// <summary>Room for nearly every single request.</summary>
    internal const int TypicalSize = 1024;

    private Span<byte> _buffer = buffer;
    private int _length;
    private int _messageStart;

    internal readonly Span<byte> Written => _buffer[.._length];

    internal readonly int Length => _length;

    /// <summary>Starts a message; <see cref="End"/> completes it. The socket numbers it when it is sent.</summary>
    internal void Begin(ushort type, ushort flags)
    {
        _messageStart = _length;
        Struct(new NetlinkHeader { Type = type, Flags = (ushort)(flags | NetlinkProtocol.NLM_F_REQUEST) });
    }

    /// <summary>Completes the message.</summary>
    internal readonly void End()
    {
        uint length = (uint)(_length - _messageStart);
        MemoryMarshal.Write(_buffer[_messageStart..], in length);
    }

    /// <summary>A family's fixed header, padded.</summary>
    internal void Struct<T>(in T value)
        where T : unmanaged
    {
        Span<byte> room = Reserve(NetlinkProtocol.Align(Unsafe.SizeOf<T>()));
        room.Clear();
        MemoryMarshal.Write(room, in value);
    }

    internal void UInt8(ushort type, byte value) => Attribute(type, in value);

    internal void Bool(ushort type, bool value) => UInt8(type, value ? (byte)1 : (byte)0);

    internal void UInt16(ushort type, ushort value) => Attribute(type, in value);

    internal void UInt16BigEndian(ushort type, ushort value) => UInt16(type, BinaryPrimitives.ReverseEndianness(value));

    internal void UInt32(ushort type, uint value) => Attribute(type, in value);

    internal void Int32(ushort type, int value) => Attribute(type, in value);

    internal void UInt32BigEndian(ushort type, uint value) => UInt32(type, BinaryPrimitives.ReverseEndianness(value));

    internal void UInt64(ushort type, ulong value) => Attribute(type, in value);

    internal void UInt64BigEndian(ushort type, ulong value) => UInt64(type, BinaryPrimitives.ReverseEndianness(value));

    internal void Flag(ushort type) => Begin(type, 0, out _);

    internal void Bytes(ushort type, scoped ReadOnlySpan<byte> value)
    {
        Begin(type, value.Length, out Span<byte> room);
        value.CopyTo(room);
    }

    /// <summary>Text with its terminating NUL.</summary>
    internal void Text(ushort type, string value)
    {
        Begin(type, Encoding.UTF8.GetByteCount(value) + 1, out Span<byte> room);
        room[Encoding.UTF8.GetBytes(value, room)] = 0;
    }

    internal void Mac(ushort type, MacAddress value)
    {
        Begin(type, MacAddress.Length, out Span<byte> room);
        value.CopyTo(room);
    }

    internal void Address(ushort type, IPAddress value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, out int length);
        Bytes(type, bytes[..length]);
    }

    internal void Attribute<T>(ushort type, in T value)
        where T : unmanaged
    {
        Begin(type, Unsafe.SizeOf<T>(), out Span<byte> room);
        MemoryMarshal.Write(room, in value);
    }

    /// <summary>Opens an attribute that holds attributes; the token goes to <see cref="EndNest"/>.</summary>
    internal int BeginNest(ushort type)
    {
        int token = _length;
        Begin((ushort)(type | NetlinkProtocol.NLA_F_NESTED), 0, out _);
        return token;
    }

    internal readonly void EndNest(int token)
    {
        int length = _length - token;
        if (length > ushort.MaxValue)
        {
            throw new ArgumentException(
                $"A netlink attribute would have {length} bytes; the most is {ushort.MaxValue}. Send the elements in several requests.");
        }

        ushort value = (ushort)length;
        MemoryMarshal.Write(_buffer[token..], in value);
    }

    /// <summary>Forgets what was written and keeps the room.</summary>
    internal void Clear() => _length = 0;

    /// <summary>Appends messages written elsewhere.</summary>
    internal void Raw(scoped ReadOnlySpan<byte> messages) => messages.CopyTo(Reserve(messages.Length));

    private void Begin(ushort type, int length, out Span<byte> room)
    {
        if (length > ushort.MaxValue - 4)
        {
            throw new ArgumentException($"A netlink attribute would have {length} bytes; the most is {ushort.MaxValue - 4}.");
        }

        Span<byte> whole = Reserve(4 + NetlinkProtocol.Align(length));
        ushort total = (ushort)(4 + length);
        MemoryMarshal.Write(whole, in total);
        MemoryMarshal.Write(whole[2..], in type);
        whole[(4 + length)..].Clear();
        room = whole.Slice(4, length);
    }

    private Span<byte> Reserve(int count)
    {
        if (_buffer.Length - _length < count)
        {
            byte[] larger = GC.AllocateUninitializedArray<byte>(Math.Max(2 * _buffer.Length, _length + count));
            _buffer[.._length].CopyTo(larger);
            _buffer = larger;
        }

        Span<byte> room = _buffer.Slice(_length, count);
        _length += count;
        return room;
    }
}
