using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>
/// Strategic merge patches: lists of objects are merged by a key field, so that what the server or others added to an item stays.
/// </summary>
/// <remarks>The keys are those of the built-in kinds; a list that is not in the table is replaced whole, as the API does it.</remarks>
public static class StrategicPatch
{
    private static readonly string[] BuiltInGroups =
    [
        "", "apps", "batch", "autoscaling", "policy", "events.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "networking.k8s.io", "node.k8s.io",
        "rbac.authorization.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io",
    ];

    /// <summary>Whether the kind is built in and so takes strategic merge patches.</summary>
    public static bool IsKnown(ResourceType type) => BuiltInGroups.Contains(type.Group, StringComparer.Ordinal);

    /// <summary>The patch with three sides; see <see cref="MergePatch.ThreeWay"/>.</summary>
    public static JsonObject ThreeWay(JsonObject? last, JsonObject live, JsonObject wanted)
    {
        JsonObject patch = [];
        DiffObject(patch, last ?? [], live, wanted, parent: "");
        return patch;
    }

    private static void DiffObject(JsonObject patch, JsonObject last, JsonObject live, JsonObject wanted, string parent)
    {
        foreach ((string name, JsonNode? value) in wanted)
        {
            JsonNode? now = live[name];
            switch (value)
            {
                case JsonObject wantedObject when now is JsonObject liveObject:
                    JsonObject inner = [];
                    DiffObject(inner, last[name] as JsonObject ?? [], liveObject, wantedObject, name);
                    if (inner.Count > 0)
                    {
                        patch[name] = inner;
                    }

                    break;
                case JsonArray wantedList when now is JsonArray liveList && MergeKey(parent, name, wantedList) is { } key:
                    DiffList(patch, last[name] as JsonArray ?? [], liveList, wantedList, name, key);
                    break;
                default:
                    if (!now.SameAs(value))
                    {
                        patch[name] = value?.DeepClone();
                    }

                    break;
            }
        }

        foreach ((string name, JsonNode? was) in last)
        {
            if (was is not null && !wanted.ContainsKey(name) && live[name] is not null)
            {
                patch[name] = null;
            }
        }
    }

    private static void DiffList(JsonObject patch, JsonArray last, JsonArray live, JsonArray wanted, string name, string key)
    {
        JsonArray items = [];
        foreach (JsonObject item in wanted.OfType<JsonObject>())
        {
            JsonNode id = item[key]!;
            if (Find(live, key, id) is not { } there)
            {
                items.Add(item.DeepClone());
                continue;
            }

            JsonObject inner = [];
            DiffObject(inner, Find(last, key, id) ?? [], there, item, name);
            if (inner.Count > 0)
            {
                inner[key] = id.DeepClone();
                items.Add(inner);
            }
        }

        foreach (JsonObject gone in last.OfType<JsonObject>())
        {
            if (gone[key] is { } id && Find(wanted, key, id) is null && Find(live, key, id) is not null)
            {
                items.Add(new JsonObject { ["$patch"] = "delete", [key] = id.DeepClone() });
            }
        }

        if (items.Count > 0)
        {
            patch[$"$setElementOrder/{name}"] = new JsonArray([.. wanted.OfType<JsonObject>().Select(i => new JsonObject { [key] = i[key]!.DeepClone() })]);
            patch[name] = items;
        }
    }

    private static JsonObject? Find(JsonArray list, string key, JsonNode id) => list.OfType<JsonObject>().FirstOrDefault(i => i[key].SameAs(id));

    /// <summary>The field by which items of a list are told apart; null when the list is replaced whole.</summary>
    private static string? MergeKey(string parent, string name, JsonArray wanted)
    {
        string? key = name switch
        {
            "containers" or "initContainers" or "ephemeralContainers" or "volumes" or "env" or "imagePullSecrets" or "schedulingGates"
                or "resourceClaims" or "webhooks" or "matchConditions" or "variables" => "name",
            "secrets" when parent.Length == 0 => "name",
            "ports" when parent is "containers" or "initContainers" or "ephemeralContainers" => "containerPort",
            "ports" when parent == "spec" => "port",
            "volumeMounts" => "mountPath",
            "volumeDevices" => "devicePath",
            "hostAliases" or "podIPs" or "hostIPs" => "ip",
            "topologySpreadConstraints" => "topologyKey",
            "conditions" or "addresses" => "type",
            "ownerReferences" or "reservedFor" => "uid",
            _ => null,
        };
        return key is not null && wanted.All(i => i is JsonObject item && item[key] is not null) ? key : null;
    }
}
