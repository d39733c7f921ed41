using System.Text;

namespace Musubi.Linux.Dhcp;

/// <summary>Option 119: names as DNS writes them (RFC 3397).</summary>
public static class DhcpDomainSearch
{
    private const int LongestLabel = 63;
    private const int LongestName = 255;

    /// <summary>Writes names without compression; those that are no DNS names are left out.</summary>
    public static byte[] Write(IReadOnlyList<string> searches)
    {
        using MemoryStream bytes = new();
        foreach (string search in searches)
        {
            string[] labels = search.TrimEnd('.').ToLowerInvariant().Split('.');
            if (!labels.All(IsLabel))
            {
                continue;
            }

            foreach (string label in labels)
            {
                bytes.WriteByte((byte)label.Length);
                bytes.Write(Encoding.ASCII.GetBytes(label));
            }

            bytes.WriteByte(0);
        }

        return bytes.ToArray();
    }

    /// <summary>Reads names, compressed or not. What follows a malformed one, and it itself, is left out.</summary>
    public static IReadOnlyList<string> Read(ReadOnlySpan<byte> value)
    {
        List<string> names = [];
        for (int start = 0; start < value.Length;)
        {
            if (ReadName(value, ref start) is not { } name)
            {
                break;
            }

            if (name.Length > 0)
            {
                names.Add(name);
            }
        }

        return names;
    }

    /// <summary>True for the letters a name of the network may have; what a server says ends up in files of the container.</summary>
    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= LongestLabel && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>One name; afterwards <paramref name="position"/> is behind it. Null when it is malformed.</summary>
    private static string? ReadName(ReadOnlySpan<byte> value, ref int position)
    {
        StringBuilder name = new();
        int at = position;
        bool jumped = false;
        while (at < value.Length)
        {
            int length = value[at++];
            if (length == 0)
            {
                position = jumped ? position : at;
                return name.ToString();
            }

            if ((length & 0xc0) == 0xc0)
            {
                // A pointer leads back; one that leads round in a circle ends where the name gets too long.
                if (at >= value.Length || (((length & 0x3f) << 8) | value[at]) is var target && target >= at - 1)
                {
                    return null;
                }

                position = jumped ? position : at + 1;
                jumped = true;
                at = target;
                continue;
            }

            if (length > LongestLabel || at + length > value.Length)
            {
                return null;
            }

            string label = Encoding.ASCII.GetString(value.Slice(at, length));
            if (!IsLabel(label) || name.Length + length + 1 > LongestName)
            {
                return null;
            }

            name.Append(name.Length > 0 ? "." : "").Append(label);
            at += length;
        }

        return null;
    }
}
