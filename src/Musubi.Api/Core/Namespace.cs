using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Core;

/// <summary>Keeps names apart.</summary>
public sealed record Namespace : KubeObject, IKubeObject<Namespace>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("", "v1", "namespaces", "Namespace", Namespaced: false);

    /// <inheritdoc/>
    public static JsonTypeInfo<Namespace> JsonType => ApiJson.Default.Namespace;

    /// <summary>Finalizers.</summary>
    public JsonElement? Spec { get; set; }

    /// <summary>Observed state.</summary>
    public NamespaceStatus? Status { get; set; }
}

/// <summary>Observed state of a namespace.</summary>
public sealed record NamespaceStatus : KubePart
{
    /// <summary>Active or Terminating.</summary>
    public string? Phase { get; set; }
}
