using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Musubi.Linux.Addresses;

namespace Musubi.Linux.Nftables;

/// <summary>A value as nf_tables compares it: the bytes of a packet's field, or of one of the kernel's own numbers. Equal when the bytes are.</summary>
public readonly struct NftValue : IEquatable<NftValue>
{
    private readonly byte[]? _bytes;

    private NftValue(byte[] bytes) => _bytes = bytes;

    /// <summary>The bytes, in the order the kernel compares them.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Number of bytes.</summary>
    public int Length => _bytes?.Length ?? 0;

    /// <summary>An IPv4 or IPv6 address.</summary>
    public static implicit operator NftValue(IPAddress address) => Of(address);

    /// <summary>An Ethernet address.</summary>
    public static implicit operator NftValue(MacAddress address) => Of(address);

    /// <summary>A port.</summary>
    public static implicit operator NftValue(ushort port) => OfPort(port);

    /// <summary>An IPv4 or IPv6 address.</summary>
    public static NftValue Of(IPAddress address) => new(address.GetAddressBytes());

    /// <summary>An Ethernet address.</summary>
    public static NftValue Of(MacAddress address) => new(address.ToArray());

    /// <summary>Bytes as they are.</summary>
    public static NftValue Of(ReadOnlySpan<byte> bytes) => new(bytes.ToArray());

    /// <summary>A port or another field of two bytes, such as an Ethernet type.</summary>
    public static NftValue OfPort(ushort port)
    {
        byte[] bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, port);
        return new NftValue(bytes);
    }

    /// <summary>A field of one byte, such as a protocol.</summary>
    public static NftValue OfByte(byte value) => new([value]);

    /// <summary>A number of the kernel's own of two bytes, in its byte order.</summary>
    public static NftValue OfNumber(ushort value)
    {
        byte[] bytes = new byte[2];
        MemoryMarshal.Write(bytes, in value);
        return new NftValue(bytes);
    }

    /// <summary>A number of the kernel's own of four bytes, in its byte order: a mark, an interface's index, a set of flags.</summary>
    public static NftValue OfNumber(uint value)
    {
        byte[] bytes = new byte[4];
        MemoryMarshal.Write(bytes, in value);
        return new NftValue(bytes);
    }

    /// <summary>An interface's name; one that ends in <c>*</c> stands for all that begin so (not in sets).</summary>
    public static NftValue OfInterface(string name)
    {
        const int Size = 16;
        bool isPrefix = name.EndsWith('*');
        int length = Encoding.UTF8.GetByteCount(name) - (isPrefix ? 1 : 0);
        if (length is 0 or >= Size)
        {
            throw new ArgumentException($"\"{name}\" cannot be an interface's name: it must have 1 to {Size - 1} bytes.", nameof(name));
        }

        byte[] bytes = new byte[isPrefix ? length : Size];
        Encoding.UTF8.GetBytes(isPrefix ? name.AsSpan(0, name.Length - 1) : name, bytes);
        return new NftValue(bytes);
    }

    /// <summary>Several values one after another as a key of a concatenation; each is filled up to four bytes.</summary>
    public static NftValue Concat(params ReadOnlySpan<NftValue> values)
    {
        int length = 0;
        foreach (NftValue value in values)
        {
            length += Padded(value.Length);
        }

        byte[] bytes = new byte[length];
        int position = 0;
        foreach (NftValue value in values)
        {
            value.Bytes.CopyTo(bytes.AsSpan(position));
            position += Padded(value.Length);
        }

        return new NftValue(bytes);
    }

    /// <summary>Whether the bytes are the same.</summary>
    public static bool operator ==(NftValue left, NftValue right) => left.Equals(right);

    /// <summary>Whether the bytes differ.</summary>
    public static bool operator !=(NftValue left, NftValue right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(NftValue other) => Bytes.SequenceEqual(other.Bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is NftValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    /// <summary>Hexadecimal digits.</summary>
    public override string ToString() => "0x" + Convert.ToHexStringLower(Bytes);

    internal static int Padded(int length) => (length + 3) & ~3;

    /// <summary>The value after this one; null after the last.</summary>
    internal NftValue? Next()
    {
        byte[] bytes = Bytes.ToArray();
        for (int i = bytes.Length - 1; i >= 0; i--)
        {
            if (++bytes[i] != 0)
            {
                return new NftValue(bytes);
            }
        }

        return null;
    }

    /// <summary>The value before this one, which is not zero.</summary>
    internal NftValue Previous()
    {
        byte[] bytes = Bytes.ToArray();
        for (int i = bytes.Length - 1; i >= 0 && bytes[i]-- == 0; i--)
        {
        }

        return new NftValue(bytes);
    }

    /// <summary>The last value of this length.</summary>
    internal NftValue Highest()
    {
        byte[] bytes = new byte[Length];
        Array.Fill(bytes, (byte)0xff);
        return new NftValue(bytes);
    }
}
