using System.Net;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Nftables;

namespace Musubi.Cni.Plugins.Firewall;

/// <summary>Lets a container's traffic pass the host's firewall, and keeps bridges apart. Comes after a plugin that gives the container addresses.</summary>
internal sealed class FirewallPlugin : ICniPlugin
{
    /// <inheritdoc/>
    public string Name => "firewall";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        FirewallConfig config = FirewallConfig.Read(call);
        CniResult result = ChainedResult.Require(call);
        string bridge = BridgeOf(config, result);
        if (result.Addresses.Count == 0)
        {
            return result;
        }

        using NftSocket nft = NftSocket.Open(call.Host);
        try
        {
            FirewallRules.Add(nft, Attachment.Of(call), config, AddressesOf(result), bridge);
        }
        catch (LinuxException e)
        {
            throw CniException.Wrap("unable to set up firewall rules", e);
        }

        return result;
    }

    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        FirewallConfig config = FirewallConfig.Read(call);
        CniResult result = ChainedResult.Require(call);
        using NftSocket nft = NftSocket.Open(call.Host);
        if (FirewallRules.FindMissing(nft, config, AddressesOf(result), BridgeOf(config, result)) is { } missing)
        {
            throw ResultCheck.Failed($"expected {missing}, not found");
        }
    }

    /// <inheritdoc/>
    public void Del(PluginCall call)
    {
        using NftSocket nft = NftSocket.Open(call.Host);
        FirewallRules.Remove(nft, Attachment.Of(call), call.FindPreviousResult() is { } result ? AddressesOf(result) : []);
    }

    /// <inheritdoc/>
    public void Gc(PluginCall call)
    {
        using NftSocket nft = NftSocket.Open(call.Host);
        OwnedRules.Remove(nft, FirewallRules.Chains, OwnedRules.Stale(call.NetworkName, call.ValidAttachments));
    }

    /// <inheritdoc/>
    public void Status(PluginCall call)
    {
        FirewallConfig.Read(call);
        FirewallStatus.Require(call);
    }

    private static IReadOnlyList<IPAddress> AddressesOf(CniResult result) => [.. result.Addresses.Select(a => a.Address.Address)];

    /// <summary>The bridge a policy is about, which is the first interface that the plugin before reports.</summary>
    private static string BridgeOf(FirewallConfig config, CniResult result)
    {
        if (config.Policy == IngressPolicy.Open)
        {
            return "";
        }

        return result.Interfaces.Count > 0 && result.Interfaces[0] is { Name.Length: > 0 and < 16, Sandbox: null or "" } bridge
            ? bridge.Name
            : throw CniException.InvalidConfig("ingressPolicy needs a bridge as first interface of prevResult: chain the plugin \"firewall\" with \"bridge\"");
    }
}
