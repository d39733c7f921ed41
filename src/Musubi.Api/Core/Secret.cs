using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Core;

/// <summary>Bytes by key, kept from view.</summary>
public sealed record Secret : KubeObject, IKubeObject<Secret>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("", "v1", "secrets", "Secret");

    /// <inheritdoc/>
    public static JsonTypeInfo<Secret> JsonType => ApiJson.Default.Secret;

    /// <summary>What the keys mean.</summary>
    public string? Type { get; set; }

    /// <summary>Bytes in base64.</summary>
    public Dictionary<string, string>? Data { get; set; }

    /// <summary>No changes any more.</summary>
    public bool? Immutable { get; set; }
}
