using Musubi.Linux.Addresses;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux.Links;

/// <summary>What to change of a link; <c>ip link set</c>. Members that are null stay as they are.</summary>
public sealed record LinkChange
{
    /// <summary>Whether it is up.</summary>
    public bool? AdminUp { get; init; }

    /// <summary>The bridge it is a port of; <see cref="LinkIndex.None"/> takes it out of its bridge.</summary>
    public LinkIndex? Master { get; init; }

    /// <summary>Largest packet in bytes, without the Ethernet header.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>Ethernet address.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>New name; many drivers need the link to be down.</summary>
    public string? Name { get; init; }

    /// <summary>Whether it takes in frames addressed to others.</summary>
    public bool? Promiscuous { get; init; }

    /// <summary>Whether it takes in all multicast frames.</summary>
    public bool? AllMulticast { get; init; }

    /// <summary>The namespace to move it to. It must stay open until the request is done.</summary>
    public NetworkNamespace? MoveTo { get; init; }

    /// <summary>Group number, by which links can be handled together.</summary>
    public uint? Group { get; init; }

    /// <summary>Free text shown beside the link; empty removes it.</summary>
    public string? Alias { get; init; }

    /// <summary>Packets that may wait for sending.</summary>
    public int? TxQueueLength { get; init; }
}

/// <summary>What to change of a bridge's port; <c>bridge link set</c>. Members that are null stay as they are.</summary>
public sealed record BridgePortChange
{
    /// <summary>Whether frames may leave by the port they came in.</summary>
    public bool? Hairpin { get; init; }

    /// <summary>Whether it exchanges frames only with ports that are not isolated.</summary>
    public bool? Isolated { get; init; }

    /// <summary>Whether source addresses are learnt here.</summary>
    public bool? Learning { get; init; }

    /// <summary>Whether frames for unknown addresses go out here.</summary>
    public bool? UnicastFlood { get; init; }

    /// <summary>Whether multicast without known members goes out here.</summary>
    public bool? MulticastFlood { get; init; }

    /// <summary>Whether broadcast goes out here.</summary>
    public bool? BroadcastFlood { get; init; }

    /// <summary>Whether bridge protocol packets are refused here.</summary>
    public bool? BpduGuard { get; init; }

    /// <summary>Whether ARP and neighbour discovery are answered by the bridge.</summary>
    public bool? NeighbourSuppression { get; init; }

    /// <summary>Priority in the spanning tree, 0 to 63.</summary>
    public ushort? Priority { get; init; }

    /// <summary>Path cost in the spanning tree.</summary>
    public uint? Cost { get; init; }
}
