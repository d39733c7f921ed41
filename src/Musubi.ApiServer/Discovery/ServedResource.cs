using Musubi.ApiServer.Kinds;
using Musubi.ApiServer.Schemas;
using Musubi.ApiServer.Storage;
using Musubi.ApiServer.Tables;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Discovery;

/// <summary>What may be asked of a resource.</summary>
[Flags]
internal enum Verbs
{
    None = 0,
    Create = 1,
    Delete = 2,
    DeleteCollection = 4,
    Get = 8,
    List = 16,
    Patch = 32,
    Update = 64,
    Watch = 128,
    All = 255,
}

/// <summary>A path below an object, with the kind that is read and written there.</summary>
internal sealed record Subresource(string Name, string Group, string Version, string Kind, Verbs Verbs);

/// <summary>One resource in one version as it is served: everything that is specific to it, in one place.</summary>
internal sealed class ServedResource
{
    public required ResourceType Type { get; init; }

    public required Verbs Verbs { get; init; }

    /// <summary>Where its objects are; two versions of one resource share a bucket.</summary>
    public required Bucket Bucket { get; init; }

    public required KindRules Rules { get; init; }

    public required IObjectSchema Schema { get; init; }

    /// <summary>How stored objects become objects of this version and back.</summary>
    public required IVersionConversion Conversion { get; init; }

    public string Singular { get; init; } = "";

    public string ListKind { get; init; } = "";

    public IReadOnlyList<string> ShortNames { get; init; } = [];

    public IReadOnlyList<string> Categories { get; init; } = [];

    public IReadOnlyList<Subresource> Subresources { get; init; } = [];

    public TableFormat Table { get; init; } = TableFormat.NameAndAge;

    /// <summary>Set for custom resources.</summary>
    public CustomResource? Custom { get; init; }

    public bool HasStatus => Subresources.Any(s => s.Name == "status");

    public Subresource? FindSubresource(string name) => Subresources.FirstOrDefault(s => s.Name == name);

    public override string ToString() => Type.ToString();
}

/// <summary>What a CustomResourceDefinition adds to a resource.</summary>
/// <param name="DefinitionName">Name of the definition.</param>
/// <param name="DefinitionVersion">Changes when the definition does.</param>
/// <param name="DeprecationWarning">Sent to whoever uses this version.</param>
/// <param name="SpecReplicasPath">Path of the wanted count, for the scale subresource.</param>
/// <param name="StatusReplicasPath">Path of the observed count.</param>
/// <param name="LabelSelectorPath">Path of the selector in text form.</param>
/// <param name="SelectableFields">Paths that field selectors may name.</param>
/// <param name="Terminating">The definition is being deleted: no new objects.</param>
internal sealed record CustomResource(
    string DefinitionName, string DefinitionVersion, string? DeprecationWarning, string[]? SpecReplicasPath, string[]? StatusReplicasPath, string[]? LabelSelectorPath,
    IReadOnlyList<string> SelectableFields, bool Terminating);
