using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Nftables;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>STATUS of plugins that need the host's firewall.</summary>
internal static class FirewallStatus
{
    /// <summary>Asks nf_tables for something small.</summary>
    /// <exception cref="CniException">Code 50: the kernel has no nf_tables, or we may not use it.</exception>
    public static void Require(PluginCall call)
    {
        try
        {
            using NftSocket nft = NftSocket.Open(call.Host);
            nft.GetGeneration();
        }
        catch (LinuxException e)
        {
            throw new CniException(CniErrorCode.PluginNotAvailable, $"the kernel's nf_tables cannot be used: {e.Message}");
        }
    }
}
