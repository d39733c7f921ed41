using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Bridge;

/// <summary>
/// Where a VLAN's gateway address lives: a veth named BRIDGE.VLAN whose other end is a port of the bridge in that VLAN. Made when
/// missing, never removed.
/// </summary>
internal static class VlanGateway
{
    public static LinkInfo Ensure(PluginCall call, BridgeConfig config, LinkInfo bridge)
    {
        string name = $"{bridge.Name}.{config.Vlan}";
        try
        {
            LinkInfo gateway = call.HostRoute.Links.Find(name) ?? Create(call, bridge, name);
            if (!gateway.AdminUp)
            {
                Connect(call, config, bridge, gateway);
            }

            return gateway;
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to make the gateway interface \"{name}\"", e);
        }
    }

    private static LinkInfo Create(PluginCall call, LinkInfo bridge, string name)
    {
        try
        {
            VethCable.Create(call, call.HostRoute, name, bridge.MtuBytes, MacAddress.Random());
        }
        catch (CniException) when (call.HostRoute.Links.Find(name) is not null)
        {
            // Another ADD was faster.
        }

        return call.HostRoute.Links.Get(name);
    }

    /// <summary>Plugs a cable that is new, or whose maker was killed, into the bridge. Its gateway's end is set up last, which tells that all is done.</summary>
    private static void Connect(PluginCall call, BridgeConfig config, LinkInfo bridge, LinkInfo gateway)
    {
        LinkInfo port = gateway.PeerIndex is { } peer && call.HostRoute.Links.Find(peer) is { } found
            ? found
            : throw CniException.InvalidConfig($"\"{gateway.Name}\" already exists but is not a cable of this host");
        Sysctl.TryWrite(call.Host, $"net/ipv6/conf/{port.Name}/accept_ra", "0");
        Sysctl.TryWrite(call.Host, $"net/ipv6/conf/{gateway.Name}/accept_ra", "0");
        call.HostRoute.Batch()
            .ChangeLink(port.Index, new LinkChange { Master = bridge.Index, AdminUp = true })
            .DeleteBridgeVlans(port.Index, [new BridgeVlan(new VlanId(1))]).Tolerate(Errno.ENOENT)
            .AddBridgeVlans(port.Index, [new BridgeVlan(config.Vlan!.Value) { Pvid = true, Untagged = true }])
            .ChangeLink(gateway.Index, new LinkChange { AdminUp = true })
            .Commit();
    }
}
