using System.Net;
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

            batch.AddAddress(link, new InterfaceAddress(address.Address) { NoDad = address.Address.IsIPv6 && !detectDuplicates });
        }

        batch.ChangeLink(link, new LinkChange { AdminUp = true });
        Commit(batch, $"failed to configure \"{name}\"");
        if (detectDuplicates && result.Addresses.Any(a => a.Address.IsIPv6 && a.Gateway is not null))
        {
            WaitForAddresses(route, link, name, ct);
        }

        AddRoutes(route, link, name, result);
    }

    private static void AddRoutes(RouteSocket route, LinkIndex link, string name, CniResult result)
    {
        foreach (CniRoute wanted in result.Routes)
        {
            IPAddress? gateway = wanted.Gateway
                ?? result.Addresses.FirstOrDefault(a => a.Gateway is not null && a.Address.IsIPv6 == wanted.Destination.IsIPv6)?.Gateway;
            Route entry = new()
            {
                Destination = wanted.Destination.Network,
                Gateway = gateway,
                Link = link,
                Metric = (uint?)wanted.Priority,
                Table = (uint?)wanted.Table,
                Scope = (AddressScope?)(byte?)wanted.Scope,
                MtuBytes = wanted.MtuBytes,
                AdvertisedMssBytes = wanted.AdvMss,
            };
            try
            {
                // Two routes to one place over different gateways are wanted side by side; the same route twice is an error.
                route.Routes.Add(entry, RouteAddition.Prepend);
            }
            catch (NetlinkException e)
            {
                string via = gateway is null ? "" : $" via {IpText.Format(gateway)}";
                throw new CniException(CniErrorCode.Internal,
                    $"failed to add route '{wanted.Destination}{via} dev {name} metric {wanted.Priority ?? 0} (Scope: {wanted.Scope ?? 0}, Table: {wanted.Table ?? (int)Route.MainTable})': {e.Message}");
            }
        }
    }

    private static void EnableIPv6(NetworkNamespace sandbox, string name)
    {
        Linux.Sysctl.Ensure(sandbox, "net/ipv6/conf/lo/disable_ipv6", "0");
        Linux.Sysctl.Ensure(sandbox, $"net/ipv6/conf/{name}/disable_ipv6", "0");
        Linux.Sysctl.Write(sandbox, $"net/ipv6/conf/{name}/keep_addr_on_down", "1");
    }

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

    private static void Commit(RouteBatch batch, string doing)
    {
        try
        {
            batch.Commit();
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap(doing, e);
        }
    }
}
