using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Core;

/// <summary>Texts by key.</summary>
public sealed record ConfigMap : KubeObject, IKubeObject<ConfigMap>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("", "v1", "configmaps", "ConfigMap");

    /// <inheritdoc/>
    public static JsonTypeInfo<ConfigMap> JsonType => ApiJson.Default.ConfigMap;

    /// <summary>Texts.</summary>
    public Dictionary<string, string>? Data { get; set; }

    /// <summary>Bytes in base64.</summary>
    public Dictionary<string, string>? BinaryData { get; set; }

    /// <summary>No changes any more.</summary>
    public bool? Immutable { get; set; }
}
