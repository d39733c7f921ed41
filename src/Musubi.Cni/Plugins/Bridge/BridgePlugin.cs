using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables;

namespace Musubi.Cni.Plugins.Bridge;

/// <summary>Connects a container to a Linux bridge of the host by a veth pair; with IPAM it is routed, without it is plain layer 2.</summary>
/// <param name="name">The type it was asked for by: <c>bridge</c>, or <c>cnv-bridge</c>, which is the same.</param>
internal sealed partial class BridgePlugin(string name) : ICniPlugin
{
    private const int SandboxInterfaceIndex = 2;

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        BridgeConfig config = BridgeConfig.Read(call);
        if (call.IpamType is null)
        {
            CniResultJson.RequireLayer2Support(call.Version);
        }

        LinkInfo bridge = BridgeDevice.Ensure(call, config);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket sandboxRoute = RouteSocket.Open(sandbox);
        Undo undo = new(call.Environment.Log);
        try
        {
            BridgePort port = BridgePort.Create(call, config, sandboxRoute, bridge);
            undo.Push(() => sandboxRoute.Links.DeleteIfExists(call.Invocation.IfName));
            if (config.MacSpoofCheck)
            {
                MacSpoofCheck.Add(call.Host, Attachment.Of(call), port.HostName, port.SandboxMac);
                undo.Push(() => RemoveRules(call, config));
            }

            CniResult result = call.IpamType is null
                ? AddLayer2(sandboxRoute, config, port)
                : AddLayer3(call, config, sandbox, sandboxRoute, bridge, port, undo);
            if (!config.DisableContainerInterface)
            {
                port.WaitForForwarding(call);
            }

            return result with
            {
                Interfaces =
                [
                    new CniInterface(bridge.Name) { Mac = bridge.Mac?.ToString() },
                    new CniInterface(port.HostName) { Mac = port.HostMac.ToString() },
                    new CniInterface(call.Invocation.IfName) { Mac = port.SandboxMac.ToString(), Sandbox = call.Invocation.Netns },
                    .. result.Interfaces,
                ],
                Dns = config.Dns.IsEmpty ? result.Dns : config.Dns,
            };
        }
        catch (Exception)
        {
            undo.Run();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Del(PluginCall call)
    {
        // Rules are keyed by the attachment, not by the link or its addresses, and go even when the namespace is gone. They go first and
        // their socket is closed last: closing waits for the grace period after which the kernel frees them, and by then the one that
        // removing the link waits for is over as well. A key that has become unreadable since counts as set.
        bool masquerade = MayBeSet(call, "ipMasq");
        bool spoofCheck = MayBeSet(call, "macspoofchk");
        using NftSocket? nft = masquerade || spoofCheck ? NftSocket.Open(call.Host) : null;
        try
        {
            RemoveRules(nft, masquerade, spoofCheck, Attachment.Of(call));
        }
        finally
        {
            call.Detach(() => RemoveLink(call));
        }
    }

    /// <inheritdoc/>
    public void Gc(PluginCall call)
    {
        try
        {
            call.RunIpam(CniCommand.Gc);
        }
        finally
        {
            if (MayBeSet(call, "ipMasq"))
            {
                Masquerade.RemoveInvalid(call.Host, call.NetworkName, call.ValidAttachments);
            }

            if (MayBeSet(call, "macspoofchk"))
            {
                MacSpoofCheck.RemoveInvalid(call.Host, call.NetworkName, call.ValidAttachments);
            }
        }
    }

    /// <inheritdoc/>
    public void Status(PluginCall call) => call.RunIpam(CniCommand.Status);

    private static void RemoveLink(PluginCall call)
    {
        using NetworkNamespace? sandbox = call.FindSandbox();
        if (sandbox is not null)
        {
            using RouteSocket route = RouteSocket.Open(sandbox);
            route.Links.DeleteIfExists(call.Invocation.IfName);
        }
    }

    private static void RemoveRules(PluginCall call, BridgeConfig config)
    {
        using NftSocket nft = NftSocket.Open(call.Host);
        RemoveRules(nft, config.IpMasq, config.MacSpoofCheck, Attachment.Of(call));
    }

    private static void RemoveRules(NftSocket? nft, bool masquerade, bool spoofCheck, Attachment attachment)
    {
        if (nft is not null && spoofCheck)
        {
            MacSpoofCheck.Remove(nft, attachment);
        }

        if (nft is not null && masquerade)
        {
            Masquerade.Remove(nft, attachment);
        }
    }

    private static bool MayBeSet(PluginCall call, string key) => call.Config.Find(key) is { ValueKind: not JsonValueKind.False };

    private static CniResult AddLayer2(RouteSocket sandboxRoute, BridgeConfig config, BridgePort port)
    {
        if (!config.DisableContainerInterface)
        {
            sandboxRoute.Links.Change(port.Sandbox, new LinkChange { AdminUp = true });
        }

        return new CniResult();
    }

    private static CniResult AddLayer3(
        PluginCall call, BridgeConfig config, NetworkNamespace sandbox, RouteSocket sandboxRoute, LinkInfo bridge, BridgePort port, Undo undo)
    {
        CniResult given = call.RunIpam(CniCommand.Add)!;
        undo.Push(() => call.RunIpam(CniCommand.Del));
        if (given.Addresses.Count == 0)
        {
            throw new CniException(CniErrorCode.Internal, "IPAM plugin returned missing IP config");
        }

        CniResult result = Complete(given, config);
        string ifName = call.Invocation.IfName;
        TuneNeighbourDiscovery(sandbox, ifName, config.EnableDad);
        SandboxInterface.Configure(
            sandboxRoute, sandbox, port.Sandbox, ifName, SandboxInterfaceIndex, result, config.EnableDad, call.Environment.Cancellation);
        if (config.IsGateway)
        {
            result = result with { Interfaces = AddGateways(call, config, bridge, result) };
        }

        if (config.IpMasq)
        {
            Masquerade.Add(call.Host, Attachment.Of(call), result.Addresses.Select(a => a.Address));
            undo.Push(() => RemoveRules(call, config));
        }

        return result;
    }

    /// <summary>Fills in gateways and default routes.</summary>
    private static CniResult Complete(CniResult given, BridgeConfig config)
    {
        CniAddress[] addresses = [.. given.Addresses.Select(a => a with
        {
            Interface = SandboxInterfaceIndex,
            Gateway = a.Gateway ?? (config.IsGateway ? BridgeDevice.FirstAddress(a.Address) : null),
        })];
        List<CniRoute> routes = [.. given.Routes];
        if (config.IsDefaultGateway)
        {
            foreach (CniAddress address in addresses)
            {
                // A default route that IPAM gave without a gateway is one all the same: a second one would collide with it.
                if (!routes.Any(r => r.IsDefault && r.Destination.IsIPv6 == address.Address.IsIPv6))
                {
                    routes.Add(new CniRoute(Cidr.Parse(address.Address.IsIPv6 ? "::/0" : "0.0.0.0/0")) { Gateway = address.Gateway });
                }
            }
        }

        return given with { Addresses = addresses, Routes = routes };
    }

    private static IReadOnlyList<CniInterface> AddGateways(PluginCall call, BridgeConfig config, LinkInfo bridge, CniResult result)
    {
        LinkInfo device = config.Vlan is null ? bridge : VlanGateway.Ensure(call, config, bridge);
        foreach (CniAddress address in result.Addresses)
        {
            BridgeDevice.EnsureGateway(call, config, device, new Cidr(address.Gateway!, address.Address.PrefixLength));
            Forwarding.Enable(call, address.Address.IsIPv6);
        }

        return config.Vlan is null ? [] : [new CniInterface(device.Name) { Mac = device.Mac?.ToString() }];
    }

    /// <summary>Announce the address when the link comes up; look for duplicates only when asked to.</summary>
    private static void TuneNeighbourDiscovery(NetworkNamespace sandbox, string ifName, bool detectDuplicates)
    {
        Sysctl.TryWrite(sandbox, $"net/ipv4/conf/{ifName}/arp_notify", "1");
        Sysctl.TryWrite(sandbox, $"net/ipv6/conf/{ifName}/accept_dad", detectDuplicates ? "1" : "0");
        if (detectDuplicates)
        {
            Sysctl.TryWrite(sandbox, $"net/ipv6/conf/{ifName}/enhanced_dad", "1");
        }
    }
}
