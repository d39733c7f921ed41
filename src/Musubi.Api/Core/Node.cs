using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Core;

/// <summary>A machine, or a network namespace that stands for one.</summary>
public sealed record Node : KubeObject, IKubeObject<Node>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("", "v1", "nodes", "Node", Namespaced: false);

    /// <inheritdoc/>
    public static JsonTypeInfo<Node> JsonType => ApiJson.Default.Node;

    /// <summary>Wanted state.</summary>
    public NodeSpec? Spec { get; set; }

    /// <summary>Observed state.</summary>
    public NodeStatus? Status { get; set; }
}

/// <summary>Wanted state of a node.</summary>
public sealed record NodeSpec : KubePart
{
    /// <summary>No new pods.</summary>
    public bool? Unschedulable { get; set; }

    /// <summary>What pods must tolerate.</summary>
    public List<Taint>? Taints { get; set; }

    /// <summary>First range of pod addresses.</summary>
    public string? PodCIDR { get; set; }

    /// <summary>Ranges of pod addresses, at most one per family.</summary>
    public List<string>? PodCIDRs { get; set; }

    /// <summary>Identity at the provider.</summary>
    public string? ProviderID { get; set; }
}

/// <summary>What pods must tolerate.</summary>
public sealed record Taint : KubePart
{
    /// <summary>Key.</summary>
    public string Key { get; set; } = "";

    /// <summary>Value.</summary>
    public string? Value { get; set; }

    /// <summary>NoSchedule, PreferNoSchedule or NoExecute.</summary>
    public string Effect { get; set; } = "";

    /// <summary>Since when.</summary>
    public DateTimeOffset? TimeAdded { get; set; }
}

/// <summary>Observed state of a node.</summary>
public sealed record NodeStatus : KubePart
{
    /// <summary>All there is.</summary>
    public Dictionary<string, Quantity>? Capacity { get; set; }

    /// <summary>What pods may have.</summary>
    public Dictionary<string, Quantity>? Allocatable { get; set; }

    /// <summary>Ready and others.</summary>
    public List<Condition>? Conditions { get; set; }

    /// <summary>How to reach it.</summary>
    public List<NodeAddress>? Addresses { get; set; }

    /// <summary>Versions, as reported.</summary>
    public JsonElement? NodeInfo { get; set; }
}

/// <summary>One address of a node.</summary>
public sealed record NodeAddress : KubePart
{
    /// <summary>InternalIP, Hostname and others.</summary>
    public string Type { get; set; } = "";

    /// <summary>The address.</summary>
    public string Address { get; set; } = "";
}
