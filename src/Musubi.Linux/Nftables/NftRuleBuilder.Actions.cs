using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Nftables.Expressions;
using Musubi.Linux.Routes;

namespace Musubi.Linux.Nftables;

/// <summary>What a rule does with packets that passed its tests.</summary>
public sealed partial class NftRuleBuilder
{
    private static readonly NftRegister AddressRegister = new(0);
    private static readonly NftRegister PortRegister = new(4);
    private static readonly NftRegister HighestPortRegister = new(8);

    /// <summary><c>counter</c></summary>
    public NftRuleBuilder Counter() => Append(new NftCounter());

    /// <summary>Gives a verdict.</summary>
    public NftRuleBuilder Verdict(NftVerdict verdict) => Append(new NftVerdictExpression(verdict));

    /// <summary><c>accept</c></summary>
    public NftRuleBuilder Accept() => Verdict(NftVerdict.Accept);

    /// <summary><c>drop</c></summary>
    public NftRuleBuilder Drop() => Verdict(NftVerdict.Drop);

    /// <summary><c>return</c></summary>
    public NftRuleBuilder Return() => Verdict(NftVerdict.Return);

    /// <summary><c>jump CHAIN</c></summary>
    public NftRuleBuilder Jump(NftChain chain) => Verdict(NftVerdict.Jump(chain.Name));

    /// <summary><c>goto CHAIN</c></summary>
    public NftRuleBuilder Goto(NftChain chain) => Verdict(NftVerdict.Goto(chain.Name));

    /// <summary><c>meta mark set MARK</c></summary>
    public NftRuleBuilder SetMark(uint mark) =>
        Append(new NftImmediate(NftValue.OfNumber(mark))).Append(new NftMeta(NftMetaKey.Mark) { Sets = true });

    /// <summary><c>ct mark set MARK</c></summary>
    public NftRuleBuilder SetConntrackMark(uint mark) =>
        Append(new NftImmediate(NftValue.OfNumber(mark))).Append(new NftConntrack(NftConntrackKey.Mark) { Sets = true });

    /// <summary><c>dnat to ADDRESS[:PORT]</c></summary>
    public NftRuleBuilder Dnat(IPAddress address, ushort? port = null, NftNatFlags flags = NftNatFlags.None) => Nat(destination: true, address, port, flags);

    /// <summary><c>snat to ADDRESS[:PORT]</c></summary>
    public NftRuleBuilder Snat(IPAddress address, ushort? port = null, NftNatFlags flags = NftNatFlags.None) => Nat(destination: false, address, port, flags);

    /// <summary>
    /// <c>dnat to KEY map @map</c>: to where a map leads; its values are addresses, or addresses with ports (<c>ipv4_addr . inet_service</c>).
    /// </summary>
    public NftRuleBuilder DnatFrom(NftSelector key, NftSet map)
    {
        NftDataType data = map.Data ?? throw new ArgumentException($"{map} leads nowhere: it is no map.", nameof(map));
        NftDataType address = data.Parts.Count > 0 ? data.Parts[0] : data;
        NftFamily family = address == NftDataType.IPv6Address ? NftFamily.IPv6 : NftFamily.IPv4;
        return key.MapWith(map).Append(new NftNat(Destination: true, family)
        {
            Address = AddressRegister,
            Port = data.Parts.Count > 1 ? new NftRegister(address.Length / 4) : null,
        });
    }

    /// <summary><c>dnat to KEY map { … }</c>: the pairs become a map of the rule's own.</summary>
    public NftRuleBuilder DnatFrom(NftSelector key, NftDataType keyType, NftDataType dataType, params NftElement[] elements) =>
        DnatFrom(key, AddAnonymous(keyType, dataType, elements));

    /// <summary><c>masquerade [to :FIRST-LAST]</c></summary>
    public NftRuleBuilder Masquerade(PortRange? ports = null, NftNatFlags flags = NftNatFlags.None)
    {
        (NftRegister? port, NftRegister? highest) = LoadPorts(ports);
        return Append(new NftMasquerade { Port = port, HighestPort = highest, Flags = flags });
    }

    /// <summary><c>redirect [to :PORT]</c></summary>
    public NftRuleBuilder Redirect(ushort? port = null, NftNatFlags flags = NftNatFlags.None)
    {
        (NftRegister? register, _) = LoadPorts(port is { } one ? new PortRange(one) : null);
        return Append(new NftRedirect { Port = register, Flags = flags });
    }

    /// <summary><c>reject</c>: the sender is told that the port is unreachable.</summary>
    public NftRuleBuilder Reject()
    {
        const byte IcmpPort = 3;
        const byte Icmpv6Port = 4;
        const byte IcmpxPort = 1;
        return Append(_family switch
        {
            NftFamily.IPv4 => new NftReject(NftRejectKind.IcmpUnreachable, IcmpPort),
            NftFamily.IPv6 => new NftReject(NftRejectKind.IcmpUnreachable, Icmpv6Port),
            _ => new NftReject(NftRejectKind.IcmpxUnreachable, IcmpxPort),
        });
    }

    /// <summary><c>reject with tcp reset</c></summary>
    public NftRuleBuilder RejectWithTcpReset()
    {
        if (_transport != NftTransport.Tcp)
        {
            _transport = NftTransport.Tcp;
            TransportProtocol().Is(NftValue.OfByte((byte)NftTransport.Tcp));
        }

        return Append(new NftReject(NftRejectKind.TcpReset));
    }

    private NftRuleBuilder Nat(bool destination, IPAddress address, ushort? port, NftNatFlags flags)
    {
        NftFamily family = address.AddressFamily == AddressFamily.InterNetworkV6 ? NftFamily.IPv6 : NftFamily.IPv4;
        RequireNetwork(family);
        Append(new NftImmediate(address) { Register = AddressRegister });
        (NftRegister? register, _) = LoadPorts(port is { } one ? new PortRange(one) : null);
        return Append(new NftNat(destination, family) { Address = AddressRegister, Port = register, Flags = flags });
    }

    private (NftRegister? Port, NftRegister? Highest) LoadPorts(PortRange? ports)
    {
        if (ports is not { } range)
        {
            return (null, null);
        }

        Append(new NftImmediate(range.First) { Register = PortRegister });
        if (range.First == range.Last)
        {
            return (PortRegister, null);
        }

        Append(new NftImmediate(range.Last) { Register = HighestPortRegister });
        return (PortRegister, HighestPortRegister);
    }
}
