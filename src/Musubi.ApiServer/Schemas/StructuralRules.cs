using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Schemas;

/// <summary>What a definition's schema must itself obey, so that every value under it has one type.</summary>
internal static class StructuralRules
{
    private static readonly string[] s_forbidden = ["$ref", "definitions", "deprecated", "discriminator", "readOnly", "writeOnly", "xml", "id", "patternProperties", "additionalItems", "dependencies"];
    private static readonly string[] s_types = ["object", "array", "string", "integer", "number", "boolean"];
    private static readonly string[] s_notInCombinations = ["type", "default", "nullable", "additionalProperties", "description"];

    public static void Validate(JsonObject schema, string path, ICollection<FieldError> errors)
    {
        if (schema.Text("type") != "object") errors.Add(FieldError.Invalid($"{path}.type", schema.Text("type") ?? "", "must be object at the root"));
        if (schema["additionalProperties"] is not null) errors.Add(FieldError.Forbidden($"{path}.additionalProperties", "must not be used at the root"));
        ValidateNode(schema, path, root: true, errors);
    }

    private static void ValidateNode(JsonObject schema, string path, bool root, ICollection<FieldError> errors)
    {
        foreach (string key in s_forbidden)
            if (schema.ContainsKey(key)) errors.Add(FieldError.Forbidden($"{path}.{key}", $"{key} is not supported"));
        if (schema.Bool("uniqueItems") == true) errors.Add(FieldError.Forbidden($"{path}.uniqueItems", "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"));
        bool preserve = schema.Bool("x-kubernetes-preserve-unknown-fields") == true, intOrString = schema.Bool("x-kubernetes-int-or-string") == true;
        string type = schema.Text("type") ?? "";
        if (type.Length == 0 && !preserve && !intOrString) errors.Add(FieldError.Required($"{path}.type", "must not be empty for specified object fields"));
        else if (type.Length > 0 && !s_types.Contains(type)) errors.Add(FieldError.NotSupported($"{path}.type", type, s_types));
        if (type.Length > 0 && intOrString) errors.Add(FieldError.Invalid($"{path}.type", type, "must be empty if x-kubernetes-int-or-string is true"));
        if (type == "array" && schema.Object("items") is null) errors.Add(FieldError.Required($"{path}.items", "must be specified"));
        if (schema.Object("properties") is { Count: > 0 } && schema["additionalProperties"] is not null)
            errors.Add(FieldError.Forbidden($"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive"));
        if (schema.Text("x-kubernetes-list-type") is { } listType)
        {
            if (listType is not ("atomic" or "map" or "set")) errors.Add(FieldError.NotSupported($"{path}.x-kubernetes-list-type", listType, "atomic", "map", "set"));
            if (listType == "map" && schema.Array("x-kubernetes-list-map-keys") is null or { Count: 0 } && listType == "map")
                errors.Add(FieldError.Required($"{path}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map"));
        }
        if (schema.Text("pattern") is { } pattern && !IsPattern(pattern)) errors.Add(FieldError.Invalid($"{path}.pattern", pattern, "must be a valid regular expression"));
        foreach ((string key, JsonNode? member) in schema.Object("properties") ?? [])
        {
            if (root && key is "metadata" or "apiVersion" or "kind" && root) continue;
            if (member is JsonObject definition) ValidateNode(definition, $"{path}.properties[{key}]", root: false, errors);
            else errors.Add(FieldError.Invalid($"{path}.properties[{key}]", member, "must be an object"));
        }
        if (schema.Object("additionalProperties") is { } additional) ValidateNode(additional, $"{path}.additionalProperties", root: false, errors);
        if (schema.Object("items") is { } items) ValidateNode(items, $"{path}.items", root: false, errors);
        foreach (string combination in (ReadOnlySpan<string>)["allOf", "anyOf", "oneOf"])
        {
            int index = 0;
            foreach (JsonObject part in schema.Array(combination).Objects()) ValidateCombination(part, $"{path}.{combination}[{index++}]", intOrString, errors);
        }
        if (schema.Object("not") is { } not) ValidateCombination(not, $"{path}.not", intOrString: false, errors);
    }

    private static void ValidateCombination(JsonObject schema, string path, bool intOrString, ICollection<FieldError> errors)
    {
        if (intOrString) return;
        foreach (string key in s_notInCombinations)
            if (schema.ContainsKey(key)) errors.Add(FieldError.Forbidden($"{path}.{key}", "must be empty to be structural"));
        foreach ((string key, JsonNode? member) in schema.Object("properties") ?? [])
            if (member is JsonObject definition) ValidateCombination(definition, $"{path}.properties[{key}]", intOrString: false, errors);
        if (schema.Object("items") is { } items) ValidateCombination(items, $"{path}.items", intOrString: false, errors);
    }

    private static bool IsPattern(string pattern)
    {
        try
        {
            _ = new System.Text.RegularExpressions.Regex(pattern);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
