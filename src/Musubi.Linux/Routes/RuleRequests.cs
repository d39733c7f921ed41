using System.Net.Sockets;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Routes;

/// <summary>Routing rules of the namespace; <c>ip rule</c>.</summary>
public sealed class RuleRequests
{
    private readonly RouteSocket _route;

    internal RuleRequests(RouteSocket route) => _route = route;

    /// <summary>Adds a rule; <c>ip rule add</c>.</summary>
    /// <exception cref="NetlinkException">EEXIST: it is there already.</exception>
    public void Add(RouteRule rule) => Change(Rtnl.RTM_NEWRULE, rule);

    /// <summary>Deletes the first rule that has what this one says; <c>ip rule delete</c>.</summary>
    /// <exception cref="NetlinkException">ENOENT: there is none.</exception>
    public void Delete(RouteRule rule) => Change(Rtnl.RTM_DELRULE, rule);

    /// <summary>The rules of a family in their order; <c>ip rule show</c>.</summary>
    public IReadOnlyList<RouteRule> List(AddressFamily family)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RuleMessages.List(ref writer, family);
        return _route.Socket.Dump<RouteRule>(ref writer, RuleMessages.TryRead, subject: null);
    }

    private void Change(ushort type, RouteRule rule)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RuleMessages.Change(ref writer, type, rule);
        _route.Socket.Execute(ref writer, rule);
    }
}
