using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Routes;
using Musubi.Linux.TrafficControl;

namespace Musubi.Linux.Netlink;

/// <summary>
/// A socket by which one namespace's links, addresses, routes, rules and neighbours are read and changed; rtnetlink(7). It belongs to that
/// namespace for life and may be used from any thread. Requests are synchronous: the kernel handles them while they are sent.
/// </summary>
/// <example>
/// <code>
/// using RouteSocket route = RouteSocket.Open(pod);
/// LinkIndex eth0 = route.Links.Create(new VethLink("eth0", "veth1") { PeerNamespace = host, MtuBytes = 9000 });
/// </code>
/// </example>
public sealed class RouteSocket : IDisposable
{
    private RouteSocket(NetlinkSocket socket) => Socket = socket;

    /// <summary>Links.</summary>
    public LinkRequests Links => field ??= new(this);

    /// <summary>Ports of bridges.</summary>
    public BridgePortRequests BridgePorts => field ??= new(this);

    /// <summary>VLAN memberships of bridge ports.</summary>
    public BridgeVlanRequests BridgeVlans => field ??= new(this);

    /// <summary>Addresses.</summary>
    public AddressRequests Addresses => field ??= new(this);

    /// <summary>Routes.</summary>
    public RouteRequests Routes => field ??= new(this);

    /// <summary>Routing rules.</summary>
    public RuleRequests Rules => field ??= new(this);

    /// <summary>Neighbours.</summary>
    public NeighbourRequests Neighbours => field ??= new(this);

    /// <summary>Queueing disciplines, classes and filters.</summary>
    public TrafficControlRequests TrafficControl => field ??= new(this);

    internal NetlinkSocket Socket { get; }

    /// <summary>Opens a socket in a namespace, or in the calling thread's own. The caller disposes it.</summary>
    public static RouteSocket Open(NetworkNamespace? network = null) => new(NetlinkSocket.Open(network, NetlinkProtocol.NETLINK_ROUTE));

    /// <summary>Starts a list of changes that are sent together.</summary>
    public RouteBatch Batch() => new(this);

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();
}
