using Musubi.Cni.Execution;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Plugins.Firewall;

/// <summary>The keys of the firewall plugin.</summary>
/// <param name="AdminChain">The chain of the administrator's own rules, which come before the containers'.</param>
/// <param name="Policy">Which connections to a container are kept from it.</param>
internal sealed record FirewallConfig(string AdminChain, IngressPolicy Policy)
{
    private const string DefaultAdminChain = "CNI-ADMIN";
    private const int LongestChain = 28; // what iptables(8) takes

    /// <summary>Reads the configuration. The iptables backend's rules are made by nf_tables, in the form that iptables(8) reads.</summary>
    /// <exception cref="CniException">Code 2: the backend is firewalld.</exception>
    public static FirewallConfig Read(PluginCall call)
    {
        switch (call.Config.Text("backend"))
        {
            case null or "" or "iptables" or "nftables":
                break;
            case "firewalld":
                throw new CniException(CniErrorCode.UnsupportedField, "backend \"firewalld\" is not supported: leave the key out, or set it to \"iptables\" or \"nftables\"");
            case var unknown:
                throw CniException.InvalidConfig($"unknown backend \"{unknown}\": backend must be iptables or nftables");
        }

        string admin = call.Config.Text("iptablesAdminChainName") is { Length: > 0 } name ? name : DefaultAdminChain;
        if (admin.Length > LongestChain || admin.Any(c => !char.IsAscii(c) || char.IsWhiteSpace(c) || char.IsControl(c)))
        {
            throw CniException.InvalidConfig($"iptablesAdminChainName \"{admin}\" is not the name of a chain: at most {LongestChain} ASCII characters without spaces");
        }

        return new FirewallConfig(admin, call.Config.Text("ingressPolicy") switch
        {
            null or "" or "open" => IngressPolicy.Open,
            "same-bridge" => IngressPolicy.SameBridge,
            "isolated" => IngressPolicy.Isolated,
            var unknown => throw CniException.InvalidConfig($"unknown ingress policy: \"{unknown}\": ingressPolicy must be open, same-bridge or isolated"),
        });
    }
}

/// <summary>Which connections to a container are kept from it.</summary>
internal enum IngressPolicy
{
    /// <summary>None.</summary>
    Open,

    /// <summary>Those of other bridges with a policy.</summary>
    SameBridge,

    /// <summary>Those of the same bridge too.</summary>
    Isolated,
}
