using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Json;

/// <summary>Reading trees whose shape is not known to be right: what has the wrong type counts as absent.</summary>
internal static class JsonValues
{
    /// <summary>The integer under <paramref name="key"/>.</summary>
    public static long? Integer(this JsonObject map, string key) => map[key] is JsonValue v && v.TryInt64(out long n) ? n : null;

    /// <summary>The value as text when it is a string.</summary>
    public static string? AsText(this JsonNode? node) => node is JsonValue v && v.TryGetValue(out string? text) ? text : null;

    /// <summary>The items that are strings.</summary>
    public static IEnumerable<string> Texts(this JsonArray? array) => array is null ? [] : array.Select(AsText).OfType<string>();

    /// <summary>The items that are objects.</summary>
    public static IEnumerable<JsonObject> Objects(this JsonArray? array) => array is null ? [] : array.OfType<JsonObject>();

    /// <summary>The members that are strings.</summary>
    public static IEnumerable<KeyValuePair<string, string>> TextMembers(this JsonObject? map)
    {
        foreach ((string key, JsonNode? value) in map ?? [])
            if (value.AsText() is { } text) yield return new(key, text);
    }

    /// <summary>Follows keys down.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (string key in path) node = (node as JsonObject)?[key];
        return node;
    }

    /// <summary>Puts a value at a path, making the objects on the way.</summary>
    public static void PutAt(this JsonObject root, ReadOnlySpan<string> path, JsonNode? value)
    {
        JsonObject parent = root;
        foreach (string key in path[..^1]) parent = parent.ObjectOrNew(key);
        parent[path[^1]] = value;
    }

    /// <summary>Whether the value is an integer that fits 64 bits, whatever the tree holds it as.</summary>
    public static bool TryInt64(this JsonValue value, out long number)
    {
        if (value.TryGetValue(out number)) return true;
        if (value.GetValueKind() != JsonValueKind.Number) return false;
        if (value.TryGetValue(out int small))
        {
            number = small;
            return true;
        }
        double real = value.AsDouble();
        number = Math.Abs(real) < 9.2e18 ? (long)real : 0;
        return real == Math.Floor(real) && Math.Abs(real) < 9.2e18;
    }

    /// <summary>The number as a double; NaN when the value is not a number.</summary>
    public static double AsDouble(this JsonValue value)
    {
        if (value.TryGetValue(out double real)) return real;
        if (value.TryGetValue(out long integer)) return integer;
        if (value.GetValueKind() != JsonValueKind.Number) return double.NaN;
        return double.TryParse(value.ToJsonString(), out double parsed) ? parsed : double.NaN;
    }

    /// <summary>The same value, free to be placed elsewhere.</summary>
    public static JsonNode? Copy(this JsonNode? node) => node?.DeepClone();

    /// <summary>The type word that messages use.</summary>
    public static string TypeWord(this JsonNode? node) => node switch
    {
        null => "null",
        JsonObject => "object",
        JsonArray => "array",
        JsonValue v => v.GetValueKind() switch
        {
            JsonValueKind.String => "string",
            JsonValueKind.Number => v.TryInt64(out _) ? "integer" : "number",
            _ => "boolean",
        },
        _ => "unknown",
    };
}
