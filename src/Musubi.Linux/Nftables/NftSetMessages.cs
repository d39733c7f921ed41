using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables;

/// <summary>Writes messages about sets and their elements.</summary>
internal static class NftSetMessages
{
    private const uint ByteOrderHost = 1;
    private const uint ByteOrderNetwork = 2;

    internal static void Create(ref MessageWriter writer, NftSet set, int flags)
    {
        NftMessages.Begin(ref writer, Nft.NFT_MSG_NEWSET, set.Table.Family, flags);
        writer.Text(Nft.NFTA_SET_TABLE, set.Table.Name);
        writer.Text(Nft.NFTA_SET_NAME, set.Name);
        writer.UInt32BigEndian(Nft.NFTA_SET_FLAGS, FlagsOf(set));
        writer.UInt32BigEndian(Nft.NFTA_SET_KEY_TYPE, set.Key.Id);
        writer.UInt32BigEndian(Nft.NFTA_SET_KEY_LEN, (uint)set.Key.Length);
        if (set.Data is { } data)
        {
            writer.UInt32BigEndian(Nft.NFTA_SET_DATA_TYPE, data.Id);
            writer.UInt32BigEndian(Nft.NFTA_SET_DATA_LEN, (uint)data.Length);
        }

        writer.UInt32BigEndian(Nft.NFTA_SET_ID, set.Id);
        Description(ref writer, set);
        if (set.Timeout is { } timeout)
        {
            writer.UInt64BigEndian(Nft.NFTA_SET_TIMEOUT, (ulong)timeout.TotalMilliseconds);
        }

        UserData(ref writer, set);
        writer.End();
    }

    internal static void Delete(ref MessageWriter writer, NftSet set, int flags)
    {
        NftMessages.Begin(ref writer, Nft.NFT_MSG_DELSET, set.Table.Family, flags);
        writer.Text(Nft.NFTA_SET_TABLE, set.Table.Name);
        writer.Text(Nft.NFTA_SET_NAME, set.Name);
        writer.End();
    }

    /// <summary>
    /// Writes as many elements as one message may hold, and answers how many that were. Without elements: all of them, for a flush or a dump.
    /// </summary>
    internal static int Elements(ref MessageWriter writer, ushort message, NftSet set, scoped ReadOnlySpan<NftElement> elements, int flags)
    {
        const int MostBytes = 32 * 1024;
        NftMessages.Begin(ref writer, message, set.Table.Family, flags);
        writer.Text(Nft.NFTA_SET_ELEM_LIST_TABLE, set.Table.Name);
        writer.Text(Nft.NFTA_SET_ELEM_LIST_SET, set.Name);
        if (set.Id != 0)
        {
            writer.UInt32BigEndian(Nft.NFTA_SET_ELEM_LIST_SET_ID, set.Id);
        }

        int count = 0;
        if (!elements.IsEmpty)
        {
            int list = writer.BeginNest(Nft.NFTA_SET_ELEM_LIST_ELEMENTS);
            for (int start = writer.Length; count < elements.Length && writer.Length - start < MostBytes; count++)
            {
                Element(ref writer, set, elements[count]);
            }

            writer.EndNest(list);
        }

        writer.End();
        return count;
    }

    private static void Element(ref MessageWriter writer, NftSet set, in NftElement element)
    {
        if (element.Key.Length != set.Key.Length || (element.End is { } last && last.Length != set.Key.Length))
        {
            throw new ArgumentException($"{set} has keys of {set.Key.Length} bytes ({set.Key}); {element.Key} has {element.Key.Length}.", nameof(element));
        }

        int item = writer.BeginNest(Nft.NFTA_LIST_ELEM);
        Value(ref writer, Nft.NFTA_SET_ELEM_KEY, element.Key);
        bool isConcat = set.Key.Parts.Count > 0;
        if (set.Interval && isConcat)
        {
            Value(ref writer, Nft.NFTA_SET_ELEM_KEY_END, element.End ?? element.Key);
        }

        if (element.Verdict is { } verdict)
        {
            int data = writer.BeginNest(Nft.NFTA_SET_ELEM_DATA);
            verdict.Write(ref writer);
            writer.EndNest(data);
        }
        else if (element.Value is { } value)
        {
            Value(ref writer, Nft.NFTA_SET_ELEM_DATA, value);
        }

        if (element.Timeout is { } timeout)
        {
            writer.UInt64BigEndian(Nft.NFTA_SET_ELEM_TIMEOUT, (ulong)timeout.TotalMilliseconds);
        }

        NftUserData.WriteComment(ref writer, Nft.NFTA_SET_ELEM_USERDATA, element.Comment);
        writer.EndNest(item);

        // A range of single fields is two elements: where it begins, and what comes after its end. The last possible one needs no end.
        if (set.Interval && !isConcat && (element.End ?? element.Key).Next() is { } after)
        {
            item = writer.BeginNest(Nft.NFTA_LIST_ELEM);
            Value(ref writer, Nft.NFTA_SET_ELEM_KEY, after);
            writer.UInt32BigEndian(Nft.NFTA_SET_ELEM_FLAGS, Nft.NFT_SET_ELEM_INTERVAL_END);
            writer.EndNest(item);
        }
    }

    private static void Value(ref MessageWriter writer, ushort type, NftValue value)
    {
        int nest = writer.BeginNest(type);
        writer.Bytes(Nft.NFTA_DATA_VALUE, value.Bytes);
        writer.EndNest(nest);
    }

    private static uint FlagsOf(NftSet set) =>
        (set.Anonymous ? Nft.NFT_SET_ANONYMOUS : 0)
        | (set.Constant || set.Anonymous ? Nft.NFT_SET_CONSTANT : 0)
        | (set.Interval ? Nft.NFT_SET_INTERVAL : 0)
        | (set.Data is null ? 0 : Nft.NFT_SET_MAP)
        | (set.HasTimeouts || set.Timeout is not null ? Nft.NFT_SET_TIMEOUT : 0)
        | (set.Key.Parts.Count > 0 ? Nft.NFT_SET_CONCAT : 0);

    private static void Description(ref MessageWriter writer, NftSet set)
    {
        if (set.Size is null && set.Key.Parts.Count == 0)
        {
            return;
        }

        int description = writer.BeginNest(Nft.NFTA_SET_DESC);
        if (set.Size is int size)
        {
            writer.UInt32BigEndian(Nft.NFTA_SET_DESC_SIZE, (uint)size);
        }

        if (set.Key.Parts.Count > 0)
        {
            int fields = writer.BeginNest(Nft.NFTA_SET_DESC_CONCAT);
            foreach (NftDataType part in set.Key.Parts)
            {
                int field = writer.BeginNest(Nft.NFTA_LIST_ELEM);
                writer.UInt32BigEndian(Nft.NFTA_SET_FIELD_LEN, (uint)part.Length);
                writer.EndNest(field);
            }

            writer.EndNest(fields);
        }

        writer.EndNest(description);
    }

    private static void UserData(ref MessageWriter writer, NftSet set)
    {
        Span<byte> data = stackalloc byte[256];
        int length = 0;
        if (set.Key.Parts.Count == 0)
        {
            length = NftUserData.AppendNumber(data, length, NftUserData.SetKeyByteOrder, set.Key.IsNetworkOrder ? ByteOrderNetwork : ByteOrderHost);
        }

        if (set.Data is { Parts.Count: 0 } value && value != NftDataType.Verdict)
        {
            length = NftUserData.AppendNumber(data, length, NftUserData.SetDataByteOrder, value.IsNetworkOrder ? ByteOrderNetwork : ByteOrderHost);
        }

        if (set.Comment is { } comment)
        {
            length = NftUserData.AppendComment(data, length, NftUserData.SetComment, comment);
        }

        if (length > 0)
        {
            writer.Bytes(Nft.NFTA_SET_USERDATA, data[..length]);
        }
    }
}
