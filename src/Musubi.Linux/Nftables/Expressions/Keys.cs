namespace Musubi.Linux.Nftables.Expressions;

/// <summary>What the kernel knows about a packet; its numbers.</summary>
public enum NftMetaKey
{
    /// <summary>Length in bytes.</summary>
    Length = 0,

    /// <summary>Ethernet type.</summary>
    Protocol = 1,

    /// <summary>Packet mark.</summary>
    Mark = 3,

    /// <summary>Index of the interface it came by.</summary>
    InputInterfaceIndex = 4,

    /// <summary>Index of the interface it leaves by.</summary>
    OutputInterfaceIndex = 5,

    /// <summary>Name of the interface it came by.</summary>
    InputInterfaceName = 6,

    /// <summary>Name of the interface it leaves by.</summary>
    OutputInterfaceName = 7,

    /// <summary>Hardware type of the interface it came by.</summary>
    InputInterfaceType = 8,

    /// <summary>Hardware type of the interface it leaves by.</summary>
    OutputInterfaceType = 9,

    /// <summary>User of the socket.</summary>
    SocketUser = 10,

    /// <summary>IP version as family number.</summary>
    NetworkProtocol = 15,

    /// <summary>Transport protocol.</summary>
    TransportProtocol = 16,

    /// <summary>Name of the bridge it came by (bridge family).</summary>
    InputBridgeName = 17,

    /// <summary>Name of the bridge it leaves by (bridge family).</summary>
    OutputBridgeName = 18,

    /// <summary>Unicast, broadcast or multicast.</summary>
    PacketType = 19,

    /// <summary>Group of the interface it came by.</summary>
    InputInterfaceGroup = 21,

    /// <summary>Group of the interface it leaves by.</summary>
    OutputInterfaceGroup = 22,
}

/// <summary>The header an offset counts from.</summary>
public enum NftPayloadBase
{
    /// <summary>Ethernet.</summary>
    Link = 0,

    /// <summary>IP or ARP.</summary>
    Network = 1,

    /// <summary>TCP, UDP and the like.</summary>
    Transport = 2,
}

/// <summary>What is known about a connection; the kernel's numbers.</summary>
public enum NftConntrackKey
{
    /// <summary>State of the packet.</summary>
    State = 0,

    /// <summary>Original or reply.</summary>
    Direction = 1,

    /// <summary>Status flags.</summary>
    Status = 2,

    /// <summary>Connection mark.</summary>
    Mark = 3,

    /// <summary>Source address.</summary>
    Source = 8,

    /// <summary>Destination address.</summary>
    Destination = 9,

    /// <summary>Transport protocol.</summary>
    Protocol = 10,

    /// <summary>Source port.</summary>
    SourcePort = 11,

    /// <summary>Destination port.</summary>
    DestinationPort = 12,

    /// <summary>Source address (IPv4).</summary>
    SourceIPv4 = 19,

    /// <summary>Destination address (IPv4).</summary>
    DestinationIPv4 = 20,

    /// <summary>Source address (IPv6).</summary>
    SourceIPv6 = 21,

    /// <summary>Destination address (IPv6).</summary>
    DestinationIPv6 = 22,
}

/// <summary>State of a packet within its connection.</summary>
[Flags]
public enum NftConntrackStates : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Belongs to no connection.</summary>
    Invalid = 1,

    /// <summary>Of a connection that was answered.</summary>
    Established = 2,

    /// <summary>Begins a connection that belongs to another.</summary>
    Related = 4,

    /// <summary>Begins a connection.</summary>
    New = 8,

    /// <summary>Was not tracked.</summary>
    Untracked = 64,
}

/// <summary>What a connection went through (<c>ct status</c>).</summary>
[Flags]
public enum NftConntrackStatus : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Its source is translated.</summary>
    SourceNat = 1 << 4,

    /// <summary>Its destination is translated.</summary>
    DestinationNat = 1 << 5,
}

/// <summary>What of a route lookup's result.</summary>
public enum NftFibResult
{
    /// <summary>Index of the interface.</summary>
    OutputInterface = 1,

    /// <summary>Name of the interface.</summary>
    OutputInterfaceName = 2,

    /// <summary>Type of the address; <see cref="Routes.RouteType"/>.</summary>
    AddressType = 3,
}

/// <summary>What is looked up.</summary>
[Flags]
public enum NftFibFlags : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The source address.</summary>
    Source = 1,

    /// <summary>The destination address.</summary>
    Destination = 2,

    /// <summary>With the mark.</summary>
    Mark = 4,

    /// <summary>With the interface it came by.</summary>
    InputInterface = 8,

    /// <summary>With the interface it leaves by.</summary>
    OutputInterface = 16,

    /// <summary>Only whether there is a result.</summary>
    Present = 32,
}

/// <summary>How values compare.</summary>
public enum NftOperator
{
    /// <summary>Equal.</summary>
    Equal = 0,

    /// <summary>Not equal.</summary>
    NotEqual = 1,

    /// <summary>Less.</summary>
    Less = 2,

    /// <summary>Less or equal.</summary>
    LessOrEqual = 3,

    /// <summary>Greater.</summary>
    Greater = 4,

    /// <summary>Greater or equal.</summary>
    GreaterOrEqual = 5,
}

/// <summary>How address translation chooses.</summary>
[Flags]
public enum NftNatFlags : uint
{
    /// <summary>As it likes.</summary>
    None = 0,

    /// <summary>A random port.</summary>
    Random = 4,

    /// <summary>The same address for the same client.</summary>
    Persistent = 8,

    /// <summary>A random port without regard to the old one.</summary>
    FullyRandom = 16,
}

/// <summary>By what message a sender is told.</summary>
public enum NftRejectKind
{
    /// <summary>ICMP or ICMPv6 destination unreachable, with the family's own code.</summary>
    IcmpUnreachable = 0,

    /// <summary>A TCP reset.</summary>
    TcpReset = 1,

    /// <summary>ICMP or ICMPv6 destination unreachable, in tables of both families.</summary>
    IcmpxUnreachable = 2,
}
