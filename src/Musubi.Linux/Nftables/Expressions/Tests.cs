using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables.Expressions;

/// <summary>Goes on if a register compares with a constant as said.</summary>
/// <param name="Register">The register.</param>
/// <param name="Operator">How it must compare.</param>
/// <param name="Value">The constant.</param>
public sealed record NftCompare(NftRegister Register, NftOperator Operator, NftValue Value) : NftExpression
{
    internal const string ExpressionName = "cmp";
    private const ushort NFTA_CMP_SREG = 1;
    private const ushort NFTA_CMP_OP = 2;
    private const ushort NFTA_CMP_DATA = 3;

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_CMP_SREG, Register.Number);
        writer.UInt32BigEndian(NFTA_CMP_OP, (uint)Operator);
        WriteValue(ref writer, NFTA_CMP_DATA, Value);
    }

    internal static NftCompare Read(AttributeReader attributes)
    {
        NftCompare compare = new(default, NftOperator.Equal, default);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            compare = type switch
            {
                NFTA_CMP_SREG => compare with { Register = NftRegister.Of(value.UInt32BigEndian) },
                NFTA_CMP_OP => compare with { Operator = (NftOperator)value.UInt32BigEndian },
                NFTA_CMP_DATA => compare with { Value = ReadValue(value) },
                _ => compare,
            };
        }

        return compare;
    }
}

/// <summary>Goes on if a register lies within two constants, or without.</summary>
/// <param name="Register">The register.</param>
/// <param name="From">The lowest value.</param>
/// <param name="To">The highest value.</param>
/// <param name="Negated">Whether it must lie without.</param>
public sealed record NftRange(NftRegister Register, NftValue From, NftValue To, bool Negated) : NftExpression
{
    internal const string ExpressionName = "range";
    private const ushort NFTA_RANGE_SREG = 1;
    private const ushort NFTA_RANGE_OP = 2;
    private const ushort NFTA_RANGE_FROM_DATA = 3;
    private const ushort NFTA_RANGE_TO_DATA = 4;

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_RANGE_SREG, Register.Number);
        writer.UInt32BigEndian(NFTA_RANGE_OP, Negated ? 1u : 0u);
        WriteValue(ref writer, NFTA_RANGE_FROM_DATA, From);
        WriteValue(ref writer, NFTA_RANGE_TO_DATA, To);
    }

    internal static NftRange Read(AttributeReader attributes)
    {
        NftRange range = new(default, default, default, Negated: false);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            range = type switch
            {
                NFTA_RANGE_SREG => range with { Register = NftRegister.Of(value.UInt32BigEndian) },
                NFTA_RANGE_OP => range with { Negated = value.UInt32BigEndian == 1 },
                NFTA_RANGE_FROM_DATA => range with { From = ReadValue(value) },
                NFTA_RANGE_TO_DATA => range with { To = ReadValue(value) },
                _ => range,
            };
        }

        return range;
    }
}

/// <summary>Changes a register bit by bit: (value and mask) xor the other; in place.</summary>
/// <param name="Register">The register.</param>
/// <param name="Mask">The bits that stay.</param>
/// <param name="Xor">The bits that turn.</param>
public sealed record NftBitwise(NftRegister Register, NftValue Mask, NftValue Xor) : NftExpression
{
    internal const string ExpressionName = "bitwise";
    private const ushort NFTA_BITWISE_SREG = 1;
    private const ushort NFTA_BITWISE_DREG = 2;
    private const ushort NFTA_BITWISE_LEN = 3;
    private const ushort NFTA_BITWISE_MASK = 4;
    private const ushort NFTA_BITWISE_XOR = 5;
    private const ushort NFTA_BITWISE_OP = 6;

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_BITWISE_SREG, Register.Number);
        writer.UInt32BigEndian(NFTA_BITWISE_DREG, Register.Number);
        writer.UInt32BigEndian(NFTA_BITWISE_LEN, (uint)Mask.Length);
        WriteValue(ref writer, NFTA_BITWISE_MASK, Mask);
        WriteValue(ref writer, NFTA_BITWISE_XOR, Xor);
    }

    /// <summary>Null for shifts and for those that write elsewhere.</summary>
    internal static NftBitwise? Read(AttributeReader attributes)
    {
        NftBitwise bitwise = new(default, default, default);
        uint source = 0;
        uint destination = 0;
        uint operation = 0;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case NFTA_BITWISE_SREG: source = value.UInt32BigEndian; break;
                case NFTA_BITWISE_DREG: destination = value.UInt32BigEndian; break;
                case NFTA_BITWISE_OP: operation = value.UInt32BigEndian; break;
                case NFTA_BITWISE_MASK: bitwise = bitwise with { Mask = ReadValue(value) }; break;
                case NFTA_BITWISE_XOR: bitwise = bitwise with { Xor = ReadValue(value) }; break;
            }
        }

        return operation == 0 && source == destination ? bitwise with { Register = NftRegister.Of(source) } : null;
    }
}

/// <summary>Goes on if a register's value is in a set, or not in it; with a map, puts what it leads to into another register or takes it as verdict.</summary>
/// <param name="Register">The register with the key.</param>
/// <param name="Set">The set's name.</param>
public sealed record NftLookup(NftRegister Register, string Set) : NftExpression
{
    internal const string ExpressionName = "lookup";
    private const ushort NFTA_LOOKUP_SET = 1;
    private const ushort NFTA_LOOKUP_SREG = 2;
    private const ushort NFTA_LOOKUP_DREG = 3;
    private const ushort NFTA_LOOKUP_SET_ID = 4;
    private const ushort NFTA_LOOKUP_FLAGS = 5;
    private const uint NFT_LOOKUP_F_INV = 1;
    private const uint NFT_REG_VERDICT = 0;

    /// <summary>Whether the value must not be in the set.</summary>
    public bool Negated { get; init; }

    /// <summary>Where a map's value goes.</summary>
    public NftRegister? Destination { get; init; }

    /// <summary>Whether a verdict map's verdict is taken.</summary>
    public bool IsVerdict { get; init; }

    /// <summary>The number of an anonymous set of the same transaction.</summary>
    internal uint SetId { get; init; }

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.Text(NFTA_LOOKUP_SET, Set);
        if (SetId != 0)
        {
            writer.UInt32BigEndian(NFTA_LOOKUP_SET_ID, SetId);
        }

        writer.UInt32BigEndian(NFTA_LOOKUP_SREG, Register.Number);
        if (IsVerdict)
        {
            writer.UInt32BigEndian(NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
        }
        else if (Destination is { } destination)
        {
            writer.UInt32BigEndian(NFTA_LOOKUP_DREG, destination.Number);
        }

        if (Negated)
        {
            writer.UInt32BigEndian(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
        }
    }

    internal static NftLookup Read(AttributeReader attributes)
    {
        NftLookup lookup = new(default, "");
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            lookup = type switch
            {
                NFTA_LOOKUP_SET => lookup with { Set = value.Text },
                NFTA_LOOKUP_SREG => lookup with { Register = NftRegister.Of(value.UInt32BigEndian) },
                NFTA_LOOKUP_DREG when value.UInt32BigEndian == NFT_REG_VERDICT => lookup with { IsVerdict = true },
                NFTA_LOOKUP_DREG => lookup with { Destination = NftRegister.Of(value.UInt32BigEndian) },
                NFTA_LOOKUP_FLAGS => lookup with { Negated = (value.UInt32BigEndian & NFT_LOOKUP_F_INV) != 0 },
                _ => lookup,
            };
        }

        return lookup;
    }
}
