using System.Net.Sockets;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>Gives an interface in a container's namespace the addresses and routes of an IPAM result.</summary>
internal static class SandboxInterface
{
    private static readonly TimeSpan _dadLimit = TimeSpan.FromSeconds(5);

    /// <summary>Addresses, link up, routes, in that order and with as few system calls as the kernel allows.</summary>
    /// <param name="route">A socket in the container's namespace.</param>
    /// <param name="sandbox">That namespace.</param>
    /// <param name="link">The interface.</param>
    /// <param name="name">Its name.</param>
    /// <param name="index">Its index in the result's interfaces.</param>
    /// <param name="result">What IPAM gave.</param>
    /// <param name="detectDuplicates">IPv6 duplicate address detection; without it addresses are usable at once.</param>
    /// <param name="ct">Ends waits.</param>
    public static void Configure(
        RouteSocket route, NetworkNamespace sandbox, LinkIndex link, string name, int index, CniResult result, bool detectDuplicates, CancellationToken ct)
    {
        if (result.Addresses.Any(a => a.Address.IsIPv6))
        {
            EnableIPv6(sandbox, name);
        }

        RouteBatch batch = route.Batch();
        foreach (CniAddress address in result.Addresses)
        {
            if (address.Interface is null)
            {
                continue;
            }

            if (address.Interface != index)
            {
                throw new CniException(CniErrorCode.Internal, $"failed to add IP addr {address.Address} to \"{name}\": invalid interface index {address.Interface}");
            }

            batch.AddAddress(link, GivenAddress.Of(address.Address, detectDuplicates));
        }

        batch.ChangeLink(link, new LinkChange { AdminUp = true });
        if (detectDuplicates && result.Addresses.Any(a => a.Address.IsIPv6 && a.Gateway is not null))
        {
            Commit(batch, [], name);
            WaitForAddresses(route, link, name, ct);
        }

        (CniRoute Wanted, Route Route)[] routes = [.. result.Routes.Select(wanted => (wanted, RouteOf(wanted, result, link)))];
        foreach ((_, Route entry) in routes)
        {
            // Two routes to one place over different gateways are wanted side by side; the same route twice is an error.
            batch.AddRoute(entry, RouteAddition.Prepend);
        }

        Commit(batch, routes, name);
    }

    /// <summary>A route of a result as the kernel has it; without a gateway of its own it leads through that of the first address of its family.</summary>
    public static Route RouteOf(CniRoute wanted, CniResult result, LinkIndex link) => new()
    {
        Destination = wanted.Destination.Network,
        Gateway = wanted.Gateway
            ?? result.Addresses.FirstOrDefault(a => a.Gateway is not null && a.Address.IsIPv6 == wanted.Destination.IsIPv6)?.Gateway,
        Link = link,
        Metric = (uint?)wanted.Priority,
        Table = (uint?)wanted.Table,
        Scope = (AddressScope?)(byte?)wanted.Scope,
        MtuBytes = wanted.MtuBytes,
        AdvertisedMssBytes = wanted.AdvMss,
    };

    /// <summary>Before an IPv6 address is given: the family is switched on, and addresses outlast the link being down.</summary>
    public static void EnableIPv6(NetworkNamespace sandbox, string name) => Linux.Sysctl.EnsureAll(
        sandbox,
        ("net/ipv6/conf/lo/disable_ipv6", "0"),
        ($"net/ipv6/conf/{name}/disable_ipv6", "0"),
        ($"net/ipv6/conf/{name}/keep_addr_on_down", "1"));

    private static void WaitForAddresses(RouteSocket route, LinkIndex link, string name, CancellationToken ct)
    {
        for (TimeSpan waited = TimeSpan.Zero; waited < _dadLimit; waited += TimeSpan.FromMilliseconds(20))
        {
            IReadOnlyList<InterfaceAddress> addresses = route.Addresses.List(link, AddressFamily.InterNetworkV6);
            if (addresses.FirstOrDefault(a => a.IsDuplicate) is { } duplicate)
            {
                throw new CniException(CniErrorCode.Internal, $"IPv6 duplicate address detection: {duplicate.Cidr} of \"{name}\" is in use by another host");
            }

            if (!addresses.Any(a => a.IsTentative))
            {
                return;
            }

            ct.WaitHandle.WaitOne(20);
            ct.ThrowIfCancellationRequested();
        }

        if (route.Links.Get(link).OperationalState == OperationalState.Up)
        {
            throw new CniException(CniErrorCode.Internal, $"IPv6 addresses of \"{name}\" are still being checked for duplicates after {_dadLimit.TotalSeconds:0} s");
        }
    }

    /// <summary>Sends the changes, of which the last ones are the routes; a refused route is told as the reference plugins tell it.</summary>
    public static void Commit(RouteBatch batch, (CniRoute Wanted, Route Route)[] routes, string name)
    {
        int firstRoute = batch.Count - routes.Length;
        try
        {
            batch.Commit();
        }
        catch (NetlinkException e) when (e.RequestIndex >= firstRoute)
        {
            (CniRoute wanted, Route route) = routes[e.RequestIndex - firstRoute];
            string via = route.Gateway is null ? "" : $" via {IpText.Format(route.Gateway)}";
            throw new CniException(CniErrorCode.Internal,
                $"failed to add route '{wanted.Destination}{via} dev {name} metric {wanted.Priority ?? 0} (Scope: {wanted.Scope ?? 0}, Table: {wanted.Table ?? (int)Route.MainTable})': {e.Message}");
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to configure \"{name}\"", e);
        }
    }
}
