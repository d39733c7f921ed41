using System.Net;
using System.Net.Sockets;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Bridge;

/// <summary>The bridge on the host's side, shared by every container of its networks: made when missing, never removed.</summary>
internal static class BridgeDevice
{
    /// <summary>Finds the bridge or makes it. An existing one keeps its options; concurrent makers all succeed.</summary>
    public static LinkInfo Ensure(PluginCall call, BridgeConfig config)
    {
        try
        {
            LinkInfo bridge = call.HostRoute.Links.Find(config.Bridge) ?? Create(call, config);
            if (bridge.Kind != "bridge")
            {
                throw CniException.InvalidConfig($"\"{config.Bridge}\" already exists but is not a bridge");
            }

            if (!bridge.AdminUp)
            {
                // Before it is up, so that no router is listened to in between; whoever made it may have been killed before this.
                Sysctl.TryWrite(call.Host, $"net/ipv6/conf/{config.Bridge}/accept_ra", "0");
            }

            bool promiscuous = config.PromiscMode && !bridge.Flags.HasFlag(LinkFlags.Promiscuous);
            if (promiscuous || !bridge.AdminUp)
            {
                call.HostRoute.Links.Change(bridge.Index, new LinkChange { AdminUp = true, Promiscuous = promiscuous ? true : null });
            }

            return bridge;
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to create bridge \"{config.Bridge}\"", e);
        }
    }

    private static LinkInfo Create(PluginCall call, BridgeConfig config)
    {
        try
        {
            // A bridge without an address of its own takes its lowest port's, and changes it as ports come and go.
            call.HostRoute.Links.Create(new BridgeLink(config.Bridge)
            {
                MtuBytes = config.MtuBytes,
                Mac = MacAddress.Random(),
                VlanFiltering = config.Vlan is not null || config.Trunk is not null ? true : null,
            });
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
        {
            // Another ADD was faster.
        }

        return call.HostRoute.Links.Get(config.Bridge);
    }

    /// <summary>Puts a network's gateway address on the bridge, or on the VLAN's gateway interface.</summary>
    public static void EnsureGateway(PluginCall call, BridgeConfig config, LinkInfo device, Cidr gateway)
    {
        AddressRequests requests = call.HostRoute.Addresses;
        AddressFamily family = gateway.Address.AddressFamily;
        foreach (InterfaceAddress present in requests.List(device.Index, family))
        {
            if (present.Cidr == gateway)
            {
                return;
            }

            bool inTheWay = gateway.IsIPv6 ? present.Cidr.Overlaps(gateway) : true;
            if (!inTheWay)
            {
                continue;
            }

            if (!config.ForceAddress)
            {
                throw new CniException(CniErrorCode.Internal,
                    $"\"{device.Name}\" already has an IP address different from {gateway}: it has {present.Cidr}; set forceAddress to replace it");
            }

            requests.Delete(device.Index, present.Cidr);
        }

        try
        {
            requests.Add(device.Index, GivenAddress.Of(gateway, config.EnableDad));
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
        {
            // Another ADD was faster.
        }

        // An address set, even to the same value, is kept: the gateway's must not follow the ports'.
        if (device.Mac is { } mac)
        {
            call.HostRoute.Links.Change(device.Index, new LinkChange { Mac = mac });
        }
    }

    /// <summary>The first address of a network, which is its gateway when none is named.</summary>
    public static IPAddress FirstAddress(Cidr network) => IpText.Add(network.Network.Address, 1);
}
