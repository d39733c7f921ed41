using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables.Expressions;

/// <summary>Reads a rule's expressions.</summary>
internal static class ExpressionReader
{
    internal static List<NftExpression> ReadList(AttributeReader attributes)
    {
        List<NftExpression> expressions = [];
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type == Nft.NFTA_LIST_ELEM)
            {
                expressions.Add(Read(value.Nested));
            }
        }

        return expressions;
    }

    private static NftExpression Read(AttributeReader attributes)
    {
        string name = "";
        Netlink.Attribute data = default;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Nft.NFTA_EXPR_NAME: name = value.Text; break;
                case Nft.NFTA_EXPR_DATA: data = value; break;
            }
        }

        NftExpression? known = name switch
        {
            NftMeta.ExpressionName => NftMeta.Read(data.Nested),
            NftPayload.ExpressionName => NftPayload.Read(data.Nested),
            NftConntrack.ExpressionName => NftConntrack.Read(data.Nested),
            NftFib.ExpressionName => NftFib.Read(data.Nested),
            NftNumberGenerator.ExpressionName => NftNumberGenerator.Read(data.Nested),
            NftImmediate.ExpressionName => NftImmediate.Read(data.Nested),
            NftCompare.ExpressionName => NftCompare.Read(data.Nested),
            NftRange.ExpressionName => NftRange.Read(data.Nested),
            NftBitwise.ExpressionName => NftBitwise.Read(data.Nested),
            NftLookup.ExpressionName => NftLookup.Read(data.Nested),
            NftCounter.ExpressionName => NftCounter.Read(data.Nested),
            NftNat.ExpressionName => NftNat.Read(data.Nested),
            NftMasquerade.ExpressionName => NftMasquerade.Read(data.Nested),
            NftRedirect.ExpressionName => NftRedirect.Read(data.Nested),
            NftReject.ExpressionName => NftReject.Read(data.Nested),
            _ => null,
        };
        return known ?? new NftOther(name, NftValue.Of(data.Bytes));
    }
}
