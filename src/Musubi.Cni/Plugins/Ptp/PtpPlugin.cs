using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables;

namespace Musubi.Cni.Plugins.Ptp;

/// <summary>Connects a container to the host by a cable and routes, without a bridge.</summary>
internal sealed class PtpPlugin : ICniPlugin
{
    private const int SandboxInterfaceIndex = 1;

    /// <inheritdoc/>
    public string Name => "ptp";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        PtpConfig config = PtpConfig.Read(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);
        string ifName = call.Invocation.IfName;
        Undo undo = new(call.Environment.Log);
        try
        {
            CniResult result = SandboxNetwork.Allocate(call, undo, SandboxInterfaceIndex);
            RequireGateways(result);
            VethCable cable = VethCable.Create(call, inside, ifName, config.MtuBytes, MacAddress.Random());
            undo.Push(() => inside.Links.Delete(cable.Inside));
            PtpRouting.ConfigureHost(call, cable, result);
            PtpRouting.ConfigureInside(inside, sandbox, cable.Inside, ifName, result);
            foreach (bool isIPv6 in result.Addresses.Select(a => a.Address.IsIPv6).Distinct())
            {
                Forwarding.Enable(call, isIPv6);
            }

            if (config.IpMasq)
            {
                undo.Push(() => RemoveRules(call));
                Masquerade.Add(call.Host, Attachment.Of(call), result.Addresses.Select(a => a.Address));
            }

            return result with
            {
                Interfaces =
                [
                    new CniInterface(cable.HostName) { Mac = cable.HostMac.ToString() },
                    new CniInterface(ifName) { Mac = cable.InsideMac.ToString(), Sandbox = call.Invocation.Netns },
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
    public void Check(PluginCall call)
    {
        _ = PtpConfig.Read(call);
        call.RunIpam(CniCommand.Check);
        CniResult result = ResultCheck.PreviousResultOf(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);
        LinkInfo link = ResultCheck.VerifyLink(call, inside, result, "veth");
        LinkInfo? host = link.PeerIndex is { } peer ? call.HostRoute.Links.Find(peer) : null;
        if (host is null || host.PeerIndex != link.Index || !host.AdminUp)
        {
            throw ResultCheck.Failed($"the host's end of {link.Name} is missing or down");
        }

        ResultCheck.Verify(inside, link, result);
    }

    /// <inheritdoc/>
    public void Del(PluginCall call)
    {
        // As with the bridge: rules go first and their socket is closed last, so that one grace period serves rules and link. A key that has become
        // unreadable since counts as set.
        using NftSocket? nft = MayMasquerade(call) ? NftSocket.Open(call.Host) : null;
        try
        {
            if (nft is not null)
            {
                Masquerade.Remove(nft, Attachment.Of(call));
            }
        }
        finally
        {
            SandboxLink.RemoveWithAddresses(call);
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
            if (MayMasquerade(call))
            {
                Masquerade.RemoveInvalid(call.Host, call.NetworkName, call.ValidAttachments);
            }
        }
    }

    /// <inheritdoc/>
    public void Status(PluginCall call) => call.RunIpam(CniCommand.Status);

    private static bool MayMasquerade(PluginCall call) => call.Config.Find("ipMasq") is { ValueKind: not JsonValueKind.False };

    private static void RemoveRules(PluginCall call)
    {
        using NftSocket nft = NftSocket.Open(call.Host);
        Masquerade.Remove(nft, Attachment.Of(call));
    }

    private static void RequireGateways(CniResult result)
    {
        foreach (CniAddress address in result.Addresses)
        {
            if (address.Gateway is null || address.Gateway.AddressFamily != address.Address.Address.AddressFamily)
            {
                throw CniException.InvalidConfig($"ipam gave {address.Address} without a gateway of its family: ptp gives the gateway's address to the host's end");
            }

            if (address.Gateway.Equals(address.Address.Address))
            {
                throw CniException.InvalidConfig($"ipam gave {address.Address} with itself as gateway: the gateway is the host's end, which needs another address");
            }
        }
    }
}
