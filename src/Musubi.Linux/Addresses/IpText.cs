using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Musubi.Linux.Addresses;

/// <summary>
/// IP addresses as text, read strictly (IPv4 has four decimal octets without leading zeros, no zone ids; IPv4-mapped IPv6 becomes IPv4)
/// and written in the one form of RFC 5952; and address arithmetic.
/// </summary>
/// <remarks>IpText.Parsing.cs has the parsers.</remarks>
public static partial class IpText
{
    /// <summary>Reads an address.</summary>
    /// <exception cref="FormatException">The text is not an address.</exception>
    public static IPAddress ParseAddress(ReadOnlySpan<char> text) =>
        TryParseAddress(text, out IPAddress? address)
            ? address
            : throw new FormatException($"\"{text}\" is not an IP address: expected one such as 192.0.2.1 or 2001:db8::1.");

    /// <summary>Reads an address.</summary>
    public static bool TryParseAddress(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        if (text.Contains(':'))
        {
            return TryParseIPv6(text, out address);
        }

        bool valid = TryParseIPv4(text, out uint value);
        address = valid ? FromNumber(value, isIPv6: false) : null;
        return valid;
    }

    /// <summary>The address in its canonical form: dotted decimal, or RFC 5952.</summary>
    public static string Format(IPAddress address)
    {
        Span<char> buffer = stackalloc char[45];
        return new string(buffer[..Format(address, buffer)]);
    }

    /// <summary>The address after (or before) this one by a number of addresses.</summary>
    /// <exception cref="OverflowException">The result lies outside the address family.</exception>
    public static IPAddress Add(IPAddress address, Int128 offset)
    {
        bool isIPv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        UInt128 max = isIPv6 ? UInt128.MaxValue : uint.MaxValue;
        UInt128 value = ToNumber(address);
        UInt128 distance = offset >= 0 ? (UInt128)offset : unchecked((UInt128)(-offset));
        if (offset >= 0 ? max - value < distance : value < distance)
        {
            throw new OverflowException($"{Format(address)} plus {offset} is not an address.");
        }

        return FromNumber(offset >= 0 ? value + distance : value - distance, isIPv6);
    }

    /// <summary>The address as a number, first byte most significant.</summary>
    public static UInt128 ToNumber(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        UInt128 value = 0;
        foreach (byte b in bytes[..length])
        {
            value = (value << 8) | b;
        }

        return value;
    }

    /// <summary>The address of a number.</summary>
    public static IPAddress FromNumber(UInt128 value, bool isIPv6)
    {
        Span<byte> bytes = stackalloc byte[isIPv6 ? 16 : 4];
        for (int i = bytes.Length - 1; i >= 0; i--)
        {
            bytes[i] = (byte)value;
            value >>= 8;
        }

        return new IPAddress(bytes);
    }

    /// <summary>IPv4-mapped IPv6 addresses as IPv4, others as they are, without zone.</summary>
    internal static IPAddress Normalize(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            if (address.IsIPv4MappedToIPv6)
            {
                return address.MapToIPv4();
            }

            return address.ScopeId == 0 ? address : FromNumber(ToNumber(address), isIPv6: true);
        }

        return address;
    }

    internal static uint HexValue(char digit) => (uint)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);

    internal static char HexDigit(uint nibble) => (char)(nibble < 10 ? '0' + nibble : 'a' + nibble - 10);

    internal static int Format(IPAddress address, Span<char> destination)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        if (length == 4)
        {
            return FormatIPv4(bytes, destination);
        }

        // IPv4-mapped addresses are the one kind that is customarily shown with a dotted tail.
        if (address.IsIPv4MappedToIPv6)
        {
            "::ffff:".CopyTo(destination);
            return 7 + FormatIPv4(bytes[12..], destination[7..]);
        }

        (int zerosStart, int zerosLength) = LongestZeroRun(bytes);
        int written = 0;
        for (int group = 0; group < 8; group++)
        {
            if (group == zerosStart)
            {
                destination[written++] = ':';
                destination[written++] = ':';
                group += zerosLength - 1;
                continue;
            }

            if (group > 0 && destination[written - 1] != ':')
            {
                destination[written++] = ':';
            }

            uint value = (uint)((bytes[2 * group] << 8) | bytes[(2 * group) + 1]);
            bool started = false;
            for (int shift = 12; shift >= 0; shift -= 4)
            {
                uint nibble = (value >> shift) & 0xf;
                started |= nibble != 0 || shift == 0;
                if (started)
                {
                    destination[written++] = HexDigit(nibble);
                }
            }
        }

        return written;
    }

    private static int FormatIPv4(ReadOnlySpan<byte> bytes, Span<char> destination)
    {
        int written = 0;
        for (int i = 0; i < 4; i++)
        {
            if (i > 0)
            {
                destination[written++] = '.';
            }

            bytes[i].TryFormat(destination[written..], out int digits);
            written += digits;
        }

        return written;
    }

    /// <summary>The first of the longest runs of at least two zero groups, which RFC 5952 shortens.</summary>
    private static (int Start, int Length) LongestZeroRun(ReadOnlySpan<byte> bytes)
    {
        (int Start, int Length) best = (-1, 1);
        int run = 0;
        for (int group = 0; group < 8; group++)
        {
            run = bytes[2 * group] == 0 && bytes[(2 * group) + 1] == 0 ? run + 1 : 0;
            if (run > best.Length)
            {
                best = (group - run + 1, run);
            }
        }

        return best;
    }
}
