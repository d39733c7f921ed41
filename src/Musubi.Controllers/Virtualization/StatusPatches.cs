using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Virtualization;

/// <summary>Turns a wanted status or list of finalizers into the smallest patch.</summary>
internal static class StatusPatches
{
    /// <summary>
    /// The patch from one status to another; null when they are the same. It carries the version that was read, because lists (conditions,
    /// requests) are replaced whole and others write them too.
    /// </summary>
    public static JsonObject? Between<TStatus>(TStatus? old, TStatus wanted, JsonTypeInfo<TStatus> type, string? resourceVersion)
        where TStatus : class
    {
        JsonObject from = old is null ? [] : JsonSerializer.SerializeToNode(old, type)!.AsObject();
        JsonObject to = JsonSerializer.SerializeToNode(wanted, type)!.AsObject();
        JsonObject changes = MergePatch.Between(from, to);
        return changes.Count == 0 ? null : new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = resourceVersion }, ["status"] = changes };
    }

    /// <summary>The patch that adds or removes one finalizer and leaves the others.</summary>
    public static JsonObject Finalizer(ObjectMeta metadata, string finalizer, bool present)
    {
        IEnumerable<string> others = (metadata.Finalizers ?? []).Where(f => f != finalizer);
        JsonArray finalizers = [.. others.Concat(present ? [finalizer] : []).Select(f => (JsonNode)f)];
        return new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = metadata.ResourceVersion, ["finalizers"] = finalizers } };
    }

    /// <summary>The patch that sets labels and leaves the others; null when they are set already.</summary>
    public static JsonObject? Labels(ObjectMeta metadata, IEnumerable<KeyValuePair<string, string>> wanted)
    {
        JsonObject labels = new(wanted.Where(l => metadata.Label(l.Key) != l.Value).Select(l => KeyValuePair.Create(l.Key, (JsonNode?)l.Value)));
        return labels.Count == 0 ? null : new JsonObject { ["metadata"] = new JsonObject { ["labels"] = labels } };
    }
}
