using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Schemas;

/// <summary>The schema of a custom kind, from its definition: prunes, fills in defaults, validates.</summary>
internal sealed class StructuralSchema : IObjectSchema
{
    /// <summary>Metadata of custom objects is the same as everybody's.</summary>
    private static readonly Lazy<TypedSchema> s_metadata = new(() =>
        new TypedSchema("ObjectMeta", FieldTable.Instance.Root("meta/v1.ObjectMeta")));

    public StructuralSchema(JsonObject? definition) => Root = StructuralReader.Read(definition ?? new JsonObject { ["type"] = "object", ["x-kubernetes-preserve-unknown-fields"] = true });

    public SchemaNode Root { get; }

    public void Decode(JsonObject obj, DecodeReport report)
    {
        DecodeMetadata(obj, "metadata", report);
        PruneMembers(Root, obj, "", report, isObject: true);
        ApplyDefaults(Root, obj);
    }

    public IReadOnlyList<FieldError> Validate(JsonObject obj, JsonObject? old)
    {
        var errors = new List<FieldError>();
        new StructuralValidator(errors).ValidateRoot(Root, obj, old);
        return errors;
    }

    private static void DecodeMetadata(JsonObject obj, string path, DecodeReport report)
    {
        if (obj["metadata"] is null) return;
        JsonObject metadata = obj.Object("metadata")
            ?? throw new ApiException(ApiStatus.BadRequest($"json: cannot unmarshal {obj["metadata"].TypeWord()} into Go struct field .{path} of type v1.ObjectMeta"));
        var found = new DecodeReport();
        s_metadata.Value.DecodePart(metadata, path, found);
        report.Unknown.AddRange(found.Unknown);
    }

    /// <summary>Drops what the schema does not know, and nulls where null is not a value.</summary>
    /// <param name="node">The schema of the map.</param>
    /// <param name="map">Changed in place.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="report">Receives what was dropped.</param>
    /// <param name="isObject">The map is an object of its own, with type and metadata.</param>
    private static void PruneMembers(SchemaNode node, JsonObject map, string path, DecodeReport report, bool isObject)
    {
        foreach ((string key, JsonNode? value) in map.ToList())
        {
            if (isObject && key is "apiVersion" or "kind" or "metadata" && isObject) continue;
            string child = path.Length == 0 ? key : $"{path}.{key}";
            SchemaNode? member = node.Member(key);
            if (member is null)
            {
                if (node.PreserveUnknown) continue;
                report.Unknown.Add(child);
                map.Remove(key);
                continue;
            }
            if (value is null)
            {
                if (!member.Nullable && !member.PreserveUnknown) map.Remove(key);
                continue;
            }
            Prune(member, value, child, report);
        }
    }

    private static void Prune(SchemaNode node, JsonNode? value, string path, DecodeReport report)
    {
        switch (value)
        {
            case JsonObject map:
                if (node.Embedded) DecodeMetadata(map, $"{path}.metadata", report);
                PruneMembers(node, map, path, report, node.Embedded);
                break;
            case JsonArray list when node.Items is not null:
                for (int i = 0; i < list.Count; i++) Prune(node.Items, list[i], $"{path}[{i}]", report);
                break;
        }
    }

    private static void ApplyDefaults(SchemaNode node, JsonNode? value)
    {
        switch (value)
        {
            case JsonObject map:
                foreach ((string key, SchemaNode member) in node.Properties)
                {
                    if (!map.TryGetPropertyValue(key, out JsonNode? present))
                    {
                        if (member.Default is null) continue;
                        map[key] = present = member.Default.DeepClone();
                    }
                    if (present is JsonObject or JsonArray && member.HasDefaults) ApplyDefaults(member, present);
                }
                if (node.Additional is { HasDefaults: true } additional)
                {
                    foreach ((string key, JsonNode? child) in map)
                        if (!node.Properties.ContainsKey(key)) ApplyDefaults(additional, child);
                }
                break;
            case JsonArray list when node.Items is { HasDefaults: true } items:
                foreach (JsonNode? item in list) ApplyDefaults(items, item);
                break;
        }
    }
}
