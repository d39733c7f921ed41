using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Schemas;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Patching;

/// <summary>
/// Strategic merge patch: like a merge patch, but lists whose items have a key are merged item by item, and directives inside the patch
/// (<c>$patch</c>, <c>$deleteFromPrimitiveList/…</c>, <c>$setElementOrder/…</c>, <c>$retainKeys</c>) say what a plain patch cannot.
/// </summary>
internal static class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string DeleteFromList = "$deleteFromPrimitiveList/";
    private const string SetOrder = "$setElementOrder/";
    private const string RetainKeys = "$retainKeys";

    /// <summary>Applies a patch to an object, which is changed.</summary>
    /// <exception cref="PatchException">The patch contradicts the schema or itself.</exception>
    public static JsonObject Apply(JsonObject target, JsonObject patch, SchemaNode schema)
    {
        MergeMap(target, patch, schema, "");
        return target;
    }

    private static void MergeMap(JsonObject target, JsonObject patch, SchemaNode schema, string path)
    {
        switch (patch.Text(Directive))
        {
            case "replace":
                target.Clear();
                foreach ((string key, JsonNode? value) in patch)
                    if (key != Directive) target[key] = Strip(value);
                return;
            case "delete":
                target.Clear();
                return;
            case null or "merge": break;
            case var other: throw new PatchException($"{path}: unknown $patch directive \"{other}\"");
        }
        if (patch.Array(RetainKeys) is { } retained) Retain(target, patch, retained, path);
        foreach ((string key, JsonNode? change) in patch)
        {
            if (key is Directive or RetainKeys || key.StartsWith(DeleteFromList, StringComparison.Ordinal) || key.StartsWith(SetOrder, StringComparison.Ordinal)) continue;
            string child = path.Length == 0 ? key : $"{path}.{key}";
            SchemaNode? member = schema.Member(key);
            target.TryGetPropertyValue(key, out JsonNode? present);
            switch (change)
            {
                case null:
                    target.Remove(key);
                    break;
                case JsonObject map:
                    if (present is JsonObject existing) MergeMap(existing, map, member ?? s_unknown, child);
                    else
                    {
                        var fresh = new JsonObject();
                        MergeMap(fresh, map, member ?? s_unknown, child);
                        target[key] = fresh;
                    }
                    break;
                case JsonArray list when member is { PatchMerge: true }:
                    target[key] = MergeList(present as JsonArray ?? [], list, Order(patch, key), member, child);
                    break;
                default:
                    target[key] = Strip(change);
                    break;
            }
        }
        foreach ((string key, JsonNode? values) in patch)
        {
            if (!key.StartsWith(DeleteFromList, StringComparison.Ordinal)) continue;
            string name = key[DeleteFromList.Length..];
            if (target[name] is not JsonArray list) continue;
            JsonArray gone = values as JsonArray ?? throw new PatchException($"{path}: {key} must be a list");
            target[name] = Copies(list.Where(item => !gone.Any(g => JsonTree.Equal(g, item))));
        }
        // An order without changes to the items themselves.
        foreach ((string key, JsonNode? order) in patch)
        {
            if (!key.StartsWith(SetOrder, StringComparison.Ordinal)) continue;
            string name = key[SetOrder.Length..];
            if (patch.ContainsKey(name) || target[name] is not JsonArray list || schema.Member(name) is not { PatchMerge: true } member) continue;
            target[name] = MergeList(list, [], order as JsonArray, member, path.Length == 0 ? name : $"{path}.{name}");
        }
    }

    private static void Retain(JsonObject target, JsonObject patch, JsonArray retained, string path)
    {
        HashSet<string> names = [.. retained.Texts()];
        foreach (string key in patch.Select(p => p.Key))
            if (key[0] != '$' && !names.Contains(key) && patch[key] is not null) throw new PatchException($"{path}: {key} is not among the $retainKeys of the patch");
        foreach (string key in target.Select(p => p.Key).ToList())
            if (!names.Contains(key)) target.Remove(key);
    }

    private static JsonArray? Order(JsonObject patch, string key) => patch[SetOrder + key] as JsonArray;

    private static JsonArray MergeList(JsonArray target, JsonArray patch, JsonArray? order, SchemaNode schema, string path)
    {
        if (patch.Concat(target).Any(i => i is JsonArray)) throw new PatchException($"{path}: lists of lists cannot be merged");
        return schema.PatchMergeKey is { } key && schema.Items?.Type == JsonType.Object
            ? MergeObjects(target, patch, order, schema, key, path)
            : MergeScalars(target, patch, order);
    }

    private static JsonArray MergeScalars(JsonArray target, JsonArray patch, JsonArray? order)
    {
        List<JsonNode?> merged = [.. target];
        foreach (JsonNode? item in patch)
            if (!merged.Any(m => JsonTree.Equal(m, item))) merged.Add(item);
        return Copies(order is null ? merged : Sort(merged, order, static (item, wanted) => JsonTree.Equal(item, wanted), target));
    }

    private static JsonArray MergeObjects(JsonArray target, JsonArray patch, JsonArray? order, SchemaNode schema, string key, string path)
    {
        JsonNode KeyOf(JsonNode? item) => (item as JsonObject)?[key] ?? throw new PatchException($"{path}: an item lacks its merge key \"{key}\"");

        bool replace = patch.Objects().Any(i => i.Text(Directive) == "replace");
        List<JsonObject> kept = replace ? [] : [.. target.Objects()];
        var added = new List<JsonObject>();
        foreach (JsonNode? entry in patch)
        {
            JsonObject item = entry as JsonObject ?? throw new PatchException($"{path}: an item must be an object");
            string? directive = item.Text(Directive);
            if (directive == "replace") continue;
            JsonNode wanted = KeyOf(item);
            JsonObject? match = kept.Concat(added).FirstOrDefault(k => k[key] is { } present && JsonTree.Equal(present, wanted));
            switch (directive)
            {
                case "delete":
                    if (match is not null && !kept.Remove(match)) added.Remove(match);
                    break;
                case null or "merge":
                    if (match is not null) MergeMap(match, item, schema.Items!, $"{path}[{key}={JsonTree.ToText(wanted)}]");
                    else
                    {
                        var fresh = new JsonObject();
                        MergeMap(fresh, item, schema.Items!, path);
                        added.Add(fresh);
                    }
                    break;
                default: throw new PatchException($"{path}: unknown $patch directive \"{directive}\"");
            }
        }
        // Without an order the items of the patch come first, the others after them.
        List<JsonNode?> inPatch = [.. patch.Objects().Where(i => i.Text(Directive) is null or "merge").Select(i => i[key])];
        List<JsonNode?> merged = [.. kept, .. added];
        if (order is null)
        {
            return Copies([
                .. inPatch.Select(k => merged.FirstOrDefault(m => JsonTree.Equal((m as JsonObject)?[key], k))).OfType<JsonNode>().Distinct(),
                .. merged.Where(m => !inPatch.Any(k => JsonTree.Equal((m as JsonObject)?[key], k))),
            ]);
        }
        return Copies(Sort(merged, order, (item, wanted) => JsonTree.Equal((item as JsonObject)?[key], (wanted as JsonObject)?[key]), target));
    }

    /// <summary>Listed items in the wanted order; the others keep their place relative to what they followed before.</summary>
    private static List<JsonNode?> Sort(List<JsonNode?> items, JsonArray order, Func<JsonNode?, JsonNode?, bool> same, JsonArray before)
    {
        var result = new List<JsonNode?>();
        foreach (JsonNode? wanted in order)
        {
            int index = items.FindIndex(i => same(i, wanted));
            if (index >= 0 && !result.Contains(items[index])) result.Add(items[index]);
        }
        List<JsonNode?> others = [.. items.Where(i => !result.Contains(i))];
        foreach (JsonNode? other in others)
        {
            // The nearest item before it in the old list that is placed already.
            int old = before.IndexOf(other);
            int place = old < 0 ? result.Count : 0;
            for (int i = old - 1; i >= 0; i--)
            {
                int neighbour = result.FindIndex(r => ReferenceEquals(r, before[i]));
                if (neighbour < 0) continue;
                place = neighbour + 1;
                break;
            }
            result.Insert(place, other);
        }
        return result;
    }

    private static JsonArray Copies(IEnumerable<JsonNode?> items) => new([.. items.Select(i => i.Copy())]);

    /// <summary>A value of the patch that is taken over whole carries no directives.</summary>
    private static JsonNode? Strip(JsonNode? value) => value switch
    {
        JsonObject map => new JsonObject(map.Where(p => !p.Key.StartsWith('$') && p.Value is not null).Select(p => KeyValuePair.Create(p.Key, Strip(p.Value)))),
        JsonArray list => new JsonArray([.. list.Where(i => i is not JsonObject { } o || o.Text(Directive) is null).Select(Strip)]),
        _ => value.Copy(),
    };

    private static readonly SchemaNode s_unknown = new() { Type = JsonType.Any };
}
