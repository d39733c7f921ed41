using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables;

/// <summary>Sets, maps and their elements.</summary>
public sealed partial class NftTransaction
{
    private uint _lastSetId;
    private NftChain? _chain;

    /// <summary>Adds a set, map or verdict map unless it is there; <c>add set</c>, <c>add map</c>.</summary>
    public NftSet AddSet(NftSet set)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftSetMessages.Create(ref writer, set with { Id = ++_lastSetId }, Create);
        Append(writer, set);
        return set;
    }

    /// <summary>Deletes a set; <c>delete set</c>. EBUSY while rules use it.</summary>
    public void DeleteSet(NftSet set)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftSetMessages.Delete(ref writer, set, flags: 0);
        Append(writer, set);
    }

    /// <summary>Deletes a set, if it is there. Its table must be there, and the set be of this type.</summary>
    public void DeleteSetIfExists(NftSet set)
    {
        AddSet(set);
        DeleteSet(set);
    }

    /// <summary>Adds elements; those that are there already are no error; <c>add element</c>.</summary>
    public void AddElements(NftSet set, params ReadOnlySpan<NftElement> elements) => Elements(Nft.NFT_MSG_NEWSETELEM, set, elements, Create);

    /// <summary>Deletes elements; <c>delete element</c>.</summary>
    public void DeleteElements(NftSet set, params ReadOnlySpan<NftElement> elements) => Elements(Nft.NFT_MSG_DELSETELEM, set, elements, flags: 0);

    /// <summary>Deletes elements that are there. In a map they must lead to where these say.</summary>
    public void DeleteElementsIfExist(NftSet set, params ReadOnlySpan<NftElement> elements)
    {
        AddElements(set, elements);
        DeleteElements(set, elements);
    }

    /// <summary>Deletes all elements; <c>flush set</c>.</summary>
    public void FlushSet(NftSet set)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftSetMessages.Elements(ref writer, Nft.NFT_MSG_DELSETELEM, set, [], flags: 0);
        Append(writer, set);
    }

    /// <summary>A set of the rule that is being built; it must precede the rule in the transaction, as it does here.</summary>
    internal NftSet AddAnonymousSet(NftDataType key, NftDataType? data, NftElement[] elements)
    {
        bool isInterval = Array.Exists(elements, element => element.End is not null);
        NftSet set = new(_chain!.Table, data is null ? "__set%d" : "__map%d", key)
        {
            Data = data,
            Anonymous = true,
            Constant = true,
            Interval = isInterval,
            Size = isInterval ? null : elements.Length,
            Id = ++_lastSetId,
        };
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftSetMessages.Create(ref writer, set, Create);
        Append(writer, set);
        AddElements(set, elements);
        return set;
    }

    private void Elements(ushort message, NftSet set, ReadOnlySpan<NftElement> elements, int flags)
    {
        MessageWriter writer = new(stackalloc byte[2 * MessageWriter.TypicalSize]);
        while (!elements.IsEmpty)
        {
            int count = NftSetMessages.Elements(ref writer, message, set, elements, flags);
            Append(writer, set);
            elements = elements[count..];
            writer.Clear();
        }
    }
}
