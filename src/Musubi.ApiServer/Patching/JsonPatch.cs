using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Patching;

/// <summary>A patch does not fit the object it is applied to.</summary>
internal sealed class PatchException(string message) : Exception(message);

/// <summary>JSON patch, RFC 6902.</summary>
internal static class JsonPatch
{
    private const int MaxOperations = 10_000;
    private const int MaxCopiedBytes = 3 << 20;

    /// <summary>Checks a patch's form.</summary>
    /// <exception cref="ApiException">400: it is not a JSON patch; 413: it is too long.</exception>
    public static JsonArray Parse(JsonNode? patch)
    {
        if (patch is not JsonArray operations) throw new ApiException(ApiStatus.BadRequest("a JSON patch is an array of operations"));
        if (operations.Count > MaxOperations) throw new ApiException(ApiStatus.Failure(System.Net.HttpStatusCode.RequestEntityTooLarge, "RequestEntityTooLarge",
            $"The allowed maximum operations in a JSON patch is {MaxOperations}, got {operations.Count}"));
        return operations;
    }

    /// <summary>Applies all operations in order; the target may be changed and returned.</summary>
    /// <exception cref="PatchException">One of them cannot be applied.</exception>
    public static JsonNode? Apply(JsonNode? target, JsonArray operations)
    {
        long copied = 0;
        foreach (JsonNode? item in operations)
        {
            if (item is not JsonObject operation) throw new PatchException("an operation must be an object");
            string op = operation.Text("op") ?? throw new PatchException("an operation lacks \"op\"");
            string path = operation.Text("path") ?? throw new PatchException($"operation {op} lacks \"path\"");
            switch (op)
            {
                case "add": target = Add(target, path, Value(operation)); break;
                case "remove": target = Remove(target, path, out _); break;
                case "replace":
                    if (path.Length == 0) target = Value(operation);
                    else Replace(target, path, Value(operation));
                    break;
                case "move":
                    string source = From(operation);
                    if (path.StartsWith(source + "/", StringComparison.Ordinal)) throw new PatchException("a value cannot be moved into itself");
                    target = Remove(target, source, out JsonNode? moved);
                    target = Add(target, path, moved);
                    break;
                case "copy":
                    JsonNode? copy = Find(target, From(operation)).Copy();
                    copied += JsonTree.ToBytes(copy).Length;
                    if (copied > MaxCopiedBytes) throw new PatchException("the copies of this patch are too large");
                    target = Add(target, path, copy);
                    break;
                case "test":
                    if (!JsonTree.Equal(Find(target, path), operation["value"])) throw new PatchException($"testing value {path} failed");
                    break;
                default: throw new PatchException($"unexpected operation {op}");
            }
        }
        return target;
    }

    private static JsonNode? Value(JsonObject operation) =>
        operation.TryGetPropertyValue("value", out JsonNode? value) ? value.Copy() : throw new PatchException($"operation {operation.Text("op")} lacks \"value\"");

    private static string From(JsonObject operation) => operation.Text("from") ?? throw new PatchException($"operation {operation.Text("op")} lacks \"from\"");

    private static JsonNode? Add(JsonNode? root, string path, JsonNode? value)
    {
        if (path.Length == 0) return value;
        (JsonNode? parent, string last) = Parent(root, path);
        switch (parent)
        {
            case JsonObject map: map[last] = value; break;
            case JsonArray list when last == "-": list.Add(value); break;
            case JsonArray list: list.Insert(Index(last, list.Count, path), value); break;
            default: throw Missing(path);
        }
        return root;
    }

    private static JsonNode? Remove(JsonNode? root, string path, out JsonNode? removed)
    {
        if (path.Length == 0)
        {
            removed = root;
            return null;
        }
        (JsonNode? parent, string last) = Parent(root, path);
        switch (parent)
        {
            case JsonObject map:
                if (!map.Remove(last, out removed)) throw Missing(path);
                break;
            case JsonArray list:
                int index = Index(last, list.Count - 1, path);
                removed = list[index];
                list.RemoveAt(index);
                break;
            default: throw Missing(path);
        }
        return root;
    }

    private static void Replace(JsonNode? root, string path, JsonNode? value)
    {
        (JsonNode? parent, string last) = Parent(root, path);
        switch (parent)
        {
            case JsonObject map when map.ContainsKey(last): map[last] = value; break;
            case JsonArray list: list[Index(last, list.Count - 1, path)] = value; break;
            default: throw Missing(path);
        }
    }

    private static JsonNode? Find(JsonNode? root, string path)
    {
        if (path.Length == 0) return root;
        (JsonNode? parent, string last) = Parent(root, path);
        return parent switch
        {
            JsonObject map when map.TryGetPropertyValue(last, out JsonNode? value) => value,
            JsonArray list => list[Index(last, list.Count - 1, path)],
            _ => throw Missing(path),
        };
    }

    private static (JsonNode? Parent, string Last) Parent(JsonNode? root, string path)
    {
        if (path[0] != '/') throw new PatchException($"path \"{path}\" does not start with \"/\"");
        string[] parts = path[1..].Split('/');
        JsonNode? node = root;
        for (int i = 0; i < parts.Length - 1; i++)
        {
            string part = Unescape(parts[i]);
            node = node switch
            {
                JsonObject map when map.TryGetPropertyValue(part, out JsonNode? next) => next,
                JsonArray list => list[Index(part, list.Count - 1, path)],
                _ => throw Missing(path),
            };
        }
        return (node, Unescape(parts[^1]));
    }

    private static string Unescape(string part) => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);

    private static int Index(string text, int max, string path)
    {
        bool leadingZero = text.Length > 1 && text[0] == '0';
        return !leadingZero && int.TryParse(text, System.Globalization.NumberStyles.None, null, out int index) && index <= max ? index
            : throw new PatchException($"path \"{path}\": \"{text}\" is not an index of the list");
    }

    private static PatchException Missing(string path) => new($"the path \"{path}\" is missing in the object");
}
