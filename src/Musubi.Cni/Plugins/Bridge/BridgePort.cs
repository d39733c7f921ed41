using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
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
    private const int NameAttempts = 10;
    private static readonly TimeSpan _forwardingLimit = TimeSpan.FromSeconds(2.5);

    /// <summary>Makes the cable, one end in the container and one on the host, and plugs the host's end into the bridge.</summary>
    public static BridgePort Create(PluginCall call, BridgeConfig config, RouteSocket sandbox, LinkInfo bridge)
    {
        BridgePort port = CreateCable(call, sandbox, call.Invocation.IfName, config.MtuBytes, config.Mac ?? MacAddress.Random());
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

    /// <summary>Makes a cable between a container and the host.</summary>
    /// <remarks>Both addresses are set when the ends are made: an end without one of its own may get another from the host's device manager.</remarks>
    public static BridgePort CreateCable(PluginCall call, RouteSocket sandbox, string name, int? mtuBytes, MacAddress mac)
    {
        NetworkNamespace? opened = null;
        NetworkNamespace host = call.Host ?? (opened = NetworkNamespace.OpenCurrent());
        try
        {
            for (int attempt = 1; ; attempt++)
            {
                string hostName = RandomName();
                MacAddress hostMac = MacAddress.Random();
                try
                {
                    LinkIndex index = sandbox.Links.Create(new VethLink(name, hostName) { Mac = mac, MtuBytes = mtuBytes, PeerNamespace = host, PeerMac = hostMac });
                    return new BridgePort(index, mac, call.HostRoute.Links.IndexOf(hostName), hostName, hostMac);
                }
                catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
                {
                    if (sandbox.Links.Find(name) is not null)
                    {
                        throw new CniException(CniErrorCode.Internal, $"container veth name (\"{name}\") peer provided (\"{hostName}\") already exists");
                    }

                    if (attempt == NameAttempts)
                    {
                        throw CniException.Wrap($"failed to find a free name for the host's end of \"{name}\" in {NameAttempts} attempts", e);
                    }
                }
            }
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to make veth pair for \"{name}\"", e);
        }
        finally
        {
            opened?.Dispose();
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

    private static string RandomName()
    {
        Span<byte> random = stackalloc byte[4];
        KernelRandom.Fill(random);
        return $"veth{Convert.ToHexStringLower(random)}";
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
