using Musubi.Cni.Execution;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Plugins.Portmap;

/// <summary>The keys of the portmap plugin.</summary>
internal sealed record PortmapConfig
{
    private const int HighestMarkBit = 31;

    public required IReadOnlyList<PortMapping> Mappings { get; init; }

    /// <summary>Connections that would come back by another way than they went get the host's address as source.</summary>
    public bool Snat { get; init; } = true;

    /// <summary>All mapped connections do.</summary>
    public bool MasqueradeAll { get; init; }

    public IReadOnlyList<PortmapCondition> ConditionsV4 { get; init; } = [];

    public IReadOnlyList<PortmapCondition> ConditionsV6 { get; init; } = [];

    /// <summary>
    /// Reads the configuration. Every backend is served by nf_tables, and what is to be masqueraded is told by addresses: a mark is not needed,
    /// whether <c>markMasqBit</c> says which or <c>externalSetMarkChain</c> who would set it.
    /// </summary>
    public static PortmapConfig Read(PluginCall call)
    {
        ConfigObject config = call.Config;
        if (config.Text("backend") is { Length: > 0 } backend and not "nftables" and not "iptables")
        {
            throw CniException.InvalidConfig($"unknown backend \"{backend}\": backend must be nftables or iptables");
        }

        int? bit = config.Number("markMasqBit");
        if (bit is not null && config.Text("externalSetMarkChain") is not null)
        {
            throw CniException.InvalidConfig("Cannot specify externalSetMarkChain and markMasqBit");
        }

        if (bit is < 0 or > HighestMarkBit)
        {
            throw CniException.InvalidConfig($"MasqMarkBit must be between 0 and {HighestMarkBit}: markMasqBit is {bit}");
        }

        return new PortmapConfig
        {
            Mappings = PortMapping.ReadAll(call.RuntimeConfig),
            Snat = config.Flag("snat") ?? true,
            MasqueradeAll = config.Flag("masqAll") ?? false,
            ConditionsV4 = PortmapCondition.ReadAll(config, "conditionsV4", isIPv6: false),
            ConditionsV6 = PortmapCondition.ReadAll(config, "conditionsV6", isIPv6: true),
        };
    }

    /// <summary>The mappings that lead to an address of a family.</summary>
    public IEnumerable<PortMapping> MappingsOf(bool isIPv6) => Mappings.Where(m => m.Serves(isIPv6));
}
