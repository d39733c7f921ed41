using Musubi.Linux.Addresses;

namespace Musubi.Linux.Links;

/// <summary>A link as the kernel describes it; <c>ip -d link show</c>.</summary>
public sealed record LinkInfo
{
    /// <summary>The interface's number in its namespace.</summary>
    public required LinkIndex Index { get; init; }

    /// <summary>The interface's name.</summary>
    public required string Name { get; init; }

    /// <summary>Other names it is known by.</summary>
    public IReadOnlyList<string> AlternativeNames { get; init; } = [];

    /// <summary>What made it: <c>veth</c>, <c>bridge</c>, <c>tun</c> …; null for hardware and <c>lo</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>Flags as <c>ip link</c> shows them.</summary>
    public LinkFlags Flags { get; init; }

    /// <summary>Whether it was set up.</summary>
    public bool AdminUp => (Flags & LinkFlags.Up) != LinkFlags.None;

    /// <summary>Whether it can pass packets.</summary>
    public OperationalState OperationalState { get; init; }

    /// <summary>Whether a signal, a cable's other end or a reader is there.</summary>
    public bool Carrier { get; init; }

    /// <summary>Largest packet in bytes, without the Ethernet header.</summary>
    public int MtuBytes { get; init; }

    /// <summary>The smallest MTU it accepts.</summary>
    public int MinMtuBytes { get; init; }

    /// <summary>The largest MTU it accepts, 0 when there is no limit.</summary>
    public int MaxMtuBytes { get; init; }

    /// <summary>Ethernet address; null for links without one.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The address the hardware came with.</summary>
    public MacAddress? PermanentMac { get; init; }

    /// <summary>The bridge it is a port of.</summary>
    public LinkIndex? Master { get; init; }

    /// <summary>The link it sits on, or a veth's other end; an index in that link's namespace.</summary>
    public LinkIndex? PeerIndex { get; init; }

    /// <summary>The number by which this namespace knows the one of <see cref="PeerIndex"/>; null when it is this one.</summary>
    public int? PeerNamespaceId { get; init; }

    /// <summary>How many users need it to be promiscuous.</summary>
    public int Promiscuity { get; init; }

    /// <summary>Group number.</summary>
    public uint Group { get; init; }

    /// <summary>Packets that may wait for sending.</summary>
    public int TxQueueLength { get; init; }

    /// <summary>Number of transmit queues.</summary>
    public int TxQueues { get; init; }

    /// <summary>Free text shown beside the link.</summary>
    public string? Alias { get; init; }

    /// <summary>Options, if it is a bridge.</summary>
    public BridgeDetails? Bridge { get; init; }

    /// <summary>Options, if it is a bridge's port.</summary>
    public BridgePortDetails? BridgePort { get; init; }

    /// <summary>Options, if it is a macvlan.</summary>
    public MacvlanDetails? Macvlan { get; init; }

    /// <summary>Options, if it is a vlan.</summary>
    public VlanDetails? Vlan { get; init; }

    /// <summary>The mode, if it is an ipvlan.</summary>
    public IpvlanMode? IpvlanMode { get; init; }

    /// <summary>The routing table, if it is a vrf.</summary>
    public uint? VrfTable { get; init; }

    /// <summary>Counters.</summary>
    public LinkStatistics Statistics { get; init; }
}

/// <summary>A bridge's options.</summary>
public sealed record BridgeDetails
{
    /// <summary>Spanning tree protocol.</summary>
    public bool Stp { get; init; }

    /// <summary>Time in the listening and in the learning state.</summary>
    public TimeSpan ForwardDelay { get; init; }

    /// <summary>Time between hello packets.</summary>
    public TimeSpan HelloTime { get; init; }

    /// <summary>Longest age of a message.</summary>
    public TimeSpan MaxAge { get; init; }

    /// <summary>How long a learnt address is kept.</summary>
    public TimeSpan AgeingTime { get; init; }

    /// <summary>Bridge priority in the spanning tree.</summary>
    public ushort Priority { get; init; }

    /// <summary>Whether ports have VLAN memberships.</summary>
    public bool VlanFiltering { get; init; }

    /// <summary>The tag by which VLANs are told.</summary>
    public VlanProtocol VlanProtocol { get; init; } = VlanProtocol.Dot1Q;

    /// <summary>The VLAN that new ports get untagged; 0 for none.</summary>
    public ushort VlanDefaultPvid { get; init; }

    /// <summary>Which link-local groups are forwarded.</summary>
    public ushort GroupForwardMask { get; init; }

    /// <summary>Whether multicast goes only to ports that asked for it.</summary>
    public bool MulticastSnooping { get; init; }

    /// <summary>Whether the bridge asks for multicast members itself.</summary>
    public bool MulticastQuerier { get; init; }
}

/// <summary>A bridge port's options.</summary>
public sealed record BridgePortDetails
{
    /// <summary>State in the spanning tree.</summary>
    public BridgePortState State { get; init; }

    /// <summary>Whether frames may leave by the port they came in.</summary>
    public bool Hairpin { get; init; }

    /// <summary>Whether it exchanges frames only with ports that are not isolated.</summary>
    public bool Isolated { get; init; }

    /// <summary>Whether source addresses are learnt here.</summary>
    public bool Learning { get; init; }

    /// <summary>Whether frames for unknown addresses go out here.</summary>
    public bool UnicastFlood { get; init; }

    /// <summary>Whether multicast without known members goes out here.</summary>
    public bool MulticastFlood { get; init; }

    /// <summary>Whether broadcast goes out here.</summary>
    public bool BroadcastFlood { get; init; }

    /// <summary>Whether bridge protocol packets are refused here.</summary>
    public bool BpduGuard { get; init; }

    /// <summary>Whether ARP and neighbour discovery are answered by the bridge.</summary>
    public bool NeighbourSuppression { get; init; }

    /// <summary>Priority in the spanning tree.</summary>
    public ushort Priority { get; init; }

    /// <summary>Path cost in the spanning tree.</summary>
    public uint Cost { get; init; }
}

/// <summary>A macvlan's options.</summary>
/// <param name="Mode">How the interfaces of one lower link see each other.</param>
/// <param name="BroadcastQueueLength">Broadcast frames that may wait.</param>
public sealed record MacvlanDetails(MacvlanMode Mode, uint BroadcastQueueLength);

/// <summary>A vlan's options.</summary>
/// <param name="Id">The VLAN.</param>
/// <param name="Protocol">The tag's Ethernet type.</param>
public sealed record VlanDetails(int Id, VlanProtocol Protocol);

/// <summary>A link's counters since it was made.</summary>
/// <param name="RxPackets">Packets received.</param>
/// <param name="TxPackets">Packets sent.</param>
/// <param name="RxBytes">Bytes received.</param>
/// <param name="TxBytes">Bytes sent.</param>
/// <param name="RxErrors">Packets received in error.</param>
/// <param name="TxErrors">Packets not sent because of an error.</param>
/// <param name="RxDropped">Received packets that were dropped.</param>
/// <param name="TxDropped">Packets dropped instead of sent.</param>
public readonly record struct LinkStatistics(
    ulong RxPackets,
    ulong TxPackets,
    ulong RxBytes,
    ulong TxBytes,
    ulong RxErrors,
    ulong TxErrors,
    ulong RxDropped,
    ulong TxDropped);

/// <summary>Flags of a link; netdevice(7).</summary>
[Flags]
public enum LinkFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Set up.</summary>
    Up = 0x1,

    /// <summary>Can broadcast.</summary>
    Broadcast = 0x2,

    /// <summary>Is the loopback.</summary>
    Loopback = 0x8,

    /// <summary>Has one other end.</summary>
    PointToPoint = 0x10,

    /// <summary>Can pass packets.</summary>
    Running = 0x40,

    /// <summary>Does no ARP.</summary>
    NoArp = 0x80,

    /// <summary>Was set to take in frames addressed to others.</summary>
    Promiscuous = 0x100,

    /// <summary>Was set to take in all multicast frames.</summary>
    AllMulticast = 0x200,

    /// <summary>Can multicast.</summary>
    Multicast = 0x1000,

    /// <summary>The lower layer is up.</summary>
    LowerUp = 0x10000,
}

/// <summary>Whether a link can pass packets; RFC 2863.</summary>
public enum OperationalState
{
    /// <summary>The driver does not say.</summary>
    Unknown = 0,

    /// <summary>Not there.</summary>
    NotPresent = 1,

    /// <summary>No.</summary>
    Down = 2,

    /// <summary>No, because the link below is down.</summary>
    LowerLayerDown = 3,

    /// <summary>Being tested.</summary>
    Testing = 4,

    /// <summary>Waiting for something outside.</summary>
    Dormant = 5,

    /// <summary>Yes.</summary>
    Up = 6,
}

/// <summary>A bridge port's state in the spanning tree.</summary>
public enum BridgePortState
{
    /// <summary>Off.</summary>
    Disabled = 0,

    /// <summary>Listening for other bridges.</summary>
    Listening = 1,

    /// <summary>Learning addresses.</summary>
    Learning = 2,

    /// <summary>Passing frames.</summary>
    Forwarding = 3,

    /// <summary>Closed to prevent a loop.</summary>
    Blocking = 4,
}
