using System.Net.Sockets;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Routes;

/// <summary>Neighbours of the namespace's links; <c>ip neighbour</c>.</summary>
public sealed class NeighbourRequests
{
    private readonly RouteSocket _route;

    internal NeighbourRequests(RouteSocket route) => _route = route;

    /// <summary>Sets who has an address; <c>ip neighbour replace</c>.</summary>
    public void Set(Neighbour neighbour)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NeighbourMessages.Set(ref writer, neighbour);
        _route.Socket.Execute(ref writer, neighbour);
    }

    /// <summary>Forgets a neighbour; <c>ip neighbour delete</c>.</summary>
    /// <exception cref="NetlinkException">ENOENT: there is none.</exception>
    public void Delete(Neighbour neighbour)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NeighbourMessages.Delete(ref writer, neighbour);
        _route.Socket.Execute(ref writer, neighbour);
    }

    /// <summary>Neighbours on one link or all, of one family or both; <c>ip neighbour show</c>.</summary>
    public IReadOnlyList<Neighbour> List(LinkIndex? link = null, AddressFamily? family = null)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NeighbourMessages.List(ref writer, link, family);
        return _route.Socket.Dump<Neighbour>(ref writer, NeighbourMessages.TryRead, link);
    }

    /// <summary>Watches neighbours; <c>ip monitor neigh</c>. First all there are, then each change until the token is cancelled.</summary>
    public IAsyncEnumerable<RouteEvent<Neighbour>> WatchAsync(CancellationToken ct) =>
        RouteMonitor.WatchAsync<Neighbour>(_route.Socket, [Rtnl.RTNLGRP_NEIGH], () => List(), NeighbourMessages.TryRead, Rtnl.RTM_DELNEIGH, ct);
}
