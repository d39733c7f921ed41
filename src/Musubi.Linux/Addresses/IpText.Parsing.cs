using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Musubi.Linux.Addresses;

/// <summary>The strict parsers; RFC 4291 2.2 for IPv6.</summary>
public static partial class IpText
{
    private static bool TryParseIPv4(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        int octets = 0;
        int digits = 0;
        uint octet = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] == '.')
            {
                if (digits == 0 || ++octets > 4)
                {
                    return false;
                }

                value = (value << 8) | octet;
                digits = 0;
                octet = 0;
            }
            else
            {
                if (!char.IsAsciiDigit(text[i]) || (digits == 1 && octet == 0))
                {
                    return false;
                }

                octet = (octet * 10) + (uint)(text[i] - '0');
                digits++;
                if (octet > 255)
                {
                    return false;
                }
            }
        }

        return octets == 4;
    }

    private static bool TryParseIPv6(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        Span<ushort> groups = stackalloc ushort[8];
        int count = 0;
        int gap = -1;
        int position = 0;
        if (text.StartsWith("::"))
        {
            gap = 0;
            position = 2;
        }

        while (position < text.Length)
        {
            int length = text[position..].IndexOf(':');
            ReadOnlySpan<char> part = length < 0 ? text[position..] : text.Slice(position, length);
            if (length < 0 && part.Contains('.'))
            {
                if (count > 6 || !TryParseIPv4(part, out uint tail))
                {
                    return false;
                }

                groups[count++] = (ushort)(tail >> 16);
                groups[count++] = (ushort)tail;
                break;
            }

            if (count == 8 || !TryParseGroup(part, out groups[count]))
            {
                return false;
            }

            count++;
            if (length < 0)
            {
                break;
            }

            position += length + 1;
            if (position < text.Length && text[position] == ':')
            {
                if (gap >= 0)
                {
                    return false;
                }

                gap = count;
                position++;
            }
            else if (position == text.Length)
            {
                return false;
            }
        }

        if (gap < 0 ? count != 8 : count == 8)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        for (int i = 0; i < count; i++)
        {
            int target = gap >= 0 && i >= gap ? 8 - count + i : i;
            bytes[2 * target] = (byte)(groups[i] >> 8);
            bytes[(2 * target) + 1] = (byte)groups[i];
        }

        address = Normalize(new IPAddress(bytes));
        return true;
    }

    private static bool TryParseGroup(ReadOnlySpan<char> text, out ushort group)
    {
        group = 0;
        if (text.Length is 0 or > 4)
        {
            return false;
        }

        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigit(c))
            {
                return false;
            }

            group = (ushort)((group << 4) | (int)HexValue(c));
        }

        return true;
    }
}
