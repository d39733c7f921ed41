using System.Text;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Data;
using Musubi.ApiServer.Json;

namespace Musubi.ApiServer.Schemas;

/// <summary>
/// The types of the built-in kinds: every field with its JSON name, its number in protobuf messages, how patches merge it and what it
/// is when absent. Loaded when first needed.
/// </summary>
internal sealed class FieldTable
{
    private static readonly Lazy<FieldTable> s_instance = new(() => new FieldTable());

    private readonly Dictionary<string, string> _kinds = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<FieldEntry>> _types = new(StringComparer.Ordinal);
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, IReadOnlyDictionary<string, SchemaNode>> _properties = new(StringComparer.Ordinal);

    private FieldTable()
    {
        foreach (string[] line in EmbeddedTable.Lines("fields.tsv"))
        {
            if (line[0] == "K") _kinds[$"{line[1]} {line[2]}"] = line[3];
            else
            {
                if (!_types.TryGetValue(line[1], out List<FieldEntry>? fields)) _types[line[1]] = fields = [];
                fields.Add(FieldEntry.Parse(line));
            }
        }
    }

    public static FieldTable Instance => s_instance.Value;

    /// <summary>The type of a kind; null when it is not built in.</summary>
    public string? TypeOf(string apiVersion, string kind) => _kinds.GetValueOrDefault($"{apiVersion} {kind}");

    public bool IsType(string name) => _types.ContainsKey(name);

    public IReadOnlyList<FieldEntry> Fields(string type) => _types.TryGetValue(type, out List<FieldEntry>? fields) ? fields : [];

    /// <summary>The schema of a kind's objects.</summary>
    public SchemaNode Root(string type) => MessageNode(new WireType(WireKind.Message, type), field: null);

    private SchemaNode MessageNode(WireType type, FieldEntry? field) => new()
    {
        Type = JsonType.Object,
        TypeName = type.Name,
        LazyProperties = () => Properties(type.Name),
        AtomicObject = field?.ListType == "map:atomic",
        PatchRetainKeys = field?.PatchStrategy.Contains("retainKeys", StringComparison.Ordinal) == true,
        Default = field?.Default,
        Required = [.. Fields(type.Name).Where(f => f.Required).Select(f => f.JsonName)],
    };

    /// <summary>Members of a type by JSON name; those of inlined types are among them.</summary>
    private IReadOnlyDictionary<string, SchemaNode> Properties(string type) => _properties.GetOrAdd(type, static (name, table) =>
    {
        var members = new Dictionary<string, SchemaNode>(StringComparer.Ordinal);
        foreach (FieldEntry field in table.Fields(name))
        {
            if (field.Inline)
            {
                foreach ((string key, SchemaNode node) in table.Properties(field.Type.Name)) members.TryAdd(key, node);
            }
            else members[field.JsonName] = table.Node(field.Type, field);
        }
        return members.ToDictionary(StringComparer.Ordinal);
    }, this);

    private SchemaNode Node(WireType type, FieldEntry? field)
    {
        bool omitEmpty = field is { OmitEmpty: true, Pointer: false };
        switch (type.Kind)
        {
            case WireKind.Message: return MessageNode(type, field);
            case WireKind.List:
                return new SchemaNode
                {
                    Type = JsonType.Array,
                    Items = Node(type.Element!, null),
                    OmitEmpty = field?.OmitEmpty == true,
                    List = field?.ListType switch { "map" => ListKind.Map, "set" => ListKind.Set, _ => ListKind.Atomic },
                    ListKeys = field?.ListMapKeys ?? [],
                    PatchMerge = field?.PatchStrategy.Contains("merge", StringComparison.Ordinal) == true,
                    PatchMergeKey = field?.PatchMergeKey,
                    PatchRetainKeys = field?.PatchStrategy.Contains("retainKeys", StringComparison.Ordinal) == true,
                };
            case WireKind.Map:
                return new SchemaNode
                {
                    Type = JsonType.Object,
                    Additional = Node(type.Element!, null),
                    OmitEmpty = field?.OmitEmpty == true,
                    AtomicObject = field?.ListType == "map:atomic",
                };
            default:
                (JsonType valueType, TextForm form) = type.Kind switch
                {
                    WireKind.Bool => (JsonType.Boolean, TextForm.Plain),
                    WireKind.Int32 or WireKind.Int64 => (JsonType.Integer, TextForm.Plain),
                    WireKind.Float64 => (JsonType.Number, TextForm.Plain),
                    WireKind.Bytes => (JsonType.String, TextForm.Bytes),
                    WireKind.Time => (JsonType.String, TextForm.Time),
                    WireKind.MicroTime => (JsonType.String, TextForm.MicroTime),
                    WireKind.Duration => (JsonType.String, TextForm.Duration),
                    WireKind.Quantity => (JsonType.String, TextForm.Quantity),
                    WireKind.IntOrString => (JsonType.IntOrString, TextForm.Plain),
                    WireKind.String => (JsonType.String, TextForm.Plain),
                    WireKind.StringList => (JsonType.Array, TextForm.Plain),
                    _ => (JsonType.Any, TextForm.Plain),
                };
                return new SchemaNode
                {
                    Type = valueType,
                    Form = form,
                    OmitEmpty = omitEmpty,
                    Default = field?.Default,
                    Enum = field?.Enum,
                    PreserveUnknown = valueType == JsonType.Any,
                    Nullable = form is TextForm.Time or TextForm.MicroTime,
                    Items = valueType == JsonType.Array ? new SchemaNode { Type = JsonType.String } : null,
                };
        }
    }
}

/// <summary>One field of a built-in type.</summary>
internal sealed record FieldEntry(
    string JsonName, int Number, WireType Type, bool Pointer, bool OmitEmpty, bool Required, bool Inline, string PatchStrategy, string? PatchMergeKey,
    string ListType, IReadOnlyList<string> ListMapKeys, JsonNode? Default, IReadOnlyList<JsonNode?>? Enum)
{
    public static FieldEntry Parse(string[] columns)
    {
        string Column(int i) => i < columns.Length ? columns[i] : "";
        string[] flags = Column(5).Split(',');
        return new FieldEntry(Column(2), int.TryParse(Column(3), out int number) ? number : 0, WireType.Parse(Column(4)),
            flags.Contains("ptr"), flags.Contains("omitempty"), flags.Contains("required"), flags.Contains("inline"), Column(6),
            Column(7).Length == 0 ? null : Column(7), Column(8), Column(9).Length == 0 ? [] : Column(9).Split(','),
            Column(10).Length == 0 ? null : JsonTree.Parse(Encoding.UTF8.GetBytes(Column(10))),
            Column(11).Length == 0 ? null : [.. Column(11).Split('|').Select(v => (JsonNode?)JsonValue.Create(v))]);
    }
}

/// <summary>How a value travels in a protobuf message.</summary>
internal enum WireKind
{
    String,
    Bool,
    Int32,
    Int64,
    Float64,
    Bytes,
    Time,
    MicroTime,
    Duration,
    Quantity,
    IntOrString,
    RawJson,
    StringList,
    SchemaOrArray,
    SchemaOrBool,
    SchemaOrStringArray,
    List,
    Map,
    Message,
}

/// <summary>The type column of the field table.</summary>
internal sealed record WireType(WireKind Kind, string Name = "", WireType? Element = null)
{
    public static WireType Parse(string text)
    {
        if (text.StartsWith("[]", StringComparison.Ordinal)) return new WireType(WireKind.List, Element: Parse(text[2..]));
        if (text.StartsWith("map<string,", StringComparison.Ordinal)) return new WireType(WireKind.Map, Element: Parse(text[11..^1]));
        if (text.EndsWith("{1:[]string}", StringComparison.Ordinal)) return new WireType(WireKind.StringList);
        return text switch
        {
            "string" => new WireType(WireKind.String),
            "bool" => new WireType(WireKind.Bool),
            "int32" => new WireType(WireKind.Int32),
            "int64" => new WireType(WireKind.Int64),
            "float64" => new WireType(WireKind.Float64),
            "bytes" => new WireType(WireKind.Bytes),
            "Time" => new WireType(WireKind.Time),
            "MicroTime" => new WireType(WireKind.MicroTime),
            "Duration" => new WireType(WireKind.Duration),
            "Quantity" => new WireType(WireKind.Quantity),
            "IntOrString" => new WireType(WireKind.IntOrString),
            "RawExtension" or "FieldsV1" or "JSON" => new WireType(WireKind.RawJson),
            "SchemaOrArray" => new WireType(WireKind.SchemaOrArray),
            "SchemaOrBool" => new WireType(WireKind.SchemaOrBool),
            "SchemaOrStringArray" => new WireType(WireKind.SchemaOrStringArray),
            _ => new WireType(WireKind.Message, text),
        };
    }
}
