using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Vrf;

/// <summary>
/// What an interface loses when it enters or leaves a routing domain: the kernel takes it down and up again, and IPv6 addresses and all routes
/// but those of its networks are gone.
/// </summary>
internal sealed class VrfMembership
{
    private readonly RouteSocket _route;
    private readonly LinkIndex _link;
    private readonly List<InterfaceAddress> _addresses;
    private readonly List<Route> _routes;

    private VrfMembership(RouteSocket route, LinkIndex link, List<InterfaceAddress> addresses, List<Route> routes)
    {
        _route = route;
        _link = link;
        _addresses = addresses;
        _routes = routes;
    }

    /// <summary>Remembers what the interface has.</summary>
    public static VrfMembership Of(RouteSocket route, LinkIndex link) => new(
        route,
        link,
        [.. route.Addresses.List(link, System.Net.Sockets.AddressFamily.InterNetworkV6).Where(a => a.Scope != AddressScope.Link)],
        [
            .. route.Routes.List(new RouteFilter { Link = link })
                .Where(r => r.Link == link && r.Table != Route.LocalTable && r.Protocol is not (RouteProtocol.Kernel or RouteProtocol.RouterAdvertisement))

                // Gateways are reached over what is on the link, which therefore goes first.
                .OrderBy(r => r.Gateway is not null),
        ]);

    /// <summary>Puts the interface under a master with all it had; routes of one main table become those of another.</summary>
    /// <param name="master">The routing domain, or <see cref="LinkIndex.None"/>.</param>
    /// <param name="table">The table that takes the place of the main one.</param>
    public void MoveTo(LinkIndex master, uint table)
    {
        RouteBatch batch = _route.Batch();
        batch.ChangeLink(_link, new LinkChange { Master = master });
        foreach (InterfaceAddress address in _addresses)
        {
            batch.AddAddress(_link, address with
            {
                NoDad = true,
                Flags = (address.Flags & (AddressFlags.NoPrefixRoute | AddressFlags.HomeAddress)) | AddressFlags.NoDad,
            }).Tolerate(Errno.EEXIST);
        }

        foreach (Route route in _routes)
        {
            batch.AddRoute(route with { Table = route.Table is null or Route.MainTable ? table : route.Table }, RouteAddition.Replace);
        }

        batch.Commit();
    }
}
