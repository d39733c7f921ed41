using System.Net;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Loopback;

/// <summary>Sets the container's loopback interface up.</summary>
internal sealed class LoopbackPlugin : ICniPlugin
{
    private const string Loopback = "lo";

    /// <inheritdoc/>
    public string Name => "loopback";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket route = RouteSocket.Open(sandbox);
        LinkIndex lo = route.Links.IndexOf(Loopback);
        route.Links.Change(lo, new LinkChange { AdminUp = true });
        IReadOnlyList<InterfaceAddress> addresses = route.Addresses.List(lo);
        foreach (InterfaceAddress address in addresses)
        {
            if (!IPAddress.IsLoopback(address.Cidr.Address))
            {
                throw new CniException(CniErrorCode.Internal, $"loopback interface found with non-loopback address \"{address.Cidr}\"");
            }
        }

        return call.PreviousResult ?? new CniResult
        {
            Interfaces = [new CniInterface(Loopback) { Mac = MacAddress.Zero.ToString(), Sandbox = call.Invocation.Netns }],
            Addresses = [.. addresses.OrderBy(a => a.Cidr.IsIPv6).DistinctBy(a => a.Cidr.IsIPv6).Select(a => new CniAddress(a.Cidr) { Interface = 0 })],
        };
    }

    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket route = RouteSocket.Open(sandbox);
        if (!route.Links.Get(Loopback).AdminUp)
        {
            throw new CniException(CniErrorCode.Internal, "loopback interface is down");
        }
    }

    /// <inheritdoc/>
    public void Del(PluginCall call)
    {
        using NetworkNamespace? sandbox = call.FindSandbox();
        if (sandbox is null)
        {
            return;
        }

        using RouteSocket route = RouteSocket.Open(sandbox);
        route.Links.Change(route.Links.IndexOf(Loopback), new LinkChange { AdminUp = false });
    }
}
