using System.Buffers.Text;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Schemas;

/// <summary>Decoding of a built-in kind: what a client sent becomes what the kind's types can hold, in canonical form.</summary>
internal sealed class TypedSchema(string kind, SchemaNode root) : IObjectSchema
{
    public SchemaNode Root => root;

    public void Decode(JsonObject obj, DecodeReport report)
    {
        (JsonNode? apiVersion, JsonNode? objKind) = (obj["apiVersion"].Copy(), obj["kind"].Copy());
        obj.Remove("apiVersion");
        obj.Remove("kind");
        DecodeMembers(root, obj, "", report);
        obj.Insert(0, "apiVersion", apiVersion);
        obj.Insert(1, "kind", objKind);
    }

    /// <summary>Decodes a value of this type that is a part of something else.</summary>
    public void DecodePart(JsonObject part, string path, DecodeReport report) => DecodeMembers(root, part, path, report);

    public IReadOnlyList<FieldError> Validate(JsonObject obj, JsonObject? old) => [];

    /// <summary>Brings one value into canonical form.</summary>
    /// <returns>The value to store; the same instance when nothing changed.</returns>
    private JsonNode? DecodeValue(SchemaNode node, JsonNode? value, string path, DecodeReport report)
    {
        switch (node.Type)
        {
            case JsonType.Any: return value;
            case JsonType.Object:
                if (value is null) return new JsonObject();
                JsonObject map = value as JsonObject ?? throw WrongType(value, path, "object");
                DecodeMembers(node, map, path, report);
                return map;
            case JsonType.Array:
                JsonArray list = value as JsonArray ?? throw WrongType(value, path, "array");
                for (int i = 0; i < list.Count; i++)
                {
                    JsonNode? item = DecodeValue(node.Items!, list[i], $"{path}[{i}]", report);
                    if (!ReferenceEquals(item, list[i])) list[i] = item;
                }
                return list;
            case JsonType.Boolean:
                if (value is null) return JsonValue.Create(false);
                return value.GetValueKind() is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False
                    ? value : throw WrongType(value, path, "bool");
            case JsonType.Integer:
                if (value is null) return JsonValue.Create(0L);
                if (value is JsonValue integer && integer.TryInt64(out long n))
                    return integer.TryGetValue(out long _) ? value : JsonValue.Create(n);
                throw WrongType(value, path, "int64");
            case JsonType.Number:
                if (value is null) return JsonValue.Create(0L);
                return value.GetValueKind() == System.Text.Json.JsonValueKind.Number ? value : throw WrongType(value, path, "float64");
            case JsonType.IntOrString:
                if (value is null || value.AsText() is not null || (value is JsonValue v && v.TryInt64(out _))) return value;
                throw WrongType(value, path, "intstr.IntOrString");
            default: return DecodeText(node.Form, value, path);
        }
    }

    private void DecodeMembers(SchemaNode node, JsonObject map, string path, DecodeReport report)
    {
        foreach ((string key, JsonNode? value) in map.ToList())
        {
            string child = path.Length == 0 ? key : $"{path}.{key}";
            SchemaNode? member = node.Member(key);
            if (member is null)
            {
                report.Unknown.Add(child);
                map.Remove(key);
                continue;
            }
            if (value is null && node.Additional is null)
            {
                map.Remove(key);
                continue;
            }
            JsonNode? decoded = DecodeValue(member, value, child, report);
            if (decoded is null || (member.OmitEmpty && IsZero(decoded))) map.Remove(key);
            else if (!ReferenceEquals(decoded, value)) map[key] = decoded;
        }
        if (node.Additional is not null) return;
        foreach ((string key, SchemaNode member) in node.Properties)
            if (member.Default is { } fallback && !map.ContainsKey(key)) map[key] = fallback.DeepClone();
    }

    private JsonNode? DecodeText(TextForm form, JsonNode? value, string path)
    {
        if (value is null) return form is TextForm.Time or TextForm.MicroTime or TextForm.Quantity ? null : JsonValue.Create("");
        if (form == TextForm.Quantity)
        {
            string written = value.AsText() ?? (value.GetValueKind() == System.Text.Json.JsonValueKind.Number ? value.ToJsonString() : throw WrongType(value, path, "string"));
            if (!Quantity.TryParse(written, out Quantity quantity))
                throw Malformed($"{path}: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$': \"{written}\"");
            string canonical = quantity.ToString();
            return canonical == value.AsText() ? value : JsonValue.Create(canonical);
        }
        string text = value.AsText() ?? throw WrongType(value, path, "string");
        switch (form)
        {
            case TextForm.Bytes when !Base64.IsValid(text): throw Malformed($"{path}: illegal base64 data: \"{(text.Length > 40 ? text[..40] + "…" : text)}\"");
            case TextForm.Time or TextForm.MicroTime:
                if (text.Length == 0) return null;
                if (!KubeTime.TryParse(text, out DateTimeOffset time))
                    throw Malformed($"{path}: \"{text}\" is not a time of the form 2006-01-02T15:04:05{(form == TextForm.MicroTime ? ".000000" : "")}Z");
                string canonical = form == TextForm.Time ? KubeTime.Format(time) : KubeTime.FormatMicro(time);
                return canonical == text ? value : JsonValue.Create(canonical);
            default: return value;
        }
    }

    private static bool IsZero(JsonNode value) => value switch
    {
        JsonObject map => map.Count == 0,
        JsonArray list => list.Count == 0,
        JsonValue v => v.GetValueKind() switch
        {
            System.Text.Json.JsonValueKind.False => true,
            System.Text.Json.JsonValueKind.String => v.AsText()!.Length == 0,
            System.Text.Json.JsonValueKind.Number => v.TryInt64(out long n) && n == 0,
            _ => false,
        },
        _ => false,
    };

    private ApiException WrongType(JsonNode? value, string path, string expected)
    {
        string found = value.TypeWord() is "integer" ? "number" : value.TypeWord() is "boolean" ? "bool" : value.TypeWord();
        return Malformed($"json: cannot unmarshal {found} into Go struct field {kind}.{path} of type {expected}");
    }

    private ApiException Malformed(string why) =>
        new(ApiStatus.BadRequest($"{kind} cannot be handled as a {kind}: {why}"));
}
