using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Core;

/// <summary>Something that happened to an object.</summary>
public sealed record CoreEvent : KubeObject, IKubeObject<CoreEvent>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("", "v1", "events", "Event");

    /// <inheritdoc/>
    public static JsonTypeInfo<CoreEvent> JsonType => ApiJson.Default.CoreEvent;

    /// <summary>The object.</summary>
    public ObjectReference? InvolvedObject { get; set; }

    /// <summary>Machine-readable reason.</summary>
    public string? Reason { get; set; }

    /// <summary>Text for a person.</summary>
    public string? Message { get; set; }

    /// <summary>Normal or Warning.</summary>
    public string? Type { get; set; }

    /// <summary>How often.</summary>
    public int? Count { get; set; }

    /// <summary>First time.</summary>
    public DateTimeOffset? FirstTimestamp { get; set; }

    /// <summary>Last time.</summary>
    public DateTimeOffset? LastTimestamp { get; set; }

    /// <summary>Who says so.</summary>
    public EventSource? Source { get; set; }

    /// <summary>Who says so.</summary>
    public string? ReportingComponent { get; set; }
}

/// <summary>Who reports an event.</summary>
public sealed record EventSource : KubePart
{
    /// <summary>Component.</summary>
    public string? Component { get; set; }

    /// <summary>Its node.</summary>
    public string? Host { get; set; }
}

/// <summary>Names another object.</summary>
public sealed record ObjectReference : KubePart
{
    /// <summary>Kind.</summary>
    public string? Kind { get; set; }

    /// <summary>API version.</summary>
    public string? ApiVersion { get; set; }

    /// <summary>Namespace.</summary>
    public string? Namespace { get; set; }

    /// <summary>Name.</summary>
    public string? Name { get; set; }

    /// <summary>UID.</summary>
    public string? Uid { get; set; }

    /// <summary>Version.</summary>
    public string? ResourceVersion { get; set; }
}
