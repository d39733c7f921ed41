using Musubi.Linux.Addresses;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>A link to create; <c>ip link add</c>. Members that are null are left to the kernel.</summary>
/// <param name="Name">The interface's name, 1 to 15 bytes.</param>
public abstract record LinkSpec(string Name)
{
    /// <summary>Largest packet in bytes, without the Ethernet header.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>Ethernet address; the kernel makes one up when null.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The namespace to create it in, when that is not the socket's own. It must stay open until the request is done.</summary>
    public NetworkNamespace? Namespace { get; init; }

    /// <summary>The bridge to make it a port of, in the link's own namespace.</summary>
    public LinkIndex? Master { get; init; }

    /// <summary>Whether it starts up.</summary>
    public bool? AdminUp { get; init; }

    /// <summary>Packets that may wait for sending.</summary>
    public int? TxQueueLength { get; init; }

    /// <summary>Group number, by which links can be handled together.</summary>
    public uint? Group { get; init; }

    /// <summary>Number of transmit and receive queues.</summary>
    public int? Queues { get; init; }

    /// <summary>The index to give it; EBUSY when that is taken.</summary>
    public LinkIndex? Index { get; init; }

    internal abstract string Kind { get; }

    /// <summary>The link this one sits on (IFLA_LINK).</summary>
    internal virtual LinkIndex? LowerLink => null;

    /// <summary>Kind and name.</summary>
    public sealed override string ToString() => $"{Kind} {Name}";

    /// <summary>Writes what belongs to the kind into IFLA_INFO_DATA.</summary>
    internal virtual void WriteOptions(ref MessageWriter writer)
    {
    }
}

/// <summary>A pair of interfaces joined by a cable, both made at once in their places; <c>ip link add NAME type veth peer name PEER</c>.</summary>
/// <param name="Name">The end in the socket's (or <see cref="LinkSpec.Namespace"/>'s) namespace.</param>
/// <param name="PeerName">The other end. It starts down: the kernel cannot set it up before the pair is joined.</param>
public sealed record VethLink(string Name, string PeerName) : LinkSpec(Name)
{
    /// <summary>Where the peer is made, when that is not the socket's own namespace. It must stay open until the request is done.</summary>
    public NetworkNamespace? PeerNamespace { get; init; }

    /// <summary>The peer's Ethernet address.</summary>
    public MacAddress? PeerMac { get; init; }

    /// <summary>The peer's MTU; when null, that of this end.</summary>
    public int? PeerMtuBytes { get; init; }

    /// <summary>The peer's group number.</summary>
    public uint? PeerGroup { get; init; }

    /// <summary>The index to give the peer.</summary>
    public LinkIndex? PeerIndex { get; init; }

    internal override string Kind => "veth";

    internal override void WriteOptions(ref MessageWriter writer)
    {
        int peer = writer.BeginNest(Rtnl.VETH_INFO_PEER);
        writer.Struct(new Rtnl.LinkHeader { Index = PeerIndex?.Value ?? 0 });
        writer.Text(Rtnl.IFLA_IFNAME, PeerName);
        if ((PeerMtuBytes ?? MtuBytes) is int mtu)
        {
            writer.Int32(Rtnl.IFLA_MTU, mtu);
        }

        if (PeerMac is { } mac)
        {
            writer.Mac(Rtnl.IFLA_ADDRESS, mac);
        }

        if (PeerGroup is { } group)
        {
            writer.UInt32(Rtnl.IFLA_GROUP, group);
        }

        if (Queues is int queues)
        {
            writer.Int32(Rtnl.IFLA_NUM_TX_QUEUES, queues);
            writer.Int32(Rtnl.IFLA_NUM_RX_QUEUES, queues);
        }

        if (PeerNamespace is { } target)
        {
            writer.Int32(Rtnl.IFLA_NET_NS_FD, LinkMessages.DescriptorOf(target));
        }

        writer.EndNest(peer);
    }
}

/// <summary>An interface that drops what it is given; <c>ip link add NAME type dummy</c>.</summary>
/// <param name="Name">The interface's name.</param>
public sealed record DummyLink(string Name) : LinkSpec(Name)
{
    internal override string Kind => "dummy";
}

/// <summary>An interface that passes on what is redirected to it, after its queueing discipline; <c>ip link add NAME type ifb</c>.</summary>
/// <param name="Name">The interface's name.</param>
public sealed record IfbLink(string Name) : LinkSpec(Name)
{
    internal override string Kind => "ifb";
}

/// <summary>An 802.1Q interface on a lower link; <c>ip link add link LOWER name NAME type vlan id ID</c>.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Lower">The link whose tagged frames it sees.</param>
/// <param name="Id">The VLAN.</param>
public sealed record VlanLink(string Name, LinkIndex Lower, VlanId Id) : LinkSpec(Name)
{
    /// <summary>The tag's Ethernet type; the kernel's default is 802.1Q.</summary>
    public VlanProtocol? Protocol { get; init; }

    internal override string Kind => "vlan";

    internal override LinkIndex? LowerLink => Lower;

    internal override void WriteOptions(ref MessageWriter writer)
    {
        writer.UInt16(Rtnl.IFLA_VLAN_ID, (ushort)Id.Value);
        if (Protocol is { } protocol)
        {
            writer.UInt16BigEndian(Rtnl.IFLA_VLAN_PROTOCOL, (ushort)protocol);
        }
    }
}

/// <summary>An interface with an address of its own on a lower link; <c>ip link add link LOWER name NAME type macvlan mode MODE</c>.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Lower">The link it shares.</param>
public sealed record MacvlanLink(string Name, LinkIndex Lower) : LinkSpec(Name)
{
    /// <summary>How the interfaces of one lower link see each other; the kernel's default is VEPA.</summary>
    public MacvlanMode? Mode { get; init; }

    /// <summary>Broadcast frames that may wait; Linux 5.11.</summary>
    public uint? BroadcastQueueLength { get; init; }

    internal override string Kind => "macvlan";

    internal override LinkIndex? LowerLink => Lower;

    internal override void WriteOptions(ref MessageWriter writer)
    {
        if (Mode is { } mode)
        {
            writer.UInt32(Rtnl.IFLA_MACVLAN_MODE, (uint)mode);
        }

        if (BroadcastQueueLength is { } length)
        {
            writer.UInt32(Rtnl.IFLA_MACVLAN_BC_QUEUE_LEN, length);
        }
    }
}

/// <summary>The Ethernet type of a VLAN tag.</summary>
public enum VlanProtocol
{
    /// <summary>IEEE 802.1Q, the usual tag.</summary>
    Dot1Q = 0x8100,

    /// <summary>IEEE 802.1ad, the outer tag of provider bridges.</summary>
    Dot1AD = 0x88a8,
}

/// <summary>How macvlan interfaces of one lower link see each other.</summary>
public enum MacvlanMode
{
    /// <summary>Not at all.</summary>
    Private = 1,

    /// <summary>Through the external switch only.</summary>
    Vepa = 2,

    /// <summary>Directly.</summary>
    Bridge = 4,

    /// <summary>There is only one interface, which takes the lower link over.</summary>
    Passthru = 8,

    /// <summary>By a list of allowed source addresses.</summary>
    Source = 16,
}
