using System.Net;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>CHECK: compares what the kernel has with what ADD reported.</summary>
internal static class ResultCheck
{
    /// <summary>Every address of the result is on the interface, every route in the table.</summary>
    public static void Verify(RouteSocket sandbox, LinkInfo link, CniResult result)
    {
        IReadOnlyList<InterfaceAddress> addresses = sandbox.Addresses.List(link.Index);
        foreach (CniAddress wanted in result.Addresses)
        {
            if (!addresses.Any(a => a.Cidr == wanted.Address))
            {
                throw Failed($"Failed to match addr {wanted.Address} on interface {link.Name}");
            }
        }

        if (result.Routes.Count == 0)
        {
            return;
        }

        IReadOnlyList<Route> routes = sandbox.Routes.List();
        foreach (CniRoute wanted in result.Routes)
        {
            if (!routes.Any(r => Matches(r, wanted)))
            {
                throw Failed($"Expected Route {wanted.Destination}{(wanted.Gateway is null ? "" : $" via {IpText.Format(wanted.Gateway)}")} not found in routing table");
            }
        }
    }

    /// <summary>An error of CHECK.</summary>
    public static CniException Failed(string message) => new(CniErrorCode.Internal, message);

    private static bool Matches(Route route, CniRoute wanted)
    {
        bool sameFamily = route.Family == wanted.Destination.Address.AddressFamily;
        bool sameDestination = wanted.IsDefault ? route.IsDefault : route.Destination == wanted.Destination.Network;
        return sameFamily && sameDestination && (wanted.Gateway is null || wanted.IsDefault || HasGateway(route, wanted.Gateway));
    }

    private static bool HasGateway(Route route, IPAddress gateway) =>
        gateway.Equals(route.Gateway) || route.NextHops.Any(h => gateway.Equals(h.Gateway));
}
