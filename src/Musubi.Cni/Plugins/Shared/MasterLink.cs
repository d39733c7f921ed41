using System.Net.Sockets;
using Musubi.Cni.Spec;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>The link that a container's interface sits on.</summary>
internal static class MasterLink
{
    /// <summary>The link of the <c>master</c> key.</summary>
    public static LinkInfo Find(RouteSocket route, string name) =>
        route.Links.Find(name) ?? throw new CniException(CniErrorCode.Internal, $"failed to lookup master \"{name}\": Link not found");

    /// <summary>The link of the default route: of IPv4 before IPv6, of the lowest metric, of a multipath route the first way's.</summary>
    public static LinkInfo FindByDefaultRoute(RouteSocket route)
    {
        LinkIndex? link = DefaultOf(route, AddressFamily.InterNetwork) ?? DefaultOf(route, AddressFamily.InterNetworkV6);
        return (link is { } found ? route.Links.Find(found) : null)
            ?? throw new CniException(CniErrorCode.Internal, "no default route interface found: name the interface with the key master");
    }

    private static LinkIndex? DefaultOf(RouteSocket route, AddressFamily family) =>
        route.Routes.List(new RouteFilter { Family = family, Table = Route.MainTable })
            .Where(r => r.IsDefault && r.Type == RouteType.Unicast)
            .OrderBy(r => r.Metric ?? 0)
            .Select(r => r.NextHops.Count > 0 ? r.NextHops[0].Link : r.Link)
            .FirstOrDefault(link => link is { IsNone: false });
}
