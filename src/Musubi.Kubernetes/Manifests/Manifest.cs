using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Manifests;

/// <summary>One object as a user wrote it, with the place it was written at for messages.</summary>
/// <param name="Object">The object.</param>
/// <param name="Source">File name and document, as <c>vm.yaml#2</c>.</param>
public sealed record Manifest(JsonObject Object, string Source)
{
    /// <summary><c>v1</c> or <c>group/version</c>; empty when missing.</summary>
    public string ApiVersion => Object.Text("apiVersion") ?? "";

    /// <summary>Kind; empty when missing.</summary>
    public string Kind => Object.Text("kind") ?? "";

    /// <summary>Name; empty when missing.</summary>
    public string Name => Object.Object("metadata")?.Text("name") ?? "";

    /// <summary>Namespace, if written.</summary>
    public string? Namespace => Object.Object("metadata")?.Text("namespace");

    /// <summary>Reads the objects of a text; a <c>List</c> counts as its items.</summary>
    /// <exception cref="ManifestException">The text is no YAML, or an object lacks apiVersion, kind or name; says where.</exception>
    public static IReadOnlyList<Manifest> Parse(string text, string source)
    {
        IReadOnlyList<JsonNode> documents;
        try
        {
            documents = YamlReader.ReadAll(text);
        }
        catch (ManifestException e)
        {
            throw new ManifestException($"{source}: {e.Message}", e);
        }

        List<Manifest> all = [];
        for (int i = 0; i < documents.Count; i++)
        {
            Add(all, documents[i], documents.Count == 1 ? source : $"{source}#{i + 1}");
        }

        return all;
    }

    /// <summary>Reads a file, or every <c>.yaml</c>, <c>.yml</c> and <c>.json</c> file of a folder in name order.</summary>
    /// <exception cref="ManifestException">A file could not be understood; says which and where.</exception>
    public static async Task<IReadOnlyList<Manifest>> LoadAsync(string path, CancellationToken ct)
    {
        string[] files = Directory.Exists(path)
            ? [.. Directory.EnumerateFiles(path).Where(f => Path.GetExtension(f) is ".yaml" or ".yml" or ".json").Order(StringComparer.Ordinal)]
            : [path];
        List<Manifest> all = [];
        foreach (string file in files)
        {
            all.AddRange(Parse(await File.ReadAllTextAsync(file, ct), file));
        }

        return all;
    }

    private static void Add(List<Manifest> all, JsonNode? document, string source)
    {
        if (document is not JsonObject obj)
        {
            throw new ManifestException($"{source}: expected an object with apiVersion and kind");
        }

        if (obj.Text("kind") is { } kind && kind.EndsWith("List", StringComparison.Ordinal) && obj["items"] is JsonArray items)
        {
            for (int i = 0; i < items.Count; i++)
            {
                Add(all, items[i]?.DeepClone(), $"{source}, items[{i}]");
            }

            return;
        }

        Manifest manifest = new(obj, source);
        foreach ((string field, JsonNode? value) in new[] { ("apiVersion", obj["apiVersion"]), ("kind", obj["kind"]), ("metadata.name", obj.Object("metadata")?["name"]) })
        {
            if (value is null || (value.GetValueKind() == JsonValueKind.String && value.GetValue<string>().Length == 0))
            {
                throw new ManifestException($"{source}: {field} is missing");
            }

            if (value.GetValueKind() != JsonValueKind.String)
            {
                throw new ManifestException($"{source}: {field} must be a text, found {value.ToJsonString()}; words like y, no and on, and numbers, need quotes");
            }
        }

        all.Add(manifest);
    }
}
