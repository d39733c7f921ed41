namespace Musubi.Api.KubeVirt.Validation;

/// <summary>What a cluster permits.</summary>
internal sealed record RuleOptions
{
    public static RuleOptions Default { get; } = new();

    /// <summary>Whether a machine may be bridged to the cluster's network.</summary>
    public bool BridgeOnPodNetwork { get; init; } = true;

    /// <summary>Whether ports 49152 and 49153 are kept for migration.</summary>
    public bool ReservedMigrationPorts { get; init; } = true;

    /// <summary>Network binding plugins that are registered.</summary>
    public IReadOnlyList<string> BindingPlugins { get; init; } = [];
}
