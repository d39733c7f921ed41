using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Bridge;

/// <summary>Both ends of a container's cable.</summary>
/// <param name="Sandbox">The container's end, in the container's namespace.</param>
/// <param name="SandboxMac">Its address.</param>
/// <param name="Host">The port of the bridge.</param>
/// <param name="HostName">Its name.</param>
/// <param name="HostMac">Its address.</param>
internal sealed record BridgePort(LinkIndex Sandbox, MacAddress SandboxMac, LinkIndex Host, string HostName, MacAddress HostMac)
{
    private static readonly TimeSpan _forwardingLimit = TimeSpan.FromSeconds(2.5);

    /// <summary>Makes the cable, one end in the container and one on the host, and plugs the host's end into the bridge.</summary>
    public static BridgePort Create(PluginCall call, BridgeConfig config, RouteSocket sandbox, LinkInfo bridge)
    {
        VethCable cable = VethCable.Create(call, sandbox, call.Invocation.IfName, config.MtuBytes, config.Mac ?? MacAddress.Random());
        BridgePort port = new(cable.Inside, cable.InsideMac, cable.Host, cable.HostName, cable.HostMac);
        try
        {
            Sysctl.TryWrite(call.Host, $"net/ipv6/conf/{port.HostName}/accept_ra", "0");
            RouteBatch batch = call.HostRoute.Batch();
            batch.ChangeLink(port.Host, new LinkChange { Master = bridge.Index, AdminUp = true });
            batch.ChangeBridgePort(port.Host, new BridgePortChange { Hairpin = config.HairpinMode, Isolated = config.PortIsolation });
            AddVlans(batch, config, port.Host);
            batch.Commit();
            return port;
        }
        catch (NetlinkException e)
        {
            sandbox.Links.DeleteIfExists(call.Invocation.IfName);
            throw CniException.Wrap($"failed to connect \"{port.HostName}\" to bridge {bridge.Name}", e);
        }
    }

    /// <summary>Waits until the bridge passes frames of this port.</summary>
    public void WaitForForwarding(PluginCall call)
    {
        OperationalState state = call.HostRoute.Links.Get(Host).OperationalState;
        for (TimeSpan waited = TimeSpan.Zero; state != OperationalState.Up; waited += TimeSpan.FromMilliseconds(5))
        {
            if (waited > _forwardingLimit)
            {
                throw new CniException(CniErrorCode.Internal, $"bridge port in error state: {state.ToString().ToLowerInvariant()}");
            }

            call.Environment.Cancellation.WaitHandle.WaitOne(5);
            call.Environment.Cancellation.ThrowIfCancellationRequested();
            state = call.HostRoute.Links.Get(Host).OperationalState;
        }
    }

    private static void AddVlans(RouteBatch batch, BridgeConfig config, LinkIndex port)
    {
        if (!config.UsesVlans)
        {
            return;
        }

        VlanId defaultVlan = new(1);
        VlanId native = config.Vlan ?? defaultVlan;
        if (!config.PreserveDefaultVlan && native != defaultVlan)
        {
            batch.DeleteBridgeVlans(port, [new BridgeVlan(defaultVlan)]).Tolerate(Errno.ENOENT);
        }

        // The native one last: a trunk that spans it would make it a tagged one again.
        batch.AddBridgeVlans(port, [.. config.Trunk ?? [], new BridgeVlan(native) { Pvid = true, Untagged = true }]);
    }
}
