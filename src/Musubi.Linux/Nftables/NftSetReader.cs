using System.Diagnostics.CodeAnalysis;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables;

/// <summary>Reads sets and their elements from the kernel's messages.</summary>
internal static class NftSetReader
{
    internal static bool TryReadSet(in NetlinkMessage message, [MaybeNullWhen(false)] out NftSet set)
    {
        set = null;
        if (!NftReader.Is(message, Nft.NFT_MSG_NEWSET))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Nft.Header header);
        string table = "";
        string name = "";
        string? comment = null;
        uint flags = 0;
        uint keyType = 0;
        uint keyLength = 0;
        uint dataType = 0;
        uint dataLength = 0;
        ulong handle = 0;
        ulong timeout = 0;
        int? size = null;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Nft.NFTA_SET_TABLE: table = value.Text; break;
                case Nft.NFTA_SET_NAME: name = value.Text; break;
                case Nft.NFTA_SET_FLAGS: flags = value.UInt32BigEndian; break;
                case Nft.NFTA_SET_KEY_TYPE: keyType = value.UInt32BigEndian; break;
                case Nft.NFTA_SET_KEY_LEN: keyLength = value.UInt32BigEndian; break;
                case Nft.NFTA_SET_DATA_TYPE: dataType = value.UInt32BigEndian; break;
                case Nft.NFTA_SET_DATA_LEN: dataLength = value.UInt32BigEndian; break;
                case Nft.NFTA_SET_HANDLE: handle = value.UInt64BigEndian; break;
                case Nft.NFTA_SET_TIMEOUT: timeout = value.UInt64BigEndian; break;
                case Nft.NFTA_SET_DESC: size = ReadSize(value.Nested); break;
                case Nft.NFTA_SET_USERDATA: comment = NftUserData.ReadText(value.Bytes, NftUserData.SetComment); break;
            }
        }

        set = new NftSet(new NftTable((NftFamily)header.Family, table), name, NftDataType.Of(keyType, (int)keyLength))
        {
            Data = (flags & Nft.NFT_SET_MAP) != 0 ? NftDataType.Of(dataType, (int)dataLength) : null,
            Interval = (flags & Nft.NFT_SET_INTERVAL) != 0,
            Constant = (flags & Nft.NFT_SET_CONSTANT) != 0,
            Anonymous = (flags & Nft.NFT_SET_ANONYMOUS) != 0,
            HasTimeouts = (flags & Nft.NFT_SET_TIMEOUT) != 0,
            Timeout = timeout == 0 ? null : Milliseconds(timeout),
            Size = size,
            Comment = comment,
            Handle = handle,
        };
        return true;
    }

    internal static bool TryReadElements(in NetlinkMessage message, [MaybeNullWhen(false)] out List<RawElement> elements)
    {
        elements = null;
        if (!NftReader.Is(message, Nft.NFT_MSG_NEWSETELEM))
        {
            return false;
        }

        elements = [];
        AttributeReader attributes = message.Attributes(out Nft.Header _);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type != Nft.NFTA_SET_ELEM_LIST_ELEMENTS)
            {
                continue;
            }

            AttributeReader list = value.Nested;
            while (list.TryRead(out _, out Netlink.Attribute item))
            {
                elements.Add(ReadElement(item.Nested));
            }
        }

        return true;
    }

    /// <summary>Joins beginnings and ends of ranges, which the kernel reports as elements of their own.</summary>
    internal static List<NftElement> Join(NftSet set, List<RawElement> raw)
    {
        List<NftElement> elements = new(raw.Count);
        if (!set.Interval || set.Key.Parts.Count > 0)
        {
            foreach (RawElement item in raw)
            {
                elements.Add(item.Element.End == item.Element.Key ? item.Element with { End = null } : item.Element);
            }

            return elements;
        }

        // Ends come before beginnings at the same value: [a, b) and [b, c) touch there.
        raw.Sort(static (a, b) => a.Element.Key.Bytes.SequenceCompareTo(b.Element.Key.Bytes) is var order and not 0
            ? order
            : b.IsEnd.CompareTo(a.IsEnd));
        for (int i = 0; i < raw.Count; i++)
        {
            if (raw[i].IsEnd)
            {
                continue;
            }

            NftElement element = raw[i].Element;
            NftValue last = i + 1 < raw.Count && raw[i + 1].IsEnd ? raw[i + 1].Element.Key.Previous() : element.Key.Highest();
            elements.Add(last == element.Key ? element : element with { End = last });
        }

        return elements;
    }

    private static RawElement ReadElement(AttributeReader attributes)
    {
        NftElement element = default;
        bool isEnd = false;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Nft.NFTA_SET_ELEM_KEY: element = element with { Key = ReadData(value.Nested).Value ?? default }; break;
                case Nft.NFTA_SET_ELEM_KEY_END: element = element with { End = ReadData(value.Nested).Value }; break;
                case Nft.NFTA_SET_ELEM_TIMEOUT: element = element with { Timeout = Milliseconds(value.UInt64BigEndian) }; break;
                case Nft.NFTA_SET_ELEM_EXPIRATION: element = element with { ExpiresIn = Milliseconds(value.UInt64BigEndian) }; break;
                case Nft.NFTA_SET_ELEM_USERDATA: element = element with { Comment = NftUserData.ReadText(value.Bytes) }; break;
                case Nft.NFTA_SET_ELEM_FLAGS: isEnd = (value.UInt32BigEndian & Nft.NFT_SET_ELEM_INTERVAL_END) != 0; break;
                case Nft.NFTA_SET_ELEM_DATA:
                    (NftValue? data, NftVerdict? verdict) = ReadData(value.Nested);
                    element = element with { Value = data, Verdict = verdict };
                    break;
            }
        }

        return new RawElement(element, isEnd);
    }

    private static (NftValue? Value, NftVerdict? Verdict) ReadData(AttributeReader attributes)
    {
        (NftValue? Value, NftVerdict? Verdict) result = default;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Nft.NFTA_DATA_VALUE: result.Value = NftValue.Of(value.Bytes); break;
                case Nft.NFTA_DATA_VERDICT: result.Verdict = NftVerdict.Read(value.Nested); break;
            }
        }

        return result;
    }

    private static int? ReadSize(AttributeReader attributes)
    {
        int? size = null;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type == Nft.NFTA_SET_DESC_SIZE)
            {
                size = (int)value.UInt32BigEndian;
            }
        }

        return size;
    }

    private static TimeSpan Milliseconds(ulong value) => TimeSpan.FromMilliseconds(Math.Min(value, (ulong)TimeSpan.MaxValue.TotalMilliseconds / 2));

    /// <summary>An element as the kernel reports it.</summary>
    internal readonly record struct RawElement(NftElement Element, bool IsEnd);
}
