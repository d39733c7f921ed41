using System.Net;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;
using Musubi.Linux.Events;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Packets;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>
/// The way into a container's network: opened for an exchange and closed after it, because an open socket keeps a namespace alive that the runtime removed.
/// </summary>
internal sealed class LeaseWire : IDhcpWire, IDisposable
{
    private static readonly IPEndPoint _everybody = new(IPAddress.Broadcast, DhcpMessage.ServerPort);

    private readonly UdpPacketSocket _packets;
    private readonly IDisposable? _watch;

    private LeaseWire(RouteSocket route, LinkInfo link, UdpPacketSocket packets, bool needsBroadcast, EventLoop? loop, Action<LeaseWire>? received)
    {
        Route = route;
        Link = link;
        _packets = packets;
        NeedsBroadcast = needsBroadcast;
        _watch = received is null ? null : loop?.WatchReadable(packets.Handle, () => received(this));
    }

    /// <summary>A socket to configure the namespace with.</summary>
    public RouteSocket Route { get; }

    /// <summary>The interface as it was when the wire was opened.</summary>
    public LinkInfo Link { get; }

    /// <inheritdoc/>
    public MacAddress Mac => Link.Mac!.Value;

    /// <inheritdoc/>
    public bool NeedsBroadcast { get; }

    /// <summary>Where an interface is now; null when there is no such interface.</summary>
    /// <param name="prefix">What comes before the path of the namespace as this process sees it.</param>
    /// <param name="netns">The namespace.</param>
    /// <param name="ifName">The interface.</param>
    public static LeasePlace? Locate(string prefix, string netns, string ifName)
    {
        using NetworkNamespace? network = NetworkNamespace.Find(prefix + netns);
        if (network is null)
        {
            return null;
        }

        using RouteSocket route = RouteSocket.Open(network);
        return route.Links.Find(ifName) is { } link ? new LeasePlace(netns, network.Device, network.Inode, link.Index) : null;
    }

    /// <summary>Whether the interface, in its namespace, is still there.</summary>
    public static bool IsThere(string prefix, LeasePlace place)
    {
        using NetworkNamespace? network = FindNamespace(prefix, place);
        if (network is null)
        {
            return false;
        }

        using RouteSocket route = RouteSocket.Open(network);
        return route.Links.Find(place.Link) is not null;
    }

    /// <summary>Opens the way to an interface; null when it, or its namespace, is gone.</summary>
    /// <param name="prefix">What comes before the path of the namespace as this process sees it.</param>
    /// <param name="place">The interface.</param>
    /// <param name="broadcast">Ask for broadcast answers wherever it is.</param>
    /// <param name="loop">The loop to wait in; null not to wait for answers.</param>
    /// <param name="received">Called when there is something to <see cref="TryReceive"/>.</param>
    /// <exception cref="LinuxException">The kernel refused a socket.</exception>
    public static LeaseWire? Open(string prefix, LeasePlace place, bool broadcast, EventLoop? loop = null, Action<LeaseWire>? received = null)
    {
        using NetworkNamespace? network = FindNamespace(prefix, place);
        if (network is null)
        {
            return null;
        }

        RouteSocket route = RouteSocket.Open(network);
        UdpPacketSocket? packets = null;
        try
        {
            if (route.Links.Find(place.Link) is not { Mac: not null } link)
            {
                route.Dispose();
                return null;
            }

            packets = UdpPacketSocket.Open(network, place.Link, DhcpMessage.ClientPort);

            // Interfaces that share one hardware address are told apart by their addresses, of which this one has none yet.
            return new LeaseWire(route, link, packets, broadcast || link.Kind == "ipvlan", loop, received);
        }
        catch
        {
            packets?.Dispose();
            route.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Send(DhcpMessage message, DhcpPeer? to)
    {
        IPEndPoint source = new(message.ClientAddress, DhcpMessage.ClientPort);
        if (to is { } peer)
        {
            // Straight to the neighbour that the lease came from: asking for its address (ARP) would take longer than the interface may live.
            _packets.Send(new UdpFrame(source, new IPEndPoint(peer.Address, DhcpMessage.ServerPort)), peer.Neighbour, message.Write());
        }
        else
        {
            _packets.Send(new UdpFrame(source, _everybody), MacAddress.Broadcast, message.Write());
        }
    }

    /// <summary>The next message that waits; malformed ones are passed over.</summary>
    public bool TryReceive(out MacAddress neighbour, out DhcpMessage? message)
    {
        while (_packets.TryReceive(out neighbour, out ReadOnlySpan<byte> payload))
        {
            if (DhcpMessage.Parse(payload) is { } parsed)
            {
                message = parsed;
                return true;
            }
        }

        message = null;
        return false;
    }

    public void Dispose()
    {
        _watch?.Dispose();
        _packets.Dispose();
        Route.Dispose();
    }

    /// <summary>The namespace; null when nothing, or another one, is at its path.</summary>
    private static NetworkNamespace? FindNamespace(string prefix, LeasePlace place)
    {
        NetworkNamespace? network = NetworkNamespace.Find(prefix + place.Netns);
        if (network is not null && (network.Inode != place.Inode || network.Device != place.Device))
        {
            network.Dispose();
            return null;
        }

        return network;
    }
}
