using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Core;

/// <summary>A name and address for a set of pods.</summary>
public sealed record Service : KubeObject, IKubeObject<Service>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("", "v1", "services", "Service");

    /// <inheritdoc/>
    public static JsonTypeInfo<Service> JsonType => ApiJson.Default.Service;

    /// <summary>Wanted state.</summary>
    public ServiceSpec? Spec { get; set; }

    /// <summary>Observed state.</summary>
    public JsonElement? Status { get; set; }
}

/// <summary>Wanted state of a service.</summary>
public sealed record ServiceSpec : KubePart
{
    /// <summary>ClusterIP, NodePort, LoadBalancer or ExternalName.</summary>
    public string? Type { get; set; }

    /// <summary>Labels of its pods.</summary>
    public Dictionary<string, string>? Selector { get; set; }

    /// <summary>First address, or <c>None</c>.</summary>
    [JsonPropertyName("clusterIP")]
    public string? ClusterIP { get; set; }

    /// <summary>Addresses, at most one per family.</summary>
    [JsonPropertyName("clusterIPs")]
    public List<string>? ClusterIPs { get; set; }

    /// <summary>Ports.</summary>
    public List<ServicePort>? Ports { get; set; }
}

/// <summary>One port of a service.</summary>
public sealed record ServicePort : KubePart
{
    /// <summary>Name.</summary>
    public string? Name { get; set; }

    /// <summary>TCP, UDP or SCTP.</summary>
    public string? Protocol { get; set; }

    /// <summary>Port clients use.</summary>
    public int Port { get; set; }

    /// <summary>Port number or name at the pods.</summary>
    public JsonElement? TargetPort { get; set; }

    /// <summary>Port on every node.</summary>
    public int? NodePort { get; set; }
}
