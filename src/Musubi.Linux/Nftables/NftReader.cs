using System.Diagnostics.CodeAnalysis;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables.Expressions;

namespace Musubi.Linux.Nftables;

/// <summary>Reads tables, chains and rules from the kernel's messages.</summary>
internal static class NftReader
{
    internal static bool Is(in NetlinkMessage message, ushort type) => message.Type == ((Nft.NFNL_SUBSYS_NFTABLES << 8) | type);

    internal static bool TryReadGeneration(in NetlinkMessage message, out uint generation)
    {
        generation = 0;
        if (!Is(message, Nft.NFT_MSG_NEWGEN))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Nft.Header _);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type == Nft.NFTA_GEN_ID)
            {
                generation = value.UInt32BigEndian;
            }
        }

        return true;
    }

    internal static bool TryReadTable(in NetlinkMessage message, [MaybeNullWhen(false)] out NftTable table)
    {
        table = null;
        if (!Is(message, Nft.NFT_MSG_NEWTABLE))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Nft.Header header);
        NftTable result = new((NftFamily)header.Family, "");
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            result = type switch
            {
                Nft.NFTA_TABLE_NAME => result with { Name = value.Text },
                Nft.NFTA_TABLE_FLAGS => result with { Dormant = (value.UInt32BigEndian & 1) != 0 },
                Nft.NFTA_TABLE_HANDLE => result with { Handle = value.UInt64BigEndian },
                Nft.NFTA_TABLE_USERDATA => result with { Comment = NftUserData.ReadText(value.Bytes) },
                _ => result,
            };
        }

        table = result;
        return true;
    }

    internal static bool TryReadChain(in NetlinkMessage message, [MaybeNullWhen(false)] out NftChain chain)
    {
        chain = null;
        if (!Is(message, Nft.NFT_MSG_NEWCHAIN))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Nft.Header header);
        NftFamily family = (NftFamily)header.Family;
        NftChain result = new(new NftTable(family, ""), "");
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            result = type switch
            {
                Nft.NFTA_CHAIN_TABLE => result with { Table = new NftTable(family, value.Text) },
                Nft.NFTA_CHAIN_NAME => result with { Name = value.Text },
                Nft.NFTA_CHAIN_HANDLE => result with { Handle = value.UInt64BigEndian },
                Nft.NFTA_CHAIN_POLICY => result with { Policy = (NftVerdictCode)(int)value.UInt32BigEndian },
                Nft.NFTA_CHAIN_TYPE => result with { Type = TypeOf(value.Text) },
                Nft.NFTA_CHAIN_HOOK => ReadHook(result, family, value.Nested),
                Nft.NFTA_CHAIN_USERDATA => result with { Comment = NftUserData.ReadText(value.Bytes) },
                _ => result,
            };
        }

        chain = result;
        return true;
    }

    internal static bool TryReadRule(in NetlinkMessage message, [MaybeNullWhen(false)] out NftRule rule)
    {
        rule = null;
        if (!Is(message, Nft.NFT_MSG_NEWRULE))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Nft.Header header);
        string table = "";
        string chain = "";
        string? comment = null;
        string? tag = null;
        ulong handle = 0;
        List<NftExpression> expressions = [];
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Nft.NFTA_RULE_TABLE: table = value.Text; break;
                case Nft.NFTA_RULE_CHAIN: chain = value.Text; break;
                case Nft.NFTA_RULE_HANDLE: handle = value.UInt64BigEndian; break;
                case Nft.NFTA_RULE_EXPRESSIONS: expressions = ExpressionReader.ReadList(value.Nested); break;
                case Nft.NFTA_RULE_USERDATA:
                    comment = NftUserData.ReadText(value.Bytes);
                    tag = NftUserData.ReadText(value.Bytes, NftUserData.Tag);
                    break;
            }
        }

        rule = new NftRule(new NftChain(new NftTable((NftFamily)header.Family, table), chain), handle, expressions) { Comment = comment, Tag = tag };
        return true;
    }

    /// <summary>The handle of a rule, without reading the rest.</summary>
    internal static bool TryReadRuleHandle(in NetlinkMessage message, out ulong handle)
    {
        handle = 0;
        if (!Is(message, Nft.NFT_MSG_NEWRULE))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Nft.Header _);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type == Nft.NFTA_RULE_HANDLE)
            {
                handle = value.UInt64BigEndian;
                return true;
            }
        }

        return false;
    }

    private static NftChain ReadHook(NftChain chain, NftFamily family, AttributeReader attributes)
    {
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            chain = type switch
            {
                Nft.NFTA_HOOK_HOOKNUM => chain with { Hook = HookOf(family, value.UInt32BigEndian) },
                Nft.NFTA_HOOK_PRIORITY => chain with { Priority = (int)value.UInt32BigEndian },
                Nft.NFTA_HOOK_DEV => chain with { Device = value.Text },
                _ => chain,
            };
        }

        return chain;
    }

    private static NftHook HookOf(NftFamily family, uint number) =>
        family == NftFamily.Netdev && number == 0 ? NftHook.Ingress : (NftHook)number;

    private static NftChainType TypeOf(string name) => name switch
    {
        "nat" => NftChainType.Nat,
        "route" => NftChainType.Route,
        _ => NftChainType.Filter,
    };
}
