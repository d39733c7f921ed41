using System.Net;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Routes;

/// <summary>Routes of the namespace; <c>ip route</c>.</summary>
public sealed class RouteRequests
{
    private readonly RouteSocket _route;

    internal RouteRequests(RouteSocket route) => _route = route;

    private NetlinkSocket Socket => _route.Socket;

    /// <summary>Adds a route; <c>ip route add</c>.</summary>
    /// <exception cref="NetlinkException">EEXIST: it is there already; ENETUNREACH: the gateway is not on a network of the link.</exception>
    public void Add(Route route, RouteAddition addition = RouteAddition.Exclusive)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RouteMessages.Add(ref writer, route, addition);
        Socket.Execute(ref writer, route);
    }

    /// <summary>Deletes a route; members that are null match any; <c>ip route delete</c>.</summary>
    /// <exception cref="NetlinkException">ESRCH: there is none.</exception>
    public void Delete(Route route)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RouteMessages.Delete(ref writer, route);
        Socket.Execute(ref writer, route);
    }

    /// <summary>Deletes a route if it is there; answers whether it was.</summary>
    public bool DeleteIfExists(Route route)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RouteMessages.Delete(ref writer, route);
        NetlinkAcknowledgement acknowledgement = Socket.TryExecute(ref writer, route);
        return acknowledgement.IsSuccess
            || (acknowledgement.Errno is Errno.ESRCH
                ? false
                : throw acknowledgement.ToException(Socket.Protocol, Rtnl.RTM_DELROUTE, route));
    }

    /// <summary>Routes of all tables or as filtered; <c>ip route show</c>.</summary>
    public IReadOnlyList<Route> List(RouteFilter filter = default)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RouteMessages.List(ref writer, filter);
        try
        {
            List<Route> routes = Socket.Dump<Route>(ref writer, RouteReader.TryRead, subject: null);

            // Not every kernel filters what it was asked to.
            routes.RemoveAll(route => (filter.Table is { } table && route.Table != table) || (filter.Protocol is { } protocol && route.Protocol != protocol));
            return routes;
        }
        catch (NetlinkException e) when (e.Errno == Errno.ENOENT && filter.Table is not null)
        {
            // A table exists from its first route on.
            return [];
        }
    }

    /// <summary>Watches routes of all tables; <c>ip monitor route</c>. First all there are, then each change until the token is cancelled.</summary>
    public IAsyncEnumerable<RouteEvent<Route>> WatchAsync(CancellationToken ct) =>
        RouteMonitor.WatchAsync<Route>(
            Socket, [Rtnl.RTNLGRP_IPV4_ROUTE, Rtnl.RTNLGRP_IPV6_ROUTE], () => List(), RouteReader.TryRead, Rtnl.RTM_DELROUTE, ct);

    /// <summary>The route a packet to an address takes; <c>ip route get</c>.</summary>
    /// <exception cref="NetlinkException">ENETUNREACH: there is none.</exception>
    public Route Lookup(IPAddress destination)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RouteMessages.Lookup(ref writer, destination);
        return Socket.Get<Route>(ref writer, RouteReader.TryRead, destination);
    }
}
