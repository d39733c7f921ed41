using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Musubi.Kubernetes.Objects;

/// <summary>What every API object has: type, metadata, and whatever fields this program does not know.</summary>
/// <remarks>Objects that came out of a cache are shared: read them, never change them.</remarks>
public abstract record KubeObject
{
    /// <summary><c>v1</c> or <c>group/version</c>.</summary>
    [JsonPropertyOrder(-3)]
    public string? ApiVersion { get; set; }

    /// <summary>Kind, as <c>Pod</c>.</summary>
    [JsonPropertyOrder(-2)]
    public string? Kind { get; set; }

    /// <summary>Name, labels, owners and the rest.</summary>
    [JsonPropertyOrder(-1)]
    public ObjectMeta Metadata { get => field; set => field = value ?? new ObjectMeta(); } = new();

    /// <summary>Fields that this program has no property for, so that reading and writing back loses nothing.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Extra { get; set; }

    /// <summary>Namespace and name.</summary>
    [JsonIgnore]
    public ObjectKey Key => new(Metadata.Namespace ?? "", Metadata.Name ?? "");

    /// <summary>Whether deletion was asked for and only finalizers or a grace period hold the object.</summary>
    [JsonIgnore]
    public bool IsTerminating => Metadata.DeletionTimestamp is not null;
}

/// <summary>Tells generic code where objects of a type live in the API and how they are written as JSON.</summary>
public interface IKubeObject<TSelf>
    where TSelf : KubeObject, IKubeObject<TSelf>
{
    /// <summary>Group, version, plural and kind.</summary>
    static abstract ResourceType Resource { get; }

    /// <summary>Source-generated JSON contract.</summary>
    static abstract JsonTypeInfo<TSelf> JsonType { get; }
}

/// <summary>A part of an API object that keeps the fields it has no property for.</summary>
public abstract record KubePart
{
    /// <summary>Fields that this program has no property for.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Extra { get; set; }
}
