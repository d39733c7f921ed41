using System.Text.Json.Nodes;

namespace Musubi.ApiServer.Schemas;

/// <summary>The types a value may have.</summary>
internal enum JsonType
{
    /// <summary>Anything goes.</summary>
    Any,
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
    IntOrString,
}

/// <summary>Meanings of a string beyond its characters; each has one canonical form in which it is stored.</summary>
internal enum TextForm
{
    Plain,
    Bytes,
    Time,
    MicroTime,
    Duration,
    Quantity,
}

/// <summary>How a list is taken apart when two writers meet.</summary>
internal enum ListKind
{
    Atomic,
    Set,
    Map,
}

/// <summary>
/// What is known about the value at one place of an object. One tree of these serves decoding, pruning, defaulting, patching and the
/// published OpenAPI documents, for built-in kinds (made from the field table) and custom ones (made from their definition) alike.
/// </summary>
internal sealed class SchemaNode
{
    private Func<IReadOnlyDictionary<string, SchemaNode>>? _lazyProperties;

    public JsonType Type { get; init; }

    public TextForm Form { get; init; }

    /// <summary>Known members; empty for maps and scalars.</summary>
    public IReadOnlyDictionary<string, SchemaNode> Properties
    {
        get => field ??= _lazyProperties?.Invoke() ?? new Dictionary<string, SchemaNode>();
        init;
    }

    /// <summary>Types may contain themselves: members that are made when first asked for.</summary>
    public Func<IReadOnlyDictionary<string, SchemaNode>>? LazyProperties
    {
        init => _lazyProperties = value;
    }

    /// <summary>What any other member is.</summary>
    public SchemaNode? Additional { get; init; }

    public SchemaNode? Items { get; init; }

    public ListKind List { get; init; }

    /// <summary>What makes two items of a list of kind map the same item.</summary>
    public IReadOnlyList<string> ListKeys { get; init; } = [];

    /// <summary>An object that writers own as a whole.</summary>
    public bool AtomicObject { get; init; }

    /// <summary>Strategic merge: merge the list's items rather than replace the list.</summary>
    public bool PatchMerge { get; init; }

    /// <summary>Strategic merge: the member that identifies an item; null for lists of scalars.</summary>
    public string? PatchMergeKey { get; init; }

    public bool PatchRetainKeys { get; init; }

    public JsonNode? Default { get; init; }

    public bool Nullable { get; init; }

    public bool PreserveUnknown { get; init; }

    /// <summary>An object of its own inside another one, with type and metadata.</summary>
    public bool Embedded { get; init; }

    /// <summary>There is a default here or below.</summary>
    public bool HasDefaults { get; init; }

    /// <summary>Built-in kinds: the zero value is the same as absence, and left out.</summary>
    public bool OmitEmpty { get; init; }

    public IReadOnlyList<string> Required { get; init; } = [];

    public string Description { get; init; } = "";

    /// <summary>Name of the type in the field table; OpenAPI refers to it.</summary>
    public string? TypeName { get; init; }

    public IReadOnlyList<JsonNode?>? Enum { get; init; }

    /// <summary>The definition's own text; null for built-in kinds.</summary>
    public JsonObject? Source { get; init; }

    public SchemaNode? Member(string name) => Properties.TryGetValue(name, out SchemaNode? known) ? known : Additional;
}

/// <summary>What decoding has to tell besides the result.</summary>
internal sealed class DecodeReport
{
    /// <summary>Fields that the schema does not know, by path; they are dropped.</summary>
    public List<string> Unknown { get; } = [];

    /// <summary>Keys that occurred twice, by path.</summary>
    public List<string> Duplicates { get; } = [];
}

/// <summary>What a kind's objects look like.</summary>
internal interface IObjectSchema
{
    SchemaNode Root { get; }

    /// <summary>Brings an object into the form in which it is stored: unknown fields dropped, canonical values, defaults.</summary>
    /// <param name="obj">Changed in place.</param>
    /// <param name="report">Receives what was dropped.</param>
    /// <exception cref="Kubernetes.Objects.ApiException">400: a value has a type that cannot be stored.</exception>
    void Decode(JsonObject obj, DecodeReport report);

    /// <summary>Judges values, after <see cref="Decode"/>.</summary>
    /// <param name="obj">The object.</param>
    /// <param name="old">The stored object; what was wrong before and has not changed is tolerated.</param>
    IReadOnlyList<Kubernetes.Objects.FieldError> Validate(JsonObject obj, JsonObject? old);
}
