using System.Text.Json.Serialization;

namespace Musubi.Node.Sandboxes;

/// <summary>
/// What the node has made for a pod, on disk in the pod's directory. Every part is written down before it is made, so that
/// whatever process finds the file after a crash can remove all of it.
/// </summary>
internal sealed record SandboxRecord
{
    public required string Namespace { get; init; }

    public required string Name { get; init; }

    public required string Uid { get; init; }

    /// <summary>Path of the pod's network namespace.</summary>
    public required string Netns { get; init; }

    /// <summary>Control group, below the hierarchies' roots.</summary>
    public required string Cgroup { get; init; }

    /// <summary>Networks in the order of attaching.</summary>
    public IReadOnlyList<SandboxAttachment> Attachments { get; set; } = [];

    /// <summary>The launcher; null before it was started.</summary>
    public LauncherIdentity? Launcher { get; init; }
}

/// <summary>One network of a sandbox.</summary>
internal sealed record SandboxAttachment
{
    /// <summary>Interface in the pod.</summary>
    public required string IfName { get; init; }

    /// <summary>Name for the network-status annotation.</summary>
    public required string Network { get; init; }

    /// <summary>CNI configuration it was, or is to be, attached with.</summary>
    public required string Config { get; init; }

    /// <summary>The network's name where the configuration has none.</summary>
    public required string FallbackName { get; init; }

    /// <summary>CNI_ARGS it was attached with.</summary>
    public required string Args { get; init; }

    /// <summary>Capability arguments it was attached with, JSON by name.</summary>
    public IReadOnlyDictionary<string, string> CapabilityArgs { get; set; } = new Dictionary<string, string>();

    /// <summary>The cluster's network, which gives the pod its addresses.</summary>
    public bool IsDefault { get; init; }

    /// <summary>The plugins' result, as CNI 1.1.0 JSON; null before attaching ended well.</summary>
    public string? Result { get; init; }
}

/// <summary>A process that can be told from a later one with the same id.</summary>
/// <param name="Pid">Process id.</param>
/// <param name="StartTime">When it started, in clock ticks since boot.</param>
internal sealed record LauncherIdentity(int Pid, ulong StartTime);

/// <summary>JSON of sandbox records.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SandboxRecord))]
internal sealed partial class SandboxJson : JsonSerializerContext;
