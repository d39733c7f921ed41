using System.Net;
using Musubi.Cni.Spec;
using Musubi.Cni.Plugins.Shared;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>
/// Brings a container's interface in line with a lease that became another one, or none. The first address and its routes are the main plugin's work; what
/// the runtime knows of them stays as it was.
/// </summary>
internal static class LeaseChange
{
    /// <summary>Gives the interface the new address and routes in place of the old.</summary>
    /// <returns>Null, or what the kernel refused of the rest, a route most likely: the address serves without it.</returns>
    /// <exception cref="NetlinkException">The kernel refused the address.</exception>
    public static NetlinkException? Apply(RouteSocket route, LinkIndex link, LeaseTerms? before, LeaseTerms after, int priority)
    {
        RouteBatch batch = route.Batch();

        // The new address comes first: a namespace without any forgets its routes.
        batch.AddAddress(link, GivenAddress.Of(after.Address)).Tolerate(Errno.EEXIST).Commit();
        if (before is not null)
        {
            foreach (Route old in RoutesOf(before, link, priority))
            {
                batch.DeleteRoute(old).Tolerate(Errno.ESRCH);
            }

            if (before.Address != after.Address)
            {
                batch.DeleteAddress(link, new InterfaceAddress(before.Address)).Tolerate(Errno.EADDRNOTAVAIL);
            }
        }

        foreach (Route wanted in RoutesOf(after, link, priority))
        {
            batch.AddRoute(wanted).Tolerate(Errno.EEXIST);
        }

        try
        {
            batch.Commit();
            return null;
        }
        catch (NetlinkException e)
        {
            return e;
        }
    }

    /// <summary>Takes the address off the interface; the kernel takes the routes that need it.</summary>
    public static void Withdraw(RouteSocket route, LinkIndex link, LeaseTerms terms) =>
        route.Batch().DeleteAddress(link, new InterfaceAddress(terms.Address)).Tolerate(Errno.EADDRNOTAVAIL).Commit();

    private static IEnumerable<Route> RoutesOf(LeaseTerms terms, LinkIndex link, int priority)
    {
        foreach (CniRoute told in terms.ToResult(priority).Routes)
        {
            yield return new Route
            {
                Destination = told.Destination.Network,
                Gateway = IPAddress.Any.Equals(told.Gateway) ? null : told.Gateway,
                Link = link,
                Metric = (uint?)told.Priority,
                Scope = (AddressScope?)(byte?)told.Scope,
            };
        }
    }
}
