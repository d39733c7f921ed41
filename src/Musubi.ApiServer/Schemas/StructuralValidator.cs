using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Schemas;

/// <summary>
/// Judges a custom object's values. On an update, a part that was wrong before and did not change is tolerated, so that a schema may be
/// made stricter without locking existing objects.
/// </summary>
internal sealed class StructuralValidator(List<FieldError> errors)
{
    private static readonly TimeSpan PatternLimit = TimeSpan.FromMilliseconds(100);
    private const int MaxErrors = 100;

    public void ValidateRoot(SchemaNode root, JsonObject obj, JsonObject? old) => Validate(root, obj, old, "", isObject: true);

    private void Validate(SchemaNode node, JsonNode? value, JsonNode? old, string path, bool isObject = false)
    {
        if (errors.Count >= MaxErrors || (old is not null && JsonTree.Equal(value, old))) return;
        if (value is null)
        {
            if (!node.Nullable && node.Type != JsonType.Any) errors.Add(FieldError.TypeInvalid(path, "null", TypeName(node.Type)));
            return;
        }
        if (!HasType(node.Type, value))
        {
            errors.Add(FieldError.TypeInvalid(path, value.TypeWord(), TypeName(node.Type)));
            return;
        }
        switch (value)
        {
            case JsonObject map: ValidateMembers(node, map, old as JsonObject, path, isObject || node.Embedded); break;
            case JsonArray list: ValidateItems(node, list, old as JsonArray, path); break;
        }
        if (node.Source is { } source) ValidateValue(source, value, path);
    }

    private void ValidateMembers(SchemaNode node, JsonObject map, JsonObject? old, string path, bool isObject)
    {
        foreach (string required in node.Required)
            if (!map.ContainsKey(required)) errors.Add(FieldError.Required(Join(path, required), ""));
        if (node.Embedded)
        {
            foreach (string required in (ReadOnlySpan<string>)["apiVersion", "kind"])
                if (string.IsNullOrEmpty(map.Text(required))) errors.Add(FieldError.Required(Join(path, required), "must not be empty"));
        }
        foreach ((string key, JsonNode? value) in map)
        {
            if (isObject && key is "apiVersion" or "kind" or "metadata" && isObject) continue;
            if (node.Member(key) is { } member)
                Validate(member, value, old?[key], node.Properties.ContainsKey(key) ? Join(path, key) : $"{path}[{key}]");
        }
    }

    private void ValidateItems(SchemaNode node, JsonArray list, JsonArray? old, string path)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < list.Count; i++)
        {
            JsonNode? item = list[i];
            string at = $"{path}[{i}]";
            string? identity = Identity(node, item);
            if (identity is not null && !seen.Add(identity)) errors.Add(FieldError.Duplicate(at, node.List == ListKind.Map ? KeysOf(node, item as JsonObject) : item));
            if (node.Items is null) continue;
            JsonNode? before = old is null ? null : identity is null ? i < old.Count ? old[i] : null : old.FirstOrDefault(o => Identity(node, o) == identity);
            Validate(node.Items, item, before, at);
        }
    }

    /// <summary>What makes an item the same item; null in atomic lists.</summary>
    private static string? Identity(SchemaNode node, JsonNode? item) => node.List switch
    {
        ListKind.Set => JsonTree.ToText(item),
        ListKind.Map when item is JsonObject map => JsonTree.ToText(KeysOf(node, map)),
        _ => null,
    };

    private static JsonObject KeysOf(SchemaNode node, JsonObject? item) => new(node.ListKeys.Select(k => KeyValuePair.Create(k, item?[k].Copy())));

    private void ValidateValue(JsonObject schema, JsonNode value, string path)
    {
        if (schema.Array("enum") is { Count: > 0 } allowed && !allowed.Any(a => JsonTree.Equal(a, value)))
            errors.Add(FieldError.NotSupported(path, value.AsText() ?? (object)value, [.. allowed.Select(a => a.AsText() ?? JsonTree.ToText(a))]));
        switch (value)
        {
            case JsonValue text when text.AsText() is { } s: ValidateText(schema, s, path); break;
            case JsonValue number when number.GetValueKind() == JsonValueKind.Number: ValidateNumber(schema, number, path); break;
            case JsonArray list:
                if (schema.Integer("maxItems") is { } maxItems && list.Count > maxItems)
                    errors.Add(new FieldError("FieldValueTooMany", path, $"Too many: {list.Count}: must have at most {maxItems} items"));
                if (schema.Integer("minItems") is { } minItems && list.Count < minItems)
                    errors.Add(FieldError.Invalid(path, list.Count, $"{path} in body should have at least {minItems} items"));
                break;
            case JsonObject map:
                if (schema.Integer("maxProperties") is { } maxProperties && map.Count > maxProperties)
                    errors.Add(new FieldError("FieldValueTooMany", path, $"Too many: {map.Count}: must have at most {maxProperties} items"));
                if (schema.Integer("minProperties") is { } minProperties && map.Count < minProperties)
                    errors.Add(FieldError.Invalid(path, map.Count, $"{path} in body should have at least {minProperties} properties"));
                break;
        }
        ValidateCombinations(schema, value, path);
    }

    private void ValidateText(JsonObject schema, string text, string path)
    {
        int length = text.Length == 0 ? 0 : text.EnumerateRunes().Count();
        if (schema.Integer("maxLength") is { } max && length > max) errors.Add(new FieldError("FieldValueTooLong", path, $"Too long: may not be more than {max} bytes"));
        if (schema.Integer("minLength") is { } min && length < min) errors.Add(FieldError.Invalid(path, text, $"{path} in body should be at least {min} chars long"));
        if (schema.Text("pattern") is { } pattern && !Matches(pattern, text)) errors.Add(FieldError.Invalid(path, text, $"{path} in body should match '{pattern}'"));
        if (schema.Text("format") is { } format && !TextFormats.Fits(format, text)) errors.Add(FieldError.Invalid(path, text, $"{path} in body must be of type {format}: \"{text}\""));
    }

    private void ValidateNumber(JsonObject schema, JsonValue number, string path)
    {
        double value = number.AsDouble();
        if (schema["minimum"] is JsonValue minimum)
        {
            bool exclusive = schema.Bool("exclusiveMinimum") == true;
            if (value < minimum.AsDouble() || (exclusive && value == minimum.AsDouble()))
                errors.Add(FieldError.Invalid(path, number, $"{path} in body should be greater than {(exclusive ? "" : "or equal to ")}{minimum.ToJsonString()}"));
        }
        if (schema["maximum"] is JsonValue maximum)
        {
            bool exclusive = schema.Bool("exclusiveMaximum") == true;
            if (value > maximum.AsDouble() || (exclusive && value == maximum.AsDouble()))
                errors.Add(FieldError.Invalid(path, number, $"{path} in body should be less than {(exclusive ? "" : "or equal to ")}{maximum.ToJsonString()}"));
        }
        if (schema["multipleOf"] is JsonValue factor && factor.AsDouble() is > 0 and var unit && Math.Abs(value / unit - Math.Round(value / unit)) > 1e-9)
            errors.Add(FieldError.Invalid(path, number, $"{path} in body should be a multiple of {factor.ToJsonString()}"));
        if (schema.Text("format") is "int32" && value is < int.MinValue or > int.MaxValue)
            errors.Add(FieldError.Invalid(path, number, $"{path} in body must be of type int32: {number.ToJsonString()}"));
    }

    private void ValidateCombinations(JsonObject schema, JsonNode value, string path)
    {
        bool intOrString = schema.Bool("x-kubernetes-int-or-string") == true;
        if (schema.Array("allOf") is { } all && !intOrString)
            foreach (JsonObject part in all.Objects()) ValidateAgainst(part, value, path, errors);
        if (schema.Array("anyOf") is { Count: > 0 } any && !intOrString && !any.Objects().Any(part => Fits(part, value, path)))
            errors.Add(FieldError.Invalid(path, value, $"{path} in body must validate at least one schema (anyOf)"));
        if (schema.Array("oneOf") is { Count: > 0 } one && one.Objects().Count(part => Fits(part, value, path)) != 1)
            errors.Add(FieldError.Invalid(path, value, $"{path} in body must validate one and only one schema (oneOf)"));
        if (schema.Object("not") is { } not && Fits(not, value, path))
            errors.Add(FieldError.Invalid(path, value, $"{path} in body must not validate the schema (not)"));
    }

    private static bool Fits(JsonObject schema, JsonNode value, string path)
    {
        var found = new List<FieldError>();
        ValidateAgainst(schema, value, path, found);
        return found.Count == 0;
    }

    private static void ValidateAgainst(JsonObject schema, JsonNode value, string path, List<FieldError> into) =>
        new StructuralValidator(into).Validate(StructuralReader.Read(schema), value, null, path);

    private static bool Matches(string pattern, string text)
    {
        try
        {
            return Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant, PatternLimit);
        }
        catch (ArgumentException)
        {
            // The definition was accepted with a pattern that this engine does not know: it cannot be held against the object.
            return true;
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }

    private static bool HasType(JsonType type, JsonNode value) => type switch
    {
        JsonType.Object => value is JsonObject,
        JsonType.Array => value is JsonArray,
        JsonType.String => value.GetValueKind() == JsonValueKind.String,
        JsonType.Boolean => value.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        JsonType.Integer => value is JsonValue v && v.TryInt64(out _),
        JsonType.Number => value.GetValueKind() == JsonValueKind.Number,
        JsonType.IntOrString => value.GetValueKind() == JsonValueKind.String || (value is JsonValue v && v.TryInt64(out _)),
        _ => true,
    };

    private static string TypeName(JsonType type) => type == JsonType.IntOrString ? "integer,string" : type.ToString().ToLowerInvariant();

    private static string Join(string path, string key) => path.Length == 0 ? key : $"{path}.{key}";
}
