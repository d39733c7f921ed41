using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables.Expressions;

/// <summary>Loads what the kernel knows about the packet: <c>meta iifname</c>.</summary>
/// <param name="Key">What.</param>
public sealed record NftMeta(NftMetaKey Key) : NftLoad
{
    internal const string ExpressionName = "meta";
    private const ushort NFTA_META_DREG = 1;
    private const ushort NFTA_META_KEY = 2;
    private const ushort NFTA_META_SREG = 3;

    /// <summary>Whether it sets instead: <c>meta mark set</c>, from the register.</summary>
    public bool Sets { get; init; }

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_META_KEY, (uint)Key);
        writer.UInt32BigEndian(Sets ? NFTA_META_SREG : NFTA_META_DREG, Register.Number);
    }

    internal static NftMeta Read(AttributeReader attributes)
    {
        NftMeta meta = new(NftMetaKey.Length);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            meta = type switch
            {
                NFTA_META_KEY => meta with { Key = (NftMetaKey)value.UInt32BigEndian },
                NFTA_META_DREG => meta with { Register = NftRegister.Of(value.UInt32BigEndian) },
                NFTA_META_SREG => meta with { Register = NftRegister.Of(value.UInt32BigEndian), Sets = true },
                _ => meta,
            };
        }

        return meta;
    }
}

/// <summary>Loads bytes of the packet: <c>ip saddr</c> is 4 bytes at 12 of the network header.</summary>
/// <param name="Base">The header.</param>
/// <param name="Offset">Where in the header.</param>
/// <param name="Length">How many bytes.</param>
public sealed record NftPayload(NftPayloadBase Base, int Offset, int Length) : NftLoad
{
    internal const string ExpressionName = "payload";
    private const ushort NFTA_PAYLOAD_DREG = 1;
    private const ushort NFTA_PAYLOAD_BASE = 2;
    private const ushort NFTA_PAYLOAD_OFFSET = 3;
    private const ushort NFTA_PAYLOAD_LEN = 4;
    private const ushort NFTA_PAYLOAD_SREG = 5;

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_PAYLOAD_DREG, Register.Number);
        writer.UInt32BigEndian(NFTA_PAYLOAD_BASE, (uint)Base);
        writer.UInt32BigEndian(NFTA_PAYLOAD_OFFSET, (uint)Offset);
        writer.UInt32BigEndian(NFTA_PAYLOAD_LEN, (uint)Length);
    }

    /// <summary>Null for those that write into the packet.</summary>
    internal static NftPayload? Read(AttributeReader attributes)
    {
        NftPayload payload = new(NftPayloadBase.Link, 0, 0);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type == NFTA_PAYLOAD_SREG)
            {
                return null;
            }

            payload = type switch
            {
                NFTA_PAYLOAD_DREG => payload with { Register = NftRegister.Of(value.UInt32BigEndian) },
                NFTA_PAYLOAD_BASE => payload with { Base = (NftPayloadBase)value.UInt32BigEndian },
                NFTA_PAYLOAD_OFFSET => payload with { Offset = (int)value.UInt32BigEndian },
                NFTA_PAYLOAD_LEN => payload with { Length = (int)value.UInt32BigEndian },
                _ => payload,
            };
        }

        return payload;
    }
}

/// <summary>Loads what is known about the packet's connection: <c>ct state</c>.</summary>
/// <param name="Key">What.</param>
public sealed record NftConntrack(NftConntrackKey Key) : NftLoad
{
    internal const string ExpressionName = "ct";
    private const ushort NFTA_CT_DREG = 1;
    private const ushort NFTA_CT_KEY = 2;
    private const ushort NFTA_CT_DIRECTION = 3;
    private const ushort NFTA_CT_SREG = 4;

    /// <summary>Which of the connection's directions, for keys that have two: false for the original, true for the reply.</summary>
    public bool? Reply { get; init; }

    /// <summary>Whether it sets instead: <c>ct mark set</c>, from the register.</summary>
    public bool Sets { get; init; }

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_CT_KEY, (uint)Key);
        writer.UInt32BigEndian(Sets ? NFTA_CT_SREG : NFTA_CT_DREG, Register.Number);
        if (Reply is { } reply)
        {
            writer.Bool(NFTA_CT_DIRECTION, reply);
        }
    }

    internal static NftConntrack Read(AttributeReader attributes)
    {
        NftConntrack conntrack = new(NftConntrackKey.State);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            conntrack = type switch
            {
                NFTA_CT_KEY => conntrack with { Key = (NftConntrackKey)value.UInt32BigEndian },
                NFTA_CT_DREG => conntrack with { Register = NftRegister.Of(value.UInt32BigEndian) },
                NFTA_CT_SREG => conntrack with { Register = NftRegister.Of(value.UInt32BigEndian), Sets = true },
                NFTA_CT_DIRECTION => conntrack with { Reply = value.UInt8 != 0 },
                _ => conntrack,
            };
        }

        return conntrack;
    }
}

/// <summary>Loads the result of a route lookup: <c>fib daddr type</c>.</summary>
/// <param name="Result">What of the result.</param>
/// <param name="Flags">What is looked up.</param>
public sealed record NftFib(NftFibResult Result, NftFibFlags Flags) : NftLoad
{
    internal const string ExpressionName = "fib";
    private const ushort NFTA_FIB_DREG = 1;
    private const ushort NFTA_FIB_RESULT = 2;
    private const ushort NFTA_FIB_FLAGS = 3;

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_FIB_FLAGS, (uint)Flags);
        writer.UInt32BigEndian(NFTA_FIB_RESULT, (uint)Result);
        writer.UInt32BigEndian(NFTA_FIB_DREG, Register.Number);
    }

    internal static NftFib Read(AttributeReader attributes)
    {
        NftFib fib = new(NftFibResult.OutputInterface, NftFibFlags.None);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            fib = type switch
            {
                NFTA_FIB_DREG => fib with { Register = NftRegister.Of(value.UInt32BigEndian) },
                NFTA_FIB_RESULT => fib with { Result = (NftFibResult)value.UInt32BigEndian },
                NFTA_FIB_FLAGS => fib with { Flags = (NftFibFlags)value.UInt32BigEndian },
                _ => fib,
            };
        }

        return fib;
    }
}

/// <summary>Loads a number for spreading load: <c>numgen random mod 3</c>.</summary>
/// <param name="Modulus">Numbers are below this.</param>
/// <param name="Random">Random, or counted up.</param>
public sealed record NftNumberGenerator(uint Modulus, bool Random) : NftLoad
{
    internal const string ExpressionName = "numgen";
    private const ushort NFTA_NG_DREG = 1;
    private const ushort NFTA_NG_MODULUS = 2;
    private const ushort NFTA_NG_TYPE = 3;
    private const ushort NFTA_NG_OFFSET = 4;

    /// <summary>Is added to the number.</summary>
    public uint Offset { get; init; }

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_NG_DREG, Register.Number);
        writer.UInt32BigEndian(NFTA_NG_MODULUS, Modulus);
        writer.UInt32BigEndian(NFTA_NG_TYPE, Random ? 1u : 0u);
        writer.UInt32BigEndian(NFTA_NG_OFFSET, Offset);
    }

    internal static NftNumberGenerator Read(AttributeReader attributes)
    {
        NftNumberGenerator generator = new(0, Random: false);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            generator = type switch
            {
                NFTA_NG_DREG => generator with { Register = NftRegister.Of(value.UInt32BigEndian) },
                NFTA_NG_MODULUS => generator with { Modulus = value.UInt32BigEndian },
                NFTA_NG_TYPE => generator with { Random = value.UInt32BigEndian == 1 },
                NFTA_NG_OFFSET => generator with { Offset = value.UInt32BigEndian },
                _ => generator,
            };
        }

        return generator;
    }
}

/// <summary>Puts a constant into a register.</summary>
/// <param name="Value">The constant.</param>
public sealed record NftImmediate(NftValue Value) : NftLoad
{
    internal const string ExpressionName = "immediate";
    internal const ushort NFTA_IMMEDIATE_DREG = 1;
    internal const ushort NFTA_IMMEDIATE_DATA = 2;

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_IMMEDIATE_DREG, Register.Number);
        WriteValue(ref writer, NFTA_IMMEDIATE_DATA, Value);
    }

    /// <summary>A constant, or a verdict: <see cref="NftVerdictExpression"/>.</summary>
    internal static NftExpression Read(AttributeReader attributes)
    {
        uint register = 0;
        NftExpression? result = null;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type == NFTA_IMMEDIATE_DREG)
            {
                register = value.UInt32BigEndian;
            }
            else if (type == NFTA_IMMEDIATE_DATA)
            {
                AttributeReader data = value.Nested;
                while (data.TryRead(out ushort kind, out Netlink.Attribute content))
                {
                    result = kind == Nft.NFTA_DATA_VERDICT
                        ? new NftVerdictExpression(NftVerdict.Read(content.Nested))
                        : new NftImmediate(NftValue.Of(content.Bytes));
                }
            }
        }

        return result is NftImmediate immediate
            ? immediate with { Register = NftRegister.Of(register) }
            : result ?? throw NetlinkException.Malformed("an immediate expression without data");
    }
}
