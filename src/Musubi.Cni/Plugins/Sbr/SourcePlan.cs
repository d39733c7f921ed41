using System.Net.Sockets;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Sbr;

/// <summary>What ADD changes: rules and routes to add, routes that move.</summary>
/// <param name="Rules">A rule for each address.</param>
/// <param name="Added">Routes of the addresses' tables.</param>
/// <param name="Moved">Routes of the main table that are in those tables from then on.</param>
internal sealed record SourcePlan(IReadOnlyList<RouteRule> Rules, IReadOnlyList<Route> Added, IReadOnlyList<Route> Moved)
{
    private const uint FirstTable = 100;
    private static readonly Cidr _linkLocal = Cidr.Parse("fe80::/10");
    private static readonly Cidr _multicast = Cidr.Parse("ff00::/8");

    /// <summary>The addresses of an interface in a result; those that name no interface count as its own.</summary>
    public static IEnumerable<CniAddress> AddressesOf(CniResult result, string ifName) => result.Addresses.Where(a =>
        a.Interface is not { } index || index < 0 || index >= result.Interfaces.Count || result.Interfaces[index].Name == ifName);

    /// <summary>Whether a rule is one of ours for a source.</summary>
    public static bool IsOf(RouteRule rule, Cidr source) => rule.Source == source && rule is { Table: >= FirstTable and not Route.MainTable and not Route.LocalTable };

    /// <summary>Chooses tables and routes.</summary>
    /// <param name="addresses">The interface's addresses.</param>
    /// <param name="link">The interface.</param>
    /// <param name="routes">All routes there are.</param>
    /// <param name="rules">All rules there are.</param>
    public static SourcePlan Make(IReadOnlyList<CniAddress> addresses, LinkIndex link, IReadOnlyList<Route> routes, IReadOnlyList<RouteRule> rules)
    {
        HashSet<uint> taken = [Route.MainTable, Route.LocalTable, 253, .. routes.Select(r => r.Table ?? Route.MainTable), .. rules.Select(r => r.Table ?? 0)];
        Route[] own = [.. routes.Where(r => r.Link == link && (r.Table ?? Route.MainTable) == Route.MainTable && r.Type == RouteType.Unicast && !IsOfTheLinkItself(r))];
        List<RouteRule> newRules = [];
        List<Route> added = [];
        uint table = FirstTable;
        foreach (CniAddress address in addresses)
        {
            for (; !taken.Add(table); table++)
            {
            }

            newRules.Add(new RouteRule { Source = Cidr.Host(address.Address.Address), Table = table, Protocol = RouteProtocol.Unspecified });
            if (address.Gateway is { } gateway)
            {
                // What leads to the gateway must be there before what leads over it.
                added.AddRange(CopiesFor(address, own.Where(r => r.Gateway is null), table));
                added.Add(new Route { Gateway = gateway, Link = link, Table = table, Family = gateway.AddressFamily });
                added.AddRange(CopiesFor(address, own.Where(r => r.Gateway is not null), table));
            }
            else
            {
                added.AddRange(CopiesFor(address, own.OrderBy(r => r.Gateway is not null), table));
            }
        }

        return new SourcePlan(newRules, added, own);
    }

    /// <summary>Makes the changes in one exchange with the kernel. Routes leave the main table last: gateways are looked for there too.</summary>
    public void Apply(RouteSocket route)
    {
        RouteBatch batch = route.Batch();
        foreach (RouteRule rule in Rules)
        {
            batch.AddRule(rule);
        }

        foreach (Route entry in Added)
        {
            // The default route may be among the interface's own already.
            batch.AddRoute(entry, RouteAddition.Replace);
        }

        foreach (Route entry in Moved)
        {
            batch.DeleteRoute(entry).Tolerate(Errno.ESRCH);
        }

        batch.Commit();
    }

    /// <summary>Takes back what <see cref="Apply"/> did, as far as it came.</summary>
    public void TakeBack(RouteSocket route)
    {
        RouteBatch batch = route.Batch();
        foreach (Route entry in Moved.OrderBy(r => r.Gateway is not null))
        {
            batch.AddRoute(entry, RouteAddition.Append).Tolerate(Errno.EEXIST);
        }

        foreach (Route entry in Added.Reverse())
        {
            batch.DeleteRoute(entry).Tolerate(Errno.ESRCH);
        }

        foreach (RouteRule rule in Rules)
        {
            batch.DeleteRule(rule).Tolerate(Errno.ENOENT);
        }

        batch.Commit();
    }

    /// <summary>The routes that an address can use: of its network, by a gateway in it, or for any source.</summary>
    private static IEnumerable<Route> CopiesFor(CniAddress address, IEnumerable<Route> routes, uint table) =>
        from route in routes
        where route.Family == address.Address.Address.AddressFamily
        let isGeneral = route.Source is null && route.Gateway is null
        where isGeneral || (route.Source is { } source && address.Address.Contains(source)) || (route.Gateway is { } gateway && address.Address.Contains(gateway))
        select route with { Table = table };

    /// <summary>Neighbours find each other by link-local addresses, whatever the source of other packets: those routes stay.</summary>
    private static bool IsOfTheLinkItself(Route route) =>
        route.Family == AddressFamily.InterNetworkV6 && route.Destination is { PrefixLength: > 0 } destination && (_linkLocal.Overlaps(destination) || _multicast.Overlaps(destination));
}
