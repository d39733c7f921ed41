using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Musubi.Kubernetes.Manifests;

/// <summary>Reads YAML (and so JSON) into JSON values, with the scalar rules that kubectl applies: YAML 1.1 booleans, octal and all.</summary>
public static class YamlReader
{
    /// <summary>All documents of a stream; empty ones are left out.</summary>
    /// <exception cref="ManifestException">The text is no YAML, or holds something that JSON cannot.</exception>
    public static IReadOnlyList<JsonNode> ReadAll(string text)
    {
        try
        {
            List<JsonNode> documents = [];
            Parser parser = new(new StringReader(text));
            parser.Consume<StreamStart>();
            while (parser.TryConsume<DocumentStart>(out _))
            {
                if (new DocumentReader(parser).ReadNode(depth: 0) is { } document)
                {
                    documents.Add(document);
                }

                parser.Consume<DocumentEnd>();
            }

            return documents;
        }
        catch (YamlException e)
        {
            throw new ManifestException($"line {e.Start.Line}, column {e.Start.Column}: {e.Message}", e);
        }
    }

    /// <summary>The only document of a text.</summary>
    /// <exception cref="ManifestException">The text is no YAML, or is not one document that is an object.</exception>
    public static JsonObject ReadObject(string text) => ReadAll(text) switch
    {
        [JsonObject one] => one,
        [_] => throw new ManifestException("expected an object (key: value), found another kind of value"),
        [] => throw new ManifestException("the text is empty"),
        var many => throw new ManifestException($"expected one document, found {many.Count}"),
    };
}

/// <summary>A manifest could not be read.</summary>
public sealed class ManifestException : FormatException
{
    internal ManifestException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>Reads one document from parser events.</summary>
internal sealed class DocumentReader(IParser parser)
{
    // Aliases can make a small text expand without bound; no real manifest comes near these.
    private const int MaxDepth = 100;
    private const int MaxNodes = 500_000;
    private readonly Dictionary<AnchorName, JsonNode?> _anchors = [];
    private int _nodes;

    public JsonNode? ReadNode(int depth)
    {
        if (depth > MaxDepth)
        {
            throw Error(parser.Current!, $"nested deeper than {MaxDepth} levels");
        }

        Count(parser.Current!, 1);
        if (Take(out AnchorAlias? alias))
        {
            return Resolve(alias);
        }

        if (Take(out Scalar? scalar))
        {
            return Remember(scalar, ScalarValue(scalar));
        }

        if (Take(out SequenceStart? sequence))
        {
            JsonArray items = [];
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                items.Add(ReadNode(depth + 1));
            }

            return Remember(sequence, items);
        }

        MappingStart mapping = parser.Consume<MappingStart>();
        return Remember(mapping, ReadMapping(depth));
    }

    private JsonObject ReadMapping(int depth)
    {
        JsonObject result = [];
        List<JsonNode?> merged = [];
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            ParsingEvent at = parser.Current!;
            if (!Take(out Scalar? keyScalar))
            {
                throw Error(at, "a key must be a plain text, not a list, an object or an alias");
            }

            if (keyScalar is { Value: "<<", Style: ScalarStyle.Plain })
            {
                merged.Add(ReadNode(depth + 1));
                continue;
            }

            string key = KeyText(keyScalar);
            if (result.ContainsKey(key))
            {
                throw Error(at, $"key \"{key}\" is there twice");
            }

            result[key] = ReadNode(depth + 1);
        }

        foreach (JsonNode? source in merged)
        {
            Merge(result, source);
        }

        return result;
    }

    private void Merge(JsonObject into, JsonNode? source)
    {
        IEnumerable<JsonNode?> sources = source is JsonArray list ? list : [source];
        foreach (JsonNode? one in sources)
        {
            if (one is not JsonObject from)
            {
                throw Error(parser.Current!, "'<<' takes an object or a list of objects");
            }

            foreach ((string key, JsonNode? value) in from)
            {
                if (!into.ContainsKey(key))
                {
                    into[key] = value?.DeepClone();
                }
            }
        }
    }

    private JsonNode? Resolve(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value, out JsonNode? target))
        {
            throw Error(alias, $"alias *{alias.Value} has no anchor before it");
        }

        Count(alias, SizeOf(target));
        return target?.DeepClone();
    }

    private JsonNode? Remember(NodeEvent start, JsonNode? value)
    {
        if (!start.Anchor.IsEmpty)
        {
            _anchors[start.Anchor] = value;
        }

        return value;
    }

    private bool Take<T>([NotNullWhen(true)] out T? taken)
        where T : ParsingEvent
    {
        taken = parser.Current as T;
        if (taken is not null)
        {
            parser.MoveNext();
        }

        return taken is not null;
    }

    private void Count(ParsingEvent at, int more)
    {
        _nodes += more;
        if (_nodes > MaxNodes)
        {
            throw Error(at, $"more than {MaxNodes} values after aliases are expanded");
        }
    }

    private static int SizeOf(JsonNode? node) => node switch
    {
        JsonObject o => 1 + o.Sum(p => SizeOf(p.Value)),
        JsonArray a => 1 + a.Sum(SizeOf),
        _ => 1,
    };

    private static string KeyText(Scalar key) => ScalarValue(key) switch
    {
        null => "null",
        JsonValue v when v.TryGetValue(out string? s) => s,
        JsonNode other => other.ToJsonString(),
    };

    private static JsonNode? ScalarValue(Scalar scalar)
    {
        string text = scalar.Value;
        string tag = scalar.Tag.IsEmpty ? "" : scalar.Tag.Value;
        if (tag is "tag:yaml.org,2002:str" or "!" || (tag.Length == 0 && scalar.Style != ScalarStyle.Plain))
        {
            return JsonValue.Create(text);
        }

        if (tag.Length > 0 && tag is not ("?" or "tag:yaml.org,2002:int" or "tag:yaml.org,2002:float" or "tag:yaml.org,2002:bool" or "tag:yaml.org,2002:null"))
        {
            throw Error(scalar, $"tag {tag} has no meaning in a manifest");
        }

        return PlainScalar.Resolve(text) is { } resolved ? resolved.Value : throw Error(scalar, $"{text} has no JSON form; quote it to make it a text");
    }

    private static ManifestException Error(ParsingEvent at, string message) => new($"line {at.Start.Line}, column {at.Start.Column}: {message}");
}
