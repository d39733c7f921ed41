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
            return call.HostRoute.Links.Find(name) ?? Create(call, config, bridge, name);
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to make the gateway interface \"{name}\"", e);
        }
    }

    private static LinkInfo Create(PluginCall call, BridgeConfig config, LinkInfo bridge, string name)
    {
        RouteSocket host = call.HostRoute;
        VethCable cable;
        try
        {
            cable = VethCable.Create(call, host, name, bridge.MtuBytes, MacAddress.Random());
        }
        catch (CniException) when (host.Links.Find(name) is { } made)
        {
            return made; // another ADD was faster
        }

        Sysctl.TryWrite(call.Host, $"net/ipv6/conf/{cable.HostName}/accept_ra", "0");
        Sysctl.TryWrite(call.Host, $"net/ipv6/conf/{name}/accept_ra", "0");
        host.Batch()
            .ChangeLink(cable.Host, new LinkChange { Master = bridge.Index, AdminUp = true })
            .DeleteBridgeVlans(cable.Host, [new BridgeVlan(new VlanId(1))]).Tolerate(Errno.ENOENT)
            .AddBridgeVlans(cable.Host, [new BridgeVlan(config.Vlan!.Value) { Pvid = true, Untagged = true }])
            .ChangeLink(cable.Inside, new LinkChange { AdminUp = true })
            .Commit();
        return host.Links.Get(name);
    }
}
