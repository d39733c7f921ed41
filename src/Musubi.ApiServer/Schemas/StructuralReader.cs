using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Schemas;

/// <summary>Turns the <c>openAPIV3Schema</c> of a definition into schema nodes.</summary>
internal static class StructuralReader
{
    public static SchemaNode Read(JsonObject schema)
    {
        var properties = new Dictionary<string, SchemaNode>(StringComparer.Ordinal);
        foreach ((string key, JsonNode? member) in schema.Object("properties") ?? [])
            if (member is JsonObject definition) properties[key] = Read(definition);
        bool preserve = schema.Bool("x-kubernetes-preserve-unknown-fields") == true;
        bool intOrString = schema.Bool("x-kubernetes-int-or-string") == true;
        SchemaNode? additional = schema["additionalProperties"] switch
        {
            JsonObject definition => Read(definition),
            JsonValue v when v.GetValueKind() == System.Text.Json.JsonValueKind.True => new SchemaNode { Type = JsonType.Any, PreserveUnknown = true },
            _ => null,
        };
        SchemaNode? items = schema.Object("items") is { } itemSchema ? Read(itemSchema) : null;
        JsonNode? fallback = schema["default"];
        return new SchemaNode
        {
            Type = intOrString ? JsonType.IntOrString : schema.Text("type") switch
            {
                "object" => JsonType.Object,
                "array" => JsonType.Array,
                "string" => JsonType.String,
                "integer" => JsonType.Integer,
                "number" => JsonType.Number,
                "boolean" => JsonType.Boolean,
                _ => JsonType.Any,
            },
            Properties = properties.ToDictionary(StringComparer.Ordinal),
            Additional = additional,
            Items = items,
            List = schema.Text("x-kubernetes-list-type") switch { "map" => ListKind.Map, "set" => ListKind.Set, _ => ListKind.Atomic },
            ListKeys = [.. schema.Array("x-kubernetes-list-map-keys").Texts()],
            AtomicObject = schema.Text("x-kubernetes-map-type") == "atomic",
            Default = fallback,
            Nullable = schema.Bool("nullable") == true,
            PreserveUnknown = preserve,
            Embedded = schema.Bool("x-kubernetes-embedded-resource") == true,
            HasDefaults = fallback is not null || properties.Values.Any(p => p.HasDefaults) || additional?.HasDefaults == true || items?.HasDefaults == true,
            Required = [.. schema.Array("required").Texts()],
            Enum = schema.Array("enum") is { } values ? [.. values] : null,
            Description = schema.Text("description") ?? "",
            Source = schema,
        };
    }
}
