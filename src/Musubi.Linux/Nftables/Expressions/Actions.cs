using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables.Expressions;

/// <summary>Gives a verdict.</summary>
/// <param name="Verdict">The verdict.</param>
public sealed record NftVerdictExpression(NftVerdict Verdict) : NftExpression
{
    /// <inheritdoc/>
    public override string Name => NftImmediate.ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NftImmediate.NFTA_IMMEDIATE_DREG, 0);
        int data = writer.BeginNest(NftImmediate.NFTA_IMMEDIATE_DATA);
        Verdict.Write(ref writer);
        writer.EndNest(data);
    }
}

/// <summary>Counts packets that come this far.</summary>
/// <param name="Packets">Packets so far.</param>
/// <param name="Bytes">Bytes so far.</param>
public sealed record NftCounter(ulong Packets = 0, ulong Bytes = 0) : NftExpression
{
    internal const string ExpressionName = "counter";
    private const ushort NFTA_COUNTER_BYTES = 1;
    private const ushort NFTA_COUNTER_PACKETS = 2;

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt64BigEndian(NFTA_COUNTER_BYTES, Bytes);
        writer.UInt64BigEndian(NFTA_COUNTER_PACKETS, Packets);
    }

    internal static NftCounter Read(AttributeReader attributes)
    {
        NftCounter counter = new();
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            counter = type switch
            {
                NFTA_COUNTER_BYTES => counter with { Bytes = value.UInt64BigEndian },
                NFTA_COUNTER_PACKETS => counter with { Packets = value.UInt64BigEndian },
                _ => counter,
            };
        }

        return counter;
    }
}

/// <summary>Translates the source or the destination to an address, and a port, in registers.</summary>
/// <param name="Destination">Whether it is the destination (<c>dnat</c>) or the source (<c>snat</c>).</param>
/// <param name="Family">IPv4 or IPv6.</param>
public sealed record NftNat(bool Destination, NftFamily Family) : NftExpression
{
    internal const string ExpressionName = "nat";
    private const ushort NFTA_NAT_TYPE = 1;
    private const ushort NFTA_NAT_FAMILY = 2;
    private const ushort NFTA_NAT_REG_ADDR_MIN = 3;
    private const ushort NFTA_NAT_REG_ADDR_MAX = 4;
    private const ushort NFTA_NAT_REG_PROTO_MIN = 5;
    private const ushort NFTA_NAT_REG_PROTO_MAX = 6;
    private const ushort NFTA_NAT_FLAGS = 7;

    /// <summary>The address, or the lowest of several.</summary>
    public NftRegister? Address { get; init; }

    /// <summary>The highest of several addresses.</summary>
    public NftRegister? HighestAddress { get; init; }

    /// <summary>The port, or the lowest of several.</summary>
    public NftRegister? Port { get; init; }

    /// <summary>The highest of several ports.</summary>
    public NftRegister? HighestPort { get; init; }

    /// <summary>How a port is chosen.</summary>
    public NftNatFlags Flags { get; init; }

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_NAT_TYPE, Destination ? 1u : 0u);
        writer.UInt32BigEndian(NFTA_NAT_FAMILY, (uint)Family);
        NatRegisters.Write(ref writer, NFTA_NAT_REG_ADDR_MIN, Address);
        NatRegisters.Write(ref writer, NFTA_NAT_REG_ADDR_MAX, HighestAddress);
        NatRegisters.Write(ref writer, NFTA_NAT_REG_PROTO_MIN, Port);
        NatRegisters.Write(ref writer, NFTA_NAT_REG_PROTO_MAX, HighestPort);
        NatRegisters.WriteFlags(ref writer, NFTA_NAT_FLAGS, Flags);
    }

    internal static NftNat Read(AttributeReader attributes)
    {
        NftNat nat = new(Destination: false, NftFamily.IPv4);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            uint number = value.UInt32BigEndian;
            nat = type switch
            {
                NFTA_NAT_TYPE => nat with { Destination = number == 1 },
                NFTA_NAT_FAMILY => nat with { Family = (NftFamily)number },
                NFTA_NAT_REG_ADDR_MIN => nat with { Address = NftRegister.Of(number) },
                NFTA_NAT_REG_ADDR_MAX => nat with { HighestAddress = NftRegister.Of(number) },
                NFTA_NAT_REG_PROTO_MIN => nat with { Port = NftRegister.Of(number) },
                NFTA_NAT_REG_PROTO_MAX => nat with { HighestPort = NftRegister.Of(number) },
                NFTA_NAT_FLAGS => nat with { Flags = NatRegisters.ReadFlags(number) },
                _ => nat,
            };
        }

        // The kernel reports one address or port as a range from it to itself.
        return nat with
        {
            HighestAddress = nat.HighestAddress == nat.Address ? null : nat.HighestAddress,
            HighestPort = nat.HighestPort == nat.Port ? null : nat.HighestPort,
        };
    }
}

/// <summary>Translates the source to the address of the interface by which the packet leaves.</summary>
public sealed record NftMasquerade : NftExpression
{
    internal const string ExpressionName = "masq";
    private const ushort NFTA_MASQ_FLAGS = 1;
    private const ushort NFTA_MASQ_REG_PROTO_MIN = 2;
    private const ushort NFTA_MASQ_REG_PROTO_MAX = 3;

    /// <summary>The port, or the lowest of several.</summary>
    public NftRegister? Port { get; init; }

    /// <summary>The highest of several ports.</summary>
    public NftRegister? HighestPort { get; init; }

    /// <summary>How a port is chosen.</summary>
    public NftNatFlags Flags { get; init; }

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        NatRegisters.WriteFlags(ref writer, NFTA_MASQ_FLAGS, Flags);
        NatRegisters.Write(ref writer, NFTA_MASQ_REG_PROTO_MIN, Port);
        NatRegisters.Write(ref writer, NFTA_MASQ_REG_PROTO_MAX, HighestPort);
    }

    internal static NftMasquerade Read(AttributeReader attributes)
    {
        NftMasquerade masquerade = new();
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            uint number = value.UInt32BigEndian;
            masquerade = type switch
            {
                NFTA_MASQ_FLAGS => masquerade with { Flags = NatRegisters.ReadFlags(number) },
                NFTA_MASQ_REG_PROTO_MIN => masquerade with { Port = NftRegister.Of(number) },
                NFTA_MASQ_REG_PROTO_MAX => masquerade with { HighestPort = NftRegister.Of(number) },
                _ => masquerade,
            };
        }

        return masquerade with { HighestPort = masquerade.HighestPort == masquerade.Port ? null : masquerade.HighestPort };
    }
}

/// <summary>Translates the destination to this host.</summary>
public sealed record NftRedirect : NftExpression
{
    internal const string ExpressionName = "redir";
    private const ushort NFTA_REDIR_REG_PROTO_MIN = 1;
    private const ushort NFTA_REDIR_REG_PROTO_MAX = 2;
    private const ushort NFTA_REDIR_FLAGS = 3;

    /// <summary>The port, or the lowest of several.</summary>
    public NftRegister? Port { get; init; }

    /// <summary>The highest of several ports.</summary>
    public NftRegister? HighestPort { get; init; }

    /// <summary>How a port is chosen.</summary>
    public NftNatFlags Flags { get; init; }

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        NatRegisters.Write(ref writer, NFTA_REDIR_REG_PROTO_MIN, Port);
        NatRegisters.Write(ref writer, NFTA_REDIR_REG_PROTO_MAX, HighestPort);
        NatRegisters.WriteFlags(ref writer, NFTA_REDIR_FLAGS, Flags);
    }

    internal static NftRedirect Read(AttributeReader attributes)
    {
        NftRedirect redirect = new();
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            uint number = value.UInt32BigEndian;
            redirect = type switch
            {
                NFTA_REDIR_REG_PROTO_MIN => redirect with { Port = NftRegister.Of(number) },
                NFTA_REDIR_REG_PROTO_MAX => redirect with { HighestPort = NftRegister.Of(number) },
                NFTA_REDIR_FLAGS => redirect with { Flags = NatRegisters.ReadFlags(number) },
                _ => redirect,
            };
        }

        return redirect with { HighestPort = redirect.HighestPort == redirect.Port ? null : redirect.HighestPort };
    }
}

/// <summary>Drops the packet and tells its sender.</summary>
/// <param name="Kind">By what message.</param>
/// <param name="Code">The ICMP message's code.</param>
public sealed record NftReject(NftRejectKind Kind, byte Code = 0) : NftExpression
{
    internal const string ExpressionName = "reject";
    private const ushort NFTA_REJECT_TYPE = 1;
    private const ushort NFTA_REJECT_ICMP_CODE = 2;

    /// <inheritdoc/>
    public override string Name => ExpressionName;

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.UInt32BigEndian(NFTA_REJECT_TYPE, (uint)Kind);
        if (Kind != NftRejectKind.TcpReset)
        {
            writer.UInt8(NFTA_REJECT_ICMP_CODE, Code);
        }
    }

    internal static NftReject Read(AttributeReader attributes)
    {
        NftReject reject = new(NftRejectKind.IcmpUnreachable);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            reject = type switch
            {
                NFTA_REJECT_TYPE => reject with { Kind = (NftRejectKind)value.UInt32BigEndian },
                NFTA_REJECT_ICMP_CODE => reject with { Code = value.UInt8 },
                _ => reject,
            };
        }

        return reject;
    }
}

/// <summary>What the address translations have in common.</summary>
internal static class NatRegisters
{
    /// <summary>Set by the kernel itself when an address or a port is given.</summary>
    private const uint ImpliedFlags = 0x1 | 0x2;

    internal static void Write(ref MessageWriter writer, ushort type, NftRegister? register)
    {
        if (register is { } place)
        {
            writer.UInt32BigEndian(type, place.Number);
        }
    }

    internal static void WriteFlags(ref MessageWriter writer, ushort type, NftNatFlags flags)
    {
        if (flags != NftNatFlags.None)
        {
            writer.UInt32BigEndian(type, (uint)flags);
        }
    }

    internal static NftNatFlags ReadFlags(uint number) => (NftNatFlags)(number & ~ImpliedFlags);
}
