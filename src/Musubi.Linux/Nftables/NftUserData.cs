using System.Text;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables;

/// <summary>The bytes that the kernel keeps for nft(8) beside an object: a list of type, length, value. A comment is one of them.</summary>
internal static class NftUserData
{
    internal const byte Comment = 0;
    internal const byte SetKeyByteOrder = 0;
    internal const byte SetDataByteOrder = 1;
    internal const byte SetComment = 7;

    /// <summary>Ours: nft(8) and iptables(8) pass over types they do not know.</summary>
    internal const byte Tag = 0x6d;

    internal static void WriteComment(ref MessageWriter writer, ushort attribute, string? comment)
    {
        if (comment is not null)
        {
            Span<byte> data = stackalloc byte[256];
            writer.Bytes(attribute, data[..AppendComment(data, 0, Comment, comment)]);
        }
    }

    /// <summary>A rule's comment and tag.</summary>
    internal static void WriteRule(ref MessageWriter writer, ushort attribute, string? comment, string? tag)
    {
        if (comment is null && tag is null)
        {
            return;
        }

        Span<byte> data = stackalloc byte[2 * (Nft.LongestComment + 3)];
        int length = comment is null ? 0 : AppendComment(data, 0, Comment, comment);
        length = tag is null ? length : AppendComment(data, length, Tag, tag);
        if (length > Nft.LongestUserData)
        {
            throw new ArgumentException($"A rule's comment and tag have {length} bytes together; the kernel keeps {Nft.LongestUserData}.", nameof(tag));
        }

        writer.Bytes(attribute, data[..length]);
    }

    internal static int AppendComment(Span<byte> data, int length, byte type, string comment)
    {
        int size = Encoding.UTF8.GetByteCount(comment);
        if (size > Nft.LongestComment)
        {
            throw new ArgumentException($"A comment has at most {Nft.LongestComment} bytes, not {size}: \"{comment}\"", nameof(comment));
        }

        data[length] = type;
        data[length + 1] = (byte)(size + 1);
        Encoding.UTF8.GetBytes(comment, data[(length + 2)..]);
        data[length + 2 + size] = 0;
        return length + 3 + size;
    }

    internal static int AppendNumber(Span<byte> data, int length, byte type, uint value)
    {
        data[length] = type;
        data[length + 1] = 4;
        System.Runtime.InteropServices.MemoryMarshal.Write(data[(length + 2)..], in value);
        return length + 6;
    }

    /// <summary>The text of a type, or null. What is no such list belongs to another program and is left alone.</summary>
    internal static string? ReadText(ReadOnlySpan<byte> data, byte type = Comment)
    {
        while (data.Length >= 2 && data.Length >= 2 + data[1])
        {
            ReadOnlySpan<byte> value = data.Slice(2, data[1]);
            if (data[0] == type)
            {
                return Encoding.UTF8.GetString(value.TrimEnd((byte)0));
            }

            data = data[(2 + value.Length)..];
        }

        return null;
    }
}
