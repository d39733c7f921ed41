using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Cni;

/// <summary>A network that pods and virtual machines can be attached to: a CNI configuration under a name.</summary>
public sealed record NetworkAttachmentDefinition : KubeObject, IKubeObject<NetworkAttachmentDefinition>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("k8s.cni.cncf.io", "v1", "network-attachment-definitions", "NetworkAttachmentDefinition");

    /// <inheritdoc/>
    public static JsonTypeInfo<NetworkAttachmentDefinition> JsonType => ApiJson.Default.NetworkAttachmentDefinition;

    /// <summary>The configuration.</summary>
    public NetworkAttachmentDefinitionSpec? Spec { get; set; }
}

/// <summary>The configuration.</summary>
public sealed record NetworkAttachmentDefinitionSpec : KubePart
{
    /// <summary>CNI configuration as JSON text; empty means a file on the node with the definition's name.</summary>
    public string? Config { get; set; }
}
