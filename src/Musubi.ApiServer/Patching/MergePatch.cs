using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;

namespace Musubi.ApiServer.Patching;

/// <summary>JSON merge patch, RFC 7386.</summary>
internal static class MergePatch
{
    /// <summary>Applies a patch; the target may be changed and returned.</summary>
    public static JsonNode? Apply(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject changes) return patch.Copy();
        JsonObject map = target as JsonObject ?? [];
        foreach ((string key, JsonNode? change) in changes)
        {
            if (change is null) map.Remove(key);
            else if (change is JsonObject)
            {
                map.TryGetPropertyValue(key, out JsonNode? present);
                JsonNode? merged = Apply(present, change);
                if (!ReferenceEquals(merged, present)) map[key] = merged;
            }
            else map[key] = change.DeepClone();
        }
        return map;
    }

    /// <summary>The smallest patch that turns one value into another; arrays are replaced whole.</summary>
    public static JsonObject Diff(JsonObject from, JsonObject to)
    {
        var patch = new JsonObject();
        foreach ((string key, JsonNode? value) in from)
            if (!to.ContainsKey(key)) patch[key] = null;
        foreach ((string key, JsonNode? value) in to)
        {
            if (!from.TryGetPropertyValue(key, out JsonNode? before)) patch[key] = value.Copy();
            else if (before is JsonObject a && value is JsonObject b)
            {
                JsonObject inner = Diff(a, b);
                if (inner.Count > 0) patch[key] = inner;
            }
            else if (!JsonTree.Equal(before, value)) patch[key] = value.Copy();
        }
        return patch;
    }
}
