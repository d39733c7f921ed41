using Musubi.Cni.Execution;
using Musubi.Linux;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>Makes the host a router.</summary>
internal static class Forwarding
{
    /// <summary>Lets the host forward packets of an address family.</summary>
    public static void Enable(PluginCall call, bool ipv6) =>
        Sysctl.Ensure(call.Host, ipv6 ? "net/ipv6/conf/all/forwarding" : "net/ipv4/ip_forward", "1");
}
