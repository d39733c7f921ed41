using System.Text.Json;

namespace Musubi.Cni.Spec;

/// <summary>
/// A JSON object of a network configuration, read the way the reference implementation reads it: keys match without regard to
/// case (an exact match wins), <c>null</c> counts as absent, unknown keys are nobody's business, a wrong type is an error.
/// </summary>
/// <param name="Element">The object.</param>
/// <param name="Path">Where it stands in the configuration, for messages; empty for the root.</param>
public readonly record struct ConfigObject(JsonElement Element, string Path)
{
    /// <summary>Parses a whole configuration.</summary>
    /// <exception cref="CniException">Code 6: not JSON, or not an object.</exception>
    public static ConfigObject Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new CniException(CniErrorCode.DecodingFailure, "the network configuration must be a JSON object");
            }

            RequireReadableKeys(document.RootElement);
            return new ConfigObject(document.RootElement, "");
        }
        catch (JsonException e)
        {
            throw new CniException(CniErrorCode.DecodingFailure, $"the network configuration is not valid JSON: line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}");
        }
    }

    /// <summary>A text value; null when absent.</summary>
    public string? Text(string key) => Find(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.String ? ReadText(value, key) : throw Wrong(key, value, "a string");

    /// <summary>A switch; null when absent.</summary>
    public bool? Flag(string key) => Find(key) is not { } value
        ? null
        : value.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(key, value, "true or false"),
        };

    /// <summary>A whole number; null when absent.</summary>
    public int? Number(string key) => Find(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Wrong(key, value, "a whole number of 32 bits");

    /// <summary>A whole number that is not negative, of up to 64 bits; null when absent.</summary>
    public ulong? Amount(string key) => Find(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong number) ? number : throw Wrong(key, value, "a whole number from 0 to 2^64-1");

    /// <summary>An object; null when absent.</summary>
    public ConfigObject? Object(string key) => Find(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Object ? new ConfigObject(value, PathOf(key)) : throw Wrong(key, value, "an object");

    /// <summary>A list's items, whatever they are; null when absent.</summary>
    public IReadOnlyList<JsonElement>? List(string key) => Find(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : throw Wrong(key, value, "a list");

    /// <summary>A list of objects; null when absent.</summary>
    public IReadOnlyList<ConfigObject>? Objects(string key)
    {
        if (List(key) is not { } items)
        {
            return null;
        }

        ConfigObject[] objects = new ConfigObject[items.Count];
        for (int i = 0; i < objects.Length; i++)
        {
            string path = $"{PathOf(key)}[{i}]";
            objects[i] = items[i].ValueKind == JsonValueKind.Object
                ? new ConfigObject(items[i], path)
                : throw CniException.InvalidConfig($"{path} must be an object, not {Describe(items[i])}");
        }

        return objects;
    }

    /// <summary>A list of texts; null when absent.</summary>
    public IReadOnlyList<string>? Texts(string key)
    {
        if (List(key) is not { } items)
        {
            return null;
        }

        string[] texts = new string[items.Count];
        for (int i = 0; i < texts.Length; i++)
        {
            texts[i] = items[i].ValueKind == JsonValueKind.String
                ? ReadText(items[i], $"{key}[{i}]")
                : throw CniException.InvalidConfig($"{PathOf(key)}[{i}] must be a string, not {Describe(items[i])}");
        }

        return texts;
    }

    /// <summary>The value under a key, whatever it is; null when absent or JSON null.</summary>
    public JsonElement? Find(string key)
    {
        JsonElement? loose = null;
        JsonElement? exact = null;
        foreach (JsonProperty property in Element.EnumerateObject())
        {
            if (property.NameEquals(key))
            {
                exact = property.Value; // a repeated key: the last one counts
            }
            else if (exact is null && property.Name.Equals(key, StringComparison.OrdinalIgnoreCase))
            {
                loose = property.Value;
            }
        }

        JsonElement? found = exact ?? loose;
        return found is { ValueKind: JsonValueKind.Null } ? null : found;
    }

    /// <summary>The key's full path, as messages name it.</summary>
    public string PathOf(string key) => Path.Length == 0 ? key : $"{Path}.{key}";

    /// <summary>The parser lets keys pass that are no Unicode text, and fails only when one is read, wherever that may be.</summary>
    private static void RequireReadableKeys(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in element.EnumerateArray())
            {
                RequireReadableKeys(item);
            }
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in element.EnumerateObject())
            {
                try
                {
                    _ = property.Name;
                }
                catch (InvalidOperationException e)
                {
                    throw new CniException(CniErrorCode.DecodingFailure, "the network configuration has a key that is not valid Unicode text", details: null, e);
                }

                RequireReadableKeys(property.Value);
            }
        }
    }

    private string ReadText(JsonElement value, string key)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Escapes that name half a surrogate pair are valid JSON and no text.
            throw CniException.InvalidConfig($"{PathOf(key)} is not valid Unicode text");
        }
    }

    private CniException Wrong(string key, JsonElement value, string wanted) =>
        CniException.InvalidConfig($"{PathOf(key)} must be {wanted}, not {Describe(value)}");

    private static string Describe(JsonElement value)
    {
        string raw = value.GetRawText();
        return raw.Length <= 40 ? raw : raw[..37] + "...";
    }
}
