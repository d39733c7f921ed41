using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Nftables.Expressions;
using Musubi.Linux.Routes;

namespace Musubi.Linux.Nftables;

/// <summary>
/// Puts a rule together, in the order in which it is to be read: <c>r.InputInterface("eth0").TcpDestinationPort(80).Dnat(guest)</c>. Tests of a protocol's
/// fields bring the test for the protocol with them, as nft(8) does it.
/// </summary>
/// <remarks>This file has what is tested; NftRuleBuilder.Actions.cs what is done.</remarks>
public sealed partial class NftRuleBuilder
{
    private const ushort EtherTypeIPv4 = 0x0800;
    private const ushort EtherTypeIPv6 = 0x86dd;
    private const ushort HardwareEthernet = 1;

    private readonly NftFamily _family;
    private readonly List<NftExpression> _expressions = [];
    private readonly NftTransaction? _transaction;
    private NftFamily _network;
    private NftTransport? _transport;
    private bool _isEthernet;

    internal NftRuleBuilder(NftFamily family, NftTransaction? transaction)
    {
        _family = family;
        _transaction = transaction;
        _network = family is NftFamily.IPv4 or NftFamily.IPv6 ? family : NftFamily.Unspecified;
        _isEthernet = family is NftFamily.Bridge or NftFamily.Netdev;
    }

    internal IReadOnlyList<NftExpression> Expressions => _expressions;

    /// <summary>Appends any expression.</summary>
    public NftRuleBuilder Append(NftExpression expression)
    {
        _expressions.Add(expression);
        return this;
    }

    /// <summary><c>iifname</c></summary>
    public NftSelector InputInterface() => Meta(NftMetaKey.InputInterfaceName, NftDataType.InterfaceName);

    /// <summary><c>iifname NAME</c>; a name that ends in <c>*</c> stands for all that begin so.</summary>
    public NftRuleBuilder InputInterface(string name) => InputInterface().Is(NftValue.OfInterface(name));

    /// <summary><c>oifname</c></summary>
    public NftSelector OutputInterface() => Meta(NftMetaKey.OutputInterfaceName, NftDataType.InterfaceName);

    /// <summary><c>oifname NAME</c>; a name that ends in <c>*</c> stands for all that begin so.</summary>
    public NftRuleBuilder OutputInterface(string name) => OutputInterface().Is(NftValue.OfInterface(name));

    /// <summary><c>meta mark</c></summary>
    public NftSelector Mark() => Meta(NftMetaKey.Mark, NftDataType.Mark);

    /// <summary><c>meta l4proto</c></summary>
    public NftSelector TransportProtocol() => Meta(NftMetaKey.TransportProtocol, NftDataType.Protocol);

    /// <summary><c>meta nfproto ipv4|ipv6</c>: packets of one IP version, in tables of both.</summary>
    public NftRuleBuilder NetworkProtocol(AddressFamily family)
    {
        RequireNetwork(family == AddressFamily.InterNetworkV6 ? NftFamily.IPv6 : NftFamily.IPv4);
        return this;
    }

    /// <summary><c>ether saddr</c></summary>
    public NftSelector EtherSource() => Ether(offset: 6, NftDataType.EtherAddress);

    /// <summary><c>ether daddr</c></summary>
    public NftSelector EtherDestination() => Ether(offset: 0, NftDataType.EtherAddress);

    /// <summary><c>ether type</c></summary>
    public NftSelector EtherType() => Ether(offset: 12, NftDataType.EtherType);

    /// <summary><c>ip saddr</c></summary>
    public NftSelector IPv4Source() => Network(NftFamily.IPv4, offset: 12, NftDataType.IPv4Address);

    /// <summary><c>ip daddr</c></summary>
    public NftSelector IPv4Destination() => Network(NftFamily.IPv4, offset: 16, NftDataType.IPv4Address);

    /// <summary><c>ip6 saddr</c></summary>
    public NftSelector IPv6Source() => Network(NftFamily.IPv6, offset: 8, NftDataType.IPv6Address);

    /// <summary><c>ip6 daddr</c></summary>
    public NftSelector IPv6Destination() => Network(NftFamily.IPv6, offset: 24, NftDataType.IPv6Address);

    /// <summary>The source address of a family.</summary>
    public NftSelector Source(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? IPv6Source() : IPv4Source();

    /// <summary>The destination address of a family.</summary>
    public NftSelector Destination(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? IPv6Destination() : IPv4Destination();

    /// <summary><c>ip|ip6 saddr ADDRESS</c></summary>
    public NftRuleBuilder Source(IPAddress address) => Source(address.AddressFamily).Is(address);

    /// <summary><c>ip|ip6 saddr NETWORK</c></summary>
    public NftRuleBuilder Source(Cidr network) => Source(network.Address.AddressFamily).IsWithin(network);

    /// <summary><c>ip|ip6 saddr != NETWORK</c></summary>
    public NftRuleBuilder SourceIsNot(Cidr network) => Source(network.Address.AddressFamily).IsNotWithin(network);

    /// <summary><c>ip|ip6 daddr ADDRESS</c></summary>
    public NftRuleBuilder Destination(IPAddress address) => Destination(address.AddressFamily).Is(address);

    /// <summary><c>ip|ip6 daddr NETWORK</c></summary>
    public NftRuleBuilder Destination(Cidr network) => Destination(network.Address.AddressFamily).IsWithin(network);

    /// <summary><c>ip|ip6 daddr != NETWORK</c></summary>
    public NftRuleBuilder DestinationIsNot(Cidr network) => Destination(network.Address.AddressFamily).IsNotWithin(network);

    /// <summary><c>tcp|udp|sctp sport</c></summary>
    public NftSelector SourcePort(NftTransport transport) => Transport(transport, offset: 0);

    /// <summary><c>tcp|udp|sctp dport</c></summary>
    public NftSelector DestinationPort(NftTransport transport) => Transport(transport, offset: 2);

    /// <summary><c>th dport</c>: the destination port of whatever protocol was tested before.</summary>
    public NftSelector DestinationPort() => Field(new NftPayload(NftPayloadBase.Transport, 2, 2), NftDataType.Service);

    /// <summary><c>tcp dport</c></summary>
    public NftSelector TcpDestinationPort() => DestinationPort(NftTransport.Tcp);

    /// <summary><c>tcp dport PORT</c></summary>
    public NftRuleBuilder TcpDestinationPort(ushort port) => TcpDestinationPort().Is(port);

    /// <summary><c>udp dport</c></summary>
    public NftSelector UdpDestinationPort() => DestinationPort(NftTransport.Udp);

    /// <summary><c>udp dport PORT</c></summary>
    public NftRuleBuilder UdpDestinationPort(ushort port) => UdpDestinationPort().Is(port);

    /// <summary><c>tcp|udp|sctp dport FIRST-LAST</c></summary>
    public NftRuleBuilder DestinationPort(NftTransport transport, PortRange ports) =>
        ports.First == ports.Last ? DestinationPort(transport).Is(ports.First) : DestinationPort(transport).IsBetween(ports.First, ports.Last);

    /// <summary><c>ct state established,related</c></summary>
    public NftRuleBuilder ConntrackState(NftConntrackStates states) =>
        Field(new NftConntrack(NftConntrackKey.State), NftDataType.ConntrackState).HasAny((uint)states);

    /// <summary>
    /// <c>-m conntrack --ctstate RELATED,ESTABLISHED</c> in the form that iptables(8) writes and reads in its own tables, where a rule with
    /// <see cref="ConntrackState"/> would make it refuse the whole table.
    /// </summary>
    public NftRuleBuilder IptablesConntrackState(NftConntrackStates states) => Append(NftIptablesMatch.ConntrackState(states));

    /// <summary><c>ct status dnat</c></summary>
    public NftRuleBuilder ConntrackStatus(NftConntrackStatus status) =>
        Field(new NftConntrack(NftConntrackKey.Status), NftDataType.Integer).HasAny((uint)status);

    /// <summary><c>ct mark</c></summary>
    public NftSelector ConntrackMark() => Field(new NftConntrack(NftConntrackKey.Mark), NftDataType.Mark);

    /// <summary><c>fib daddr type local</c> and the like: what kind of address it is to this host.</summary>
    public NftRuleBuilder FibAddressType(NftFibFlags flags, RouteType type) =>
        Field(new NftFib(NftFibResult.AddressType, flags), NftDataType.Integer).Is(NftValue.OfNumber((uint)type));

    /// <summary><c>numgen random|inc mod N</c>, for maps that spread load.</summary>
    public NftSelector NumberGenerator(uint modulus, bool random = true) => Field(new NftNumberGenerator(modulus, random), NftDataType.Integer);

    internal NftSet AddAnonymousSet(NftDataType type, ReadOnlySpan<NftValue> values)
    {
        NftElement[] elements = new NftElement[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            elements[i] = new NftElement(values[i]);
        }

        return AddAnonymous(type, data: null, elements);
    }

    internal NftSet AddAnonymous(NftDataType type, NftDataType? data, NftElement[] elements) =>
        _transaction?.AddAnonymousSet(type, data, elements)
        ?? throw new InvalidOperationException("A rule with a set of its own can only be made in a transaction.");

    private NftSelector Field(NftLoad load, NftDataType type) => new(this, load, type);

    private NftSelector Meta(NftMetaKey key, NftDataType type) => Field(new NftMeta(key), type);

    private NftSelector Ether(int offset, NftDataType type)
    {
        if (!_isEthernet)
        {
            _isEthernet = true;
            Append(new NftMeta(NftMetaKey.InputInterfaceType))
                .Append(new NftCompare(default, NftOperator.Equal, NftValue.OfNumber(HardwareEthernet)));
        }

        return Field(new NftPayload(NftPayloadBase.Link, offset, type.Length), type);
    }

    private NftSelector Network(NftFamily network, int offset, NftDataType type)
    {
        RequireNetwork(network);
        return Field(new NftPayload(NftPayloadBase.Network, offset, type.Length), type);
    }

    private NftSelector Transport(NftTransport transport, int offset)
    {
        if (_transport != transport)
        {
            _transport = transport;
            TransportProtocol().Is(NftValue.OfByte((byte)transport));
        }

        return Field(new NftPayload(NftPayloadBase.Transport, offset, 2), NftDataType.Service);
    }

    private void RequireNetwork(NftFamily network)
    {
        if (_network == network)
        {
            return;
        }

        if (_network != NftFamily.Unspecified)
        {
            throw new ArgumentException(
                $"A rule for {NftTable.FamilyName(_network)} packets cannot test {NftTable.FamilyName(network)} addresses.", nameof(network));
        }

        _network = network;
        if (_family == NftFamily.Inet)
        {
            Append(new NftMeta(NftMetaKey.NetworkProtocol)).Append(new NftCompare(default, NftOperator.Equal, NftValue.OfByte((byte)network)));
        }
        else
        {
            ushort type = network == NftFamily.IPv6 ? EtherTypeIPv6 : EtherTypeIPv4;
            Append(new NftMeta(NftMetaKey.Protocol)).Append(new NftCompare(default, NftOperator.Equal, NftValue.OfPort(type)));
        }
    }
}

/// <summary>Transport protocols with ports; IP protocol numbers.</summary>
public enum NftTransport : byte
{
    /// <summary>TCP.</summary>
    Tcp = 6,

    /// <summary>UDP.</summary>
    Udp = 17,

    /// <summary>SCTP.</summary>
    Sctp = 132,
}
