using System.Net;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Conntrack;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Portmap;

/// <summary>Leads ports of the host to ports of a container, by address translation. Comes after a plugin that gives the container addresses.</summary>
internal sealed class PortmapPlugin : ICniPlugin
{
    /// <inheritdoc/>
    public string Name => "portmap";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        PortmapConfig config = PortmapConfig.Read(call);
        CniResult result = ChainedResult.Require(call);
        IReadOnlyList<Cidr> addresses = AddressesToServe(call, config, result);
        if (addresses.Count == 0)
        {
            return result;
        }

        if (config.Snat)
        {
            LetLoopbackOut(call, addresses);
        }

        using (NftSocket nft = NftSocket.Open(call.Host))
        {
            try
            {
                PortmapRules.Add(nft, Attachment.Of(call), config, addresses);
            }
            catch (LinuxException e)
            {
                throw CniException.Wrap("unable to set up nftables rules for port mappings", e);
            }
        }

        ForgetConnections(call, config, addresses);
        return result;
    }

    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        PortmapConfig config = PortmapConfig.Read(call);
        CniResult result = ChainedResult.Require(call);
        Attachment attachment = Attachment.Of(call);
        using NftSocket nft = NftSocket.Open(call.Host);
        foreach (Cidr address in AddressesToServe(call, config, result))
        {
            if (PortmapRules.FindMissing(nft, attachment, config, address) is { } missing)
            {
                throw ResultCheck.Failed($"no rule leads host port {missing.HostPort}/{missing.Protocol.ToString().ToLowerInvariant()} to {IpText.Format(address.Address)} port {missing.ContainerPort}");
            }

            if (config.Snat && !PortmapRules.IsMasqueraded(nft, attachment, address))
            {
                throw ResultCheck.Failed($"no rule masquerades connections of {IpText.Format(address.Address)} to its own host ports");
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>Rules are told by the attachment alone, so that a configuration that changed meanwhile, or has no mappings any more, is none the less cleaned up after.</remarks>
    public void Del(PluginCall call)
    {
        using NftSocket nft = NftSocket.Open(call.Host);
        PortmapRules.Remove(nft, Attachment.Of(call));
    }

    /// <inheritdoc/>
    public void Gc(PluginCall call)
    {
        using NftSocket nft = NftSocket.Open(call.Host);
        OwnedRules.Remove(nft, PortmapRules.Tables, OwnedRules.Stale(call.NetworkName, call.ValidAttachments));
    }

    /// <inheritdoc/>
    public void Status(PluginCall call)
    {
        PortmapConfig.Read(call);
        FirewallStatus.Require(call);
    }

    /// <summary>The container's address of each family that a mapping is for.</summary>
    private static IReadOnlyList<Cidr> AddressesToServe(PluginCall call, PortmapConfig config, CniResult result) =>
        [.. ChainedResult.FirstOfEachFamily(result, call.Invocation.IfName).Where(a => config.MappingsOf(a.IsIPv6).Any())];

    private static bool IsOwn(PluginCall call, IPAddress address)
    {
        try
        {
            return call.HostRoute.Routes.Lookup(address).Type == RouteType.Local;
        }
        catch (NetlinkException)
        {
            return false;
        }
    }

    /// <summary>Lets packets of 127.0.0.1 leave by the interface that leads to the container, where they get another source.</summary>
    private static void LetLoopbackOut(PluginCall call, IReadOnlyList<Cidr> addresses)
    {
        foreach (IPAddress address in addresses.Where(a => !a.IsIPv6).Select(a => a.Address))
        {
            try
            {
                if (call.HostRoute.Routes.Lookup(address).Link is { } link)
                {
                    Sysctl.Ensure(call.Host, $"net/ipv4/conf/{call.HostRoute.Links.Get(link).Name}/route_localnet", "1");
                }
            }
            catch (NetlinkException)
            {
                // No route of the host leads to the container: then 127.0.0.1 does not either.
            }
            catch (LinuxException e)
            {
                throw CniException.Wrap("unable to enable route_localnet", e);
            }
        }
    }

    /// <summary>Makes running exchanges of datagrams with the mapped ports begin anew: they would go on to where they went before the rules were there.</summary>
    private static void ForgetConnections(PluginCall call, PortmapConfig config, IReadOnlyList<Cidr> addresses)
    {
        if (!config.Mappings.Any(m => m.Protocol == NftTransport.Udp))
        {
            return;
        }

        try
        {
            // Looking for them takes longer than all else: not where nothing is tracked.
            if (Sysctl.Read(call.Host, "net/netfilter/nf_conntrack_count") == "0")
            {
                return;
            }

            using ConntrackSocket conntrack = ConntrackSocket.Open(call.Host);
            foreach (Cidr address in addresses)
            {
                HashSet<ushort> ports = [.. config.MappingsOf(address.IsIPv6).Where(m => m.Protocol == NftTransport.Udp).Select(m => m.HostPort)];
                IReadOnlyList<ConntrackEntry> entries = ports.Count == 0
                    ? []
                    : conntrack.List(address.Address.AddressFamily, ConntrackEntry.Udp, ports.Count == 1 ? ports.First() : null);

                // Those of others that only pass through this host, or go out from it, are not led astray.
                foreach (ConntrackEntry entry in entries.Where(e => ports.Contains(e.DestinationPort) && IsOwn(call, e.Destination)))
                {
                    conntrack.Delete(entry);
                }
            }
        }
        catch (LinuxException e)
        {
            call.Environment.Log.WriteLine($"failed to delete stale UDP conntrack entries: {e.Message}");
        }
    }
}
