using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Core;

/// <summary>A sign of life, or a claim on a role.</summary>
public sealed record Lease : KubeObject, IKubeObject<Lease>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("coordination.k8s.io", "v1", "leases", "Lease");

    /// <inheritdoc/>
    public static JsonTypeInfo<Lease> JsonType => ApiJson.Default.Lease;

    /// <summary>The claim.</summary>
    public LeaseSpec? Spec { get; set; }
}

/// <summary>The claim.</summary>
public sealed record LeaseSpec : KubePart
{
    /// <summary>Who holds it.</summary>
    public string? HolderIdentity { get; set; }

    /// <summary>How long it counts without being renewed.</summary>
    public int? LeaseDurationSeconds { get; set; }

    /// <summary>When it was taken.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? AcquireTime { get; set; }

    /// <summary>When it was last renewed.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? RenewTime { get; set; }

    /// <summary>How often it changed hands.</summary>
    public int? LeaseTransitions { get; set; }
}
