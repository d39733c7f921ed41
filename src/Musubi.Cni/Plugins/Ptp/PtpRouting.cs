using System.Net;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Ptp;

/// <summary>
/// Addresses and routes of both ends. The container speaks to nobody directly but the gateway, which is the host's end: also its own network is
/// reached through it.
/// </summary>
internal static class PtpRouting
{
    /// <summary>What the kernel gives an IPv6 route without a metric.</summary>
    private const uint DefaultMetricIPv6 = 1024;

    /// <summary>The container's end: its addresses without the route to their network that the kernel would make, and the routes instead of it.</summary>
    public static void ConfigureInside(RouteSocket inside, NetworkNamespace sandbox, LinkIndex link, string name, CniResult result)
    {
        if (result.Addresses.Any(a => a.Address.IsIPv6))
        {
            SandboxInterface.EnableIPv6(sandbox, name);
        }

        RouteBatch batch = inside.Batch();
        foreach (CniAddress address in result.Addresses)
        {
            batch.AddAddress(link, GivenAddress.Of(address.Address, AddressFlags.NoPrefixRoute | (address.Address.IsIPv6 ? AddressFlags.NoDad : AddressFlags.None)));
        }

        batch.ChangeLink(link, new LinkChange { AdminUp = true });
        foreach (CniAddress address in result.Addresses)
        {
            // Several addresses of one network share these.
            IPAddress source = address.Address.Address;
            batch.AddRoute(new Route { Destination = Cidr.Host(address.Gateway!), Link = link, Scope = AddressScope.Link, Source = source }).Tolerate(Errno.EEXIST);
            batch.AddRoute(new Route { Destination = address.Address.Network, Gateway = address.Gateway, Link = link, Source = source }).Tolerate(Errno.EEXIST);
        }

        (CniRoute Wanted, Route Route)[] routes = [.. result.Routes.Select(wanted => (wanted, SandboxInterface.RouteOf(wanted, result, link)))];
        foreach ((_, Route route) in routes)
        {
            batch.AddRoute(route, RouteAddition.Prepend);
        }

        SandboxInterface.Commit(batch, routes, name);
    }

    /// <summary>The host's end: it is the gateway, and behind it is the container.</summary>
    public static void ConfigureHost(PluginCall call, VethCable cable, CniResult result)
    {
        // Until the link-local address is checked for duplicates, the host could not ask for IPv6 neighbours: nobody else can have it on this cable.
        Sysctl.TryEnsureAll(call.Host, ($"net/ipv6/conf/{cable.HostName}/accept_ra", "0"), ($"net/ipv6/conf/{cable.HostName}/accept_dad", "0"));
        RouteBatch batch = call.HostRoute.Batch();
        batch.ChangeLink(cable.Host, new LinkChange { AdminUp = true });
        foreach (CniAddress address in result.Addresses)
        {
            bool isIPv6 = address.Address.IsIPv6;
            batch.AddAddress(cable.Host, new InterfaceAddress(Cidr.Host(address.Gateway!)) { NoDad = isIPv6 }).Tolerate(Errno.EEXIST);
            batch.AddRoute(RouteTo(address, cable));
        }

        try
        {
            try
            {
                batch.Commit();
            }
            catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
            {
                TakeOverRoutes(call.HostRoute, cable, result);
            }
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to configure the host's end \"{cable.HostName}\"", e);
        }
    }

    private static Route RouteTo(CniAddress address, VethCable cable) => new() { Destination = Cidr.Host(address.Address.Address), Link = cable.Host, Scope = AddressScope.Host };

    /// <summary>The route of an earlier container with an address may still be there while its link is being removed; one of a container that lives is left to it.</summary>
    private static void TakeOverRoutes(RouteSocket host, VethCable cable, CniResult result)
    {
        IReadOnlyList<Route> existing = host.Routes.List(new RouteFilter { Table = Route.MainTable });
        RouteBatch batch = host.Batch();
        foreach (CniAddress address in result.Addresses)
        {
            Route wanted = RouteTo(address, cable);
            uint metric = address.Address.IsIPv6 ? DefaultMetricIPv6 : 0;
            foreach (Route route in existing.Where(r => r.Destination == wanted.Destination && (r.Metric ?? 0) == metric && r.Link != cable.Host))
            {
                LinkInfo? link = route.Link is { } index ? host.Links.Find(index) : null;
                if (route.Link is null || link is { AdminUp: true, Carrier: true })
                {
                    string where = link is null ? $"is \"{route}\"" : $"leads to interface \"{link.Name}\"";
                    throw new CniException(CniErrorCode.Internal, $"the host's route to {wanted.Destination} {where} already: another container has this address; free it, or give another");
                }
            }

            batch.AddRoute(wanted, RouteAddition.Replace);
        }

        batch.Commit();
    }
}
