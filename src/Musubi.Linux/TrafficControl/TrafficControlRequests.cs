using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.TrafficControl;

/// <summary>What shapes and redirects an interface's packets; <c>tc</c>(8). Changes are made with <see cref="RouteBatch"/>.</summary>
public sealed class TrafficControlRequests
{
    private readonly RouteSocket _route;

    internal TrafficControlRequests(RouteSocket route) => _route = route;

    /// <summary>The queueing disciplines of an interface; <c>tc qdisc show dev LINK</c>.</summary>
    public IReadOnlyList<Qdisc> ListQdiscs(LinkIndex link)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        TcMessages.List(ref writer, Rtnl.RTM_GETQDISC, link.Value, default);
        List<Qdisc> qdiscs = _route.Socket.Dump<Qdisc>(ref writer, TcReader.TryReadQdisc, link);

        // The kernel reports those of all interfaces.
        qdiscs.RemoveAll(q => q.Link != link);
        return qdiscs;
    }

    /// <summary>The <c>htb</c> classes of an interface; <c>tc class show dev LINK</c>.</summary>
    public IReadOnlyList<HtbClass> ListClasses(LinkIndex link)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        TcMessages.List(ref writer, Rtnl.RTM_GETTCLASS, link.Value, default);
        return _route.Socket.Dump<HtbClass>(ref writer, TcReader.TryReadClass, link);
    }

    /// <summary>The <c>u32</c> filters of a discipline; <c>tc filter show dev LINK parent PARENT</c>.</summary>
    public IReadOnlyList<U32Filter> ListFilters(LinkIndex link, TcHandle parent)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        TcMessages.List(ref writer, Rtnl.RTM_GETTFILTER, link.Value, parent);
        return _route.Socket.Dump<U32Filter>(ref writer, TcReader.TryReadFilter, link);
    }
}
