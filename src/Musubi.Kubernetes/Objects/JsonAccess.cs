using System.Text.Json;
using System.Text.Json.Nodes;

namespace Musubi.Kubernetes.Objects;

/// <summary>Reads members of untyped objects; a member of another type counts as absent.</summary>
public static class JsonAccess
{
    /// <summary>A member that is a text.</summary>
    public static string? Text(this JsonObject obj, string name) =>
        obj.TryGetPropertyValue(name, out JsonNode? node) && node is JsonValue v && v.TryGetValue(out string? s) ? s : null;

    /// <summary>A member that is an object.</summary>
    public static JsonObject? Object(this JsonObject obj, string name) => obj.TryGetPropertyValue(name, out JsonNode? node) ? node as JsonObject : null;

    /// <summary>A member that is a list.</summary>
    public static JsonArray? Array(this JsonObject obj, string name) => obj.TryGetPropertyValue(name, out JsonNode? node) ? node as JsonArray : null;

    /// <summary>A member that is true or false.</summary>
    public static bool? Bool(this JsonObject obj, string name) =>
        obj.TryGetPropertyValue(name, out JsonNode? node) && node is JsonValue v && v.TryGetValue(out bool b) ? b : null;

    /// <summary>The object in a member; put there when absent or of another type.</summary>
    public static JsonObject ObjectOrNew(this JsonObject obj, string name)
    {
        if (obj.Object(name) is { } there)
        {
            return there;
        }

        JsonObject made = [];
        obj[name] = made;
        return made;
    }

    /// <summary>Equality of two JSON values; numbers by value, members in any order, an absent value equals null.</summary>
    public static bool SameAs(this JsonNode? a, JsonNode? b) => JsonNode.DeepEquals(a, b);

    /// <summary>The same value with the members of all objects in ordinal order, as the field's other tools write them.</summary>
    public static JsonNode? Sorted(this JsonNode? node) => node switch
    {
        JsonObject o => new JsonObject(o.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, p.Value.Sorted()))),
        JsonArray a => new JsonArray([.. a.Select(Sorted)]),
        _ => node?.DeepClone(),
    };

    /// <summary>An untyped copy of a typed object.</summary>
    public static JsonObject ToJson<T>(this T obj)
        where T : KubeObject, IKubeObject<T> => JsonSerializer.SerializeToNode(obj, T.JsonType)!.AsObject();

    /// <summary>A typed copy of an untyped object.</summary>
    /// <exception cref="JsonException">A field has another type than the API gives it; names the path.</exception>
    public static T To<T>(this JsonObject obj)
        where T : KubeObject, IKubeObject<T> => obj.Deserialize(T.JsonType) ?? throw new JsonException("expected an object, found null");
}
