using System.Net;
using Musubi.Cni.Execution;
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

    /// <summary>The container's interface: the result names it in this namespace, it is there, of the right kind, with the address reported.</summary>
    /// <param name="call">The call.</param>
    /// <param name="sandbox">A socket in the container's namespace.</param>
    /// <param name="result">What ADD reported.</param>
    /// <param name="kind">The kind it must be; null for any.</param>
    public static LinkInfo VerifyLink(PluginCall call, RouteSocket sandbox, CniResult result, string? kind)
    {
        string ifName = call.Invocation.IfName;
        CniInterface reported = result.Interfaces.FirstOrDefault(i => i.Name == ifName && i.Sandbox == call.Invocation.Netns)
            ?? throw Failed($"interface {ifName} in sandbox {call.Invocation.Netns} is not in prevResult");
        LinkInfo link = sandbox.Links.Find(ifName) ?? throw Failed($"Cannot find container link {ifName}");
        if (kind is not null && link.Kind != kind)
        {
            throw Failed($"container interface {ifName} is not a {kind}");
        }

        return string.IsNullOrEmpty(reported.Mac) || string.Equals(reported.Mac, link.Mac?.ToString(), StringComparison.OrdinalIgnoreCase)
            ? link
            : throw Failed($"interface {ifName} has MAC {link.Mac}, not {reported.Mac} as prevResult says");
    }

    /// <summary>What ADD reported, without which there is nothing to compare.</summary>
    public static CniResult PreviousResultOf(PluginCall call) => call.PreviousResult ?? throw CniException.InvalidConfig("required prevResult missing");

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
