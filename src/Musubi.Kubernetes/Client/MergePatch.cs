using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>JSON merge patches (RFC 7386).</summary>
public static class MergePatch
{
    /// <summary>The patch that turns <paramref name="from"/> into <paramref name="to"/>; empty when they are the same.</summary>
    public static JsonObject Between(JsonObject from, JsonObject to) => Diff(from, to, withRemovals: true);

    /// <summary>
    /// The patch that makes <paramref name="live"/> what <paramref name="wanted"/> says and removes what <paramref name="last"/> said and
    /// <paramref name="wanted"/> no longer does. What others added stays.
    /// </summary>
    public static JsonObject ThreeWay(JsonObject? last, JsonObject live, JsonObject wanted)
    {
        JsonObject patch = Diff(live, wanted, withRemovals: false);
        if (last is not null)
        {
            AddRemovals(patch, last, live, wanted);
        }

        return patch;
    }

    /// <summary>Applies a patch to a copy of <paramref name="target"/>.</summary>
    public static JsonNode? Apply(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject changes)
        {
            return patch?.DeepClone();
        }

        JsonObject result = target is JsonObject old ? old.DeepClone().AsObject() : [];
        foreach ((string name, JsonNode? value) in changes)
        {
            if (value is null)
            {
                result.Remove(name);
            }
            else
            {
                result[name] = Apply(result[name], value);
            }
        }

        return result;
    }

    private static JsonObject Diff(JsonObject from, JsonObject to, bool withRemovals)
    {
        JsonObject patch = [];
        foreach ((string name, JsonNode? wanted) in to)
        {
            JsonNode? old = from[name];
            if (wanted is JsonObject wantedObject && old is JsonObject oldObject)
            {
                JsonObject inner = Diff(oldObject, wantedObject, withRemovals);
                if (inner.Count > 0)
                {
                    patch[name] = inner;
                }
            }
            else if (!old.SameAs(wanted))
            {
                patch[name] = wanted?.DeepClone();
            }
        }

        if (withRemovals)
        {
            foreach ((string name, JsonNode? old) in from)
            {
                if (old is not null && !to.ContainsKey(name))
                {
                    patch[name] = null;
                }
            }
        }

        return patch;
    }

    private static void AddRemovals(JsonObject patch, JsonObject last, JsonObject live, JsonObject wanted)
    {
        foreach ((string name, JsonNode? was) in last)
        {
            if (was is null || !live.TryGetPropertyValue(name, out JsonNode? now) || now is null)
            {
                continue;
            }

            if (!wanted.ContainsKey(name))
            {
                patch[name] = null;
            }
            else if (was is JsonObject wasObject && now is JsonObject nowObject && wanted[name] is JsonObject wantedObject)
            {
                JsonObject inner = patch[name] as JsonObject ?? [];
                AddRemovals(inner, wasObject, nowObject, wantedObject);
                if (inner.Count > 0 && inner.Parent is null)
                {
                    patch[name] = inner;
                }
            }
        }
    }
}
