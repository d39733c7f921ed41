using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Plugins.Ptp;

/// <summary>The keys of the ptp plugin.</summary>
internal sealed record PtpConfig
{
    /// <summary>The container's addresses are hidden behind the host's.</summary>
    public bool IpMasq { get; init; }

    /// <summary>Null leaves it to the kernel.</summary>
    public int? MtuBytes { get; init; }

    public CniDns Dns { get; init; } = CniDns.Empty;

    public static PtpConfig Read(PluginCall call)
    {
        string? backend = call.Config.Text("ipMasqBackend");
        if (backend is { Length: > 0 } and not "nftables" and not "iptables")
        {
            throw CniException.InvalidConfig($"unknown ipmasq backend \"{backend}\"");
        }

        return call.IpamType is null
            ? throw CniException.InvalidConfig("ptp needs addresses: ipam.type must name the plugin that gives them")
            : new PtpConfig
            {
                IpMasq = call.Config.Flag("ipMasq") ?? false,
                MtuBytes = InterfaceKeys.ReadMtu(call),
                Dns = CniDns.Read(call.Config.Object("dns")),
            };
    }
}
