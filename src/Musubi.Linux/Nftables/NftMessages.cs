using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables.Expressions;

namespace Musubi.Linux.Nftables;

/// <summary>Writes nf_tables messages.</summary>
internal static class NftMessages
{
    internal static void Begin(ref MessageWriter writer, ushort message, NftFamily family, int flags)
    {
        writer.Begin((ushort)((Nft.NFNL_SUBSYS_NFTABLES << 8) | message), (ushort)flags);
        writer.Struct(new Nft.Header { Family = (byte)family });
    }

    internal static void Batch(ref MessageWriter writer, ushort type, int flags, uint? generation)
    {
        writer.Begin(type, (ushort)flags);
        writer.Struct(new Nft.Header { ResourceBigEndian = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(Nft.NFNL_SUBSYS_NFTABLES) });
        if (generation is { } id)
        {
            writer.UInt32BigEndian(Nft.NFNL_BATCH_GENID, id);
        }

        writer.End();
    }

    internal static void Table(ref MessageWriter writer, ushort message, NftTable table, int flags)
    {
        Begin(ref writer, message, table.Family, flags);
        writer.Text(Nft.NFTA_TABLE_NAME, table.Name);
        if (message == Nft.NFT_MSG_NEWTABLE)
        {
            writer.UInt32BigEndian(Nft.NFTA_TABLE_FLAGS, table.Dormant ? 1u : 0u);
            NftUserData.WriteComment(ref writer, Nft.NFTA_TABLE_USERDATA, table.Comment);
        }

        writer.End();
    }

    internal static void Chain(ref MessageWriter writer, ushort message, NftChain chain, int flags)
    {
        Begin(ref writer, message, chain.Table.Family, flags);
        writer.Text(Nft.NFTA_CHAIN_TABLE, chain.Table.Name);
        writer.Text(Nft.NFTA_CHAIN_NAME, chain.Name);
        if (message == Nft.NFT_MSG_NEWCHAIN)
        {
            if (chain.Hook is { } hook)
            {
                Hook(ref writer, chain, hook);
            }

            NftUserData.WriteComment(ref writer, Nft.NFTA_CHAIN_USERDATA, chain.Comment);
        }

        writer.End();
    }

    /// <summary>A new rule: at the end, or at the front, or beside another one.</summary>
    internal static void Rule(
        ref MessageWriter writer,
        NftChain chain,
        IReadOnlyList<NftExpression> expressions,
        string? comment,
        string? tag,
        int flags,
        ulong? position,
        ulong? replaced)
    {
        Begin(ref writer, Nft.NFT_MSG_NEWRULE, chain.Table.Family, flags);
        writer.Text(Nft.NFTA_RULE_TABLE, chain.Table.Name);
        writer.Text(Nft.NFTA_RULE_CHAIN, chain.Name);
        if (position is { } beside)
        {
            writer.UInt64BigEndian(Nft.NFTA_RULE_POSITION, beside);
        }

        if (replaced is { } handle)
        {
            writer.UInt64BigEndian(Nft.NFTA_RULE_HANDLE, handle);
        }

        int list = writer.BeginNest(Nft.NFTA_RULE_EXPRESSIONS);
        foreach (NftExpression expression in expressions)
        {
            expression.Write(ref writer);
        }

        writer.EndNest(list);
        NftUserData.WriteRule(ref writer, Nft.NFTA_RULE_USERDATA, comment, tag);
        writer.End();
    }

    /// <summary>Deletes or reads rules: one by its handle, or all of a chain or table.</summary>
    internal static void Rules(ref MessageWriter writer, ushort message, NftTable table, string? chain, ulong? handle, int flags)
    {
        Begin(ref writer, message, table.Family, flags);
        writer.Text(Nft.NFTA_RULE_TABLE, table.Name);
        if (chain is not null)
        {
            writer.Text(Nft.NFTA_RULE_CHAIN, chain);
        }

        if (handle is { } number)
        {
            writer.UInt64BigEndian(Nft.NFTA_RULE_HANDLE, number);
        }

        writer.End();
    }

    private static void Hook(ref MessageWriter writer, NftChain chain, NftHook hook)
    {
        // The netdev family counts its hooks by itself.
        uint number = chain.Table.Family == NftFamily.Netdev && hook == NftHook.Ingress ? 0u : (uint)hook;
        int nest = writer.BeginNest(Nft.NFTA_CHAIN_HOOK);
        writer.UInt32BigEndian(Nft.NFTA_HOOK_HOOKNUM, number);
        writer.UInt32BigEndian(Nft.NFTA_HOOK_PRIORITY, (uint)chain.Priority);
        if (chain.Device is { } device)
        {
            writer.Text(Nft.NFTA_HOOK_DEV, device);
        }

        writer.EndNest(nest);
        if (chain.Policy is { } policy)
        {
            writer.UInt32BigEndian(Nft.NFTA_CHAIN_POLICY, (uint)(int)policy);
        }

        writer.Text(Nft.NFTA_CHAIN_TYPE, chain.Type switch
        {
            NftChainType.Nat => "nat",
            NftChainType.Route => "route",
            _ => "filter",
        });
    }
}
