using System.Runtime.InteropServices;
using System.Text;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables;

/// <summary>
/// Puts nf_tables' refusals into words. It seldom says more than an error number and where the offending attribute is; in a rule that tells
/// which expression the kernel stumbled over.
/// </summary>
internal static class NftErrors
{
    internal static NetlinkException Explain(ReadOnlySpan<byte> messages, List<NftOperation> operations, int index, NetlinkAcknowledgement acknowledgement)
    {
        NftOperation operation = operations[index];
        ReadOnlySpan<byte> message = messages[operation.Start..];
        ushort type = MemoryMarshal.Read<NetlinkHeader>(message).Type;
        string? text = acknowledgement.Message;
        if ((type & 0xff) == Nft.NFT_MSG_NEWRULE && ExpressionAt(message, acknowledgement.Offset) is { } expression)
        {
            text ??= acknowledgement.Errno is Errno.ENOENT or Errno.EOPNOTSUPP
                ? $"the kernel has no expression \"{expression}\" for this family, or what it refers to is missing"
                : $"expression \"{expression}\" was refused";
        }
        else if (acknowledgement.Errno == Errno.ENOENT)
        {
            text ??= "the table, chain, set or handle it refers to is missing";
        }

        return new NetlinkException(Nft.NameOf(type), operation.Subject, acknowledgement.Errno, text, acknowledgement.Offset, index);
    }

    /// <summary>The expression an offset points to, which is its element of the list or lies within.</summary>
    private static string? ExpressionAt(ReadOnlySpan<byte> message, int? offset)
    {
        if (offset is not int target)
        {
            return null;
        }

        int length = (int)MemoryMarshal.Read<NetlinkHeader>(message).Length;
        int position = NetlinkHeader.Size + 4;
        while (TryHeader(message[..length], position, out ushort type, out int size))
        {
            if (type == Nft.NFTA_RULE_EXPRESSIONS)
            {
                return ElementAt(message[..(position + size)], position + 4, target);
            }

            position += NetlinkProtocol.Align(size);
        }

        return null;
    }

    private static string? ElementAt(ReadOnlySpan<byte> message, int position, int target)
    {
        while (TryHeader(message, position, out _, out int size))
        {
            if (target >= position && target < position + size && TryHeader(message, position + 4, out ushort type, out int nameSize)
                && type == Nft.NFTA_EXPR_NAME)
            {
                return Encoding.UTF8.GetString(message.Slice(position + 8, nameSize - 5));
            }

            position += NetlinkProtocol.Align(size);
        }

        return null;
    }

    private static bool TryHeader(ReadOnlySpan<byte> message, int position, out ushort type, out int size)
    {
        type = 0;
        size = 0;
        if (position + 4 > message.Length)
        {
            return false;
        }

        size = MemoryMarshal.Read<ushort>(message[position..]);
        type = (ushort)(MemoryMarshal.Read<ushort>(message[(position + 2)..]) & NetlinkProtocol.NLA_TYPE_MASK);
        return size >= 4 && position + size <= message.Length;
    }
}
