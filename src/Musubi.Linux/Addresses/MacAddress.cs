using System.Diagnostics.CodeAnalysis;

namespace Musubi.Linux.Addresses;

/// <summary>An Ethernet address of six bytes.</summary>
public readonly record struct MacAddress : IComparable<MacAddress>
{
    /// <summary>Bytes of an address.</summary>
    public const int Length = 6;

    private readonly ulong _value;

    /// <summary>Makes an address from its number, first byte most significant.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number has more than 48 bits.</exception>
    public MacAddress(ulong value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 0xffff_ffff_ffffUL);
        _value = value;
    }

    /// <summary>Makes an address from its six bytes in the order they are sent.</summary>
    /// <exception cref="ArgumentException">There are not six bytes.</exception>
    public MacAddress(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
        {
            throw new ArgumentException($"An Ethernet address has {Length} bytes, not {bytes.Length}.", nameof(bytes));
        }

        foreach (byte b in bytes)
        {
            _value = (_value << 8) | b;
        }
    }

    /// <summary>00:00:00:00:00:00</summary>
    public static MacAddress Zero => default;

    /// <summary>ff:ff:ff:ff:ff:ff</summary>
    public static MacAddress Broadcast => new(0xffff_ffff_ffffUL);

    /// <summary>The address as a number, first byte most significant.</summary>
    public ulong Value => _value;

    /// <summary>Whether it names a group (broadcast included) and so cannot be an interface's own address.</summary>
    public bool IsMulticast => (_value & 0x0100_0000_0000UL) != 0;

    /// <summary>Whether it was assigned locally, not by a manufacturer.</summary>
    public bool IsLocallyAdministered => (_value & 0x0200_0000_0000UL) != 0;

    /// <summary>A random unicast address from the locally administered range.</summary>
    public static MacAddress Random()
    {
        Span<byte> bytes = stackalloc byte[Length];
        KernelRandom.Fill(bytes);
        bytes[0] = (byte)((bytes[0] & 0xfc) | 0x02);
        return new MacAddress(bytes);
    }

    /// <summary>Reads <c>02:00:00:00:00:01</c>, <c>02-00-00-00-00-01</c> or <c>0200.0000.0001</c>.</summary>
    /// <exception cref="FormatException">The text is none of these.</exception>
    public static MacAddress Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out MacAddress mac)
            ? mac
            : throw new FormatException($"\"{text}\" is not an Ethernet address: expected six bytes such as 02:00:00:00:00:01.");

    /// <summary>Reads <c>02:00:00:00:00:01</c>, <c>02-00-00-00-00-01</c> or <c>0200.0000.0001</c>.</summary>
    public static bool TryParse([NotNullWhen(true)] ReadOnlySpan<char> text, out MacAddress mac)
    {
        mac = default;
        int digitsPerGroup = text.Length switch { 17 => 2, 14 => 4, _ => 0 };
        if (digitsPerGroup == 0)
        {
            return false;
        }

        char separator = text[digitsPerGroup];
        if (digitsPerGroup == 2 ? separator is not (':' or '-') : separator != '.')
        {
            return false;
        }

        ulong value = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (i % (digitsPerGroup + 1) == digitsPerGroup)
            {
                if (text[i] != separator)
                {
                    return false;
                }
            }
            else if (char.IsAsciiHexDigit(text[i]))
            {
                value = (value << 4) | IpText.HexValue(text[i]);
            }
            else
            {
                return false;
            }
        }

        mac = new MacAddress(value);
        return true;
    }

    /// <summary>Writes the six bytes in the order they are sent.</summary>
    public void CopyTo(Span<byte> destination)
    {
        for (int i = 0; i < Length; i++)
        {
            destination[i] = (byte)(_value >> (8 * (Length - 1 - i)));
        }
    }

    /// <summary>The six bytes in the order they are sent.</summary>
    public byte[] ToArray()
    {
        byte[] bytes = new byte[Length];
        CopyTo(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public int CompareTo(MacAddress other) => _value.CompareTo(other._value);

    /// <summary>Lower case with colons.</summary>
    public override string ToString() => string.Create(17, _value, static (chars, value) =>
    {
        for (int i = 0; i < chars.Length; i++)
        {
            chars[i] = i % 3 == 2 ? ':' : IpText.HexDigit((uint)(value >> (44 - (4 * (i - (i / 3))))) & 0xf);
        }
    });
}
