using System.Net;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Ipam;

/// <summary>What the IPAM plugins share in reading their part of a configuration.</summary>
internal static class IpamArguments
{
    /// <summary>The <c>ipam</c> object.</summary>
    /// <exception cref="CniException">Code 7: there is none.</exception>
    public static ConfigObject Ipam(PluginCall call) =>
        call.Config.Object("ipam") ?? throw CniException.InvalidConfig("IPAM config missing 'ipam' key");

    /// <summary>Versions before 0.3.0 can express one address of each family.</summary>
    public static void RequireExpressible(PluginCall call, int v4, int v6)
    {
        if (call.Version < CniVersion.V030 && (v4 > 1 || v6 > 1))
        {
            throw CniException.InvalidConfig($"CNI version {call.Version} does not support more than 1 address per family");
        }
    }

    /// <summary>A next hop given as text.</summary>
    public static IPAddress ParseAddress(string text, string what) => Linux.Addresses.IpText.TryParseAddress(text, out IPAddress? address)
        ? address
        : throw CniException.InvalidConfig($"invalid {what}: \"{text}\" is not an IP address");
}
