using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Musubi.ApiServer.Json;

/// <summary>
/// Reads and writes JSON trees. Reading is eager and strict, so that a tree in hand never fails later: numbers are integers of
/// 64 bits or finite doubles, strings are valid Unicode, a repeated key is reported and its last value wins.
/// </summary>
internal static class JsonTree
{
    public const int MaxDepth = 256;

    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = MaxDepth };
    private static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
        MaxDepth = MaxDepth * 2,
    };

    /// <summary>Parses one value.</summary>
    /// <param name="utf8">The whole text.</param>
    /// <param name="duplicates">Receives the path of every repeated key.</param>
    /// <exception cref="JsonException">The text is not JSON, or holds what a tree cannot.</exception>
    public static JsonNode? Parse(ReadOnlySpan<byte> utf8, ICollection<string>? duplicates = null)
    {
        var reader = new Utf8JsonReader(utf8, ReaderOptions);
        try
        {
            if (!reader.Read()) throw new JsonException("unexpected end of JSON input");
            JsonNode? value = ReadValue(ref reader, duplicates, path: "");
            if (reader.Read()) throw new JsonException("invalid character after top-level value");
            return value;
        }
        catch (InvalidOperationException e)
        {
            // The reader's word for a string that is not valid UTF-8 or has a lone surrogate.
            throw new JsonException("invalid text in string: " + e.Message, e);
        }
    }

    /// <summary>Parses an object; anything else is an error.</summary>
    public static JsonObject ParseObject(ReadOnlySpan<byte> utf8) =>
        Parse(utf8) as JsonObject ?? throw new JsonException("expected a JSON object");

    private static JsonNode? ReadValue(ref Utf8JsonReader reader, ICollection<string>? duplicates, string path)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null: return null;
            case JsonTokenType.True: return JsonValue.Create(true);
            case JsonTokenType.False: return JsonValue.Create(false);
            case JsonTokenType.String: return JsonValue.Create(reader.GetString());
            case JsonTokenType.Number: return ReadNumber(ref reader);
            case JsonTokenType.StartArray:
                var array = new JsonArray();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    array.Add(ReadValue(ref reader, duplicates, duplicates is null ? "" : $"{path}[{array.Count}]"));
                return array;
            case JsonTokenType.StartObject:
                return ReadObject(ref reader, duplicates, path);
            default: throw new JsonException($"unexpected token {reader.TokenType}");
        }
    }

    private static JsonObject ReadObject(ref Utf8JsonReader reader, ICollection<string>? duplicates, string path)
    {
        var map = new JsonObject();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            string name = reader.GetString()!;
            string child = duplicates is null ? "" : path.Length == 0 ? name : $"{path}.{name}";
            if (!reader.Read()) throw new JsonException("unexpected end of JSON input");
            JsonNode? value = ReadValue(ref reader, duplicates, child);
            if (!map.TryAdd(name, value))
            {
                duplicates?.Add(child);
                map[name] = value;
            }
        }
        return map;
    }

    private static JsonValue ReadNumber(ref Utf8JsonReader reader)
    {
        if (reader.TryGetInt64(out long integer)) return JsonValue.Create(integer);
        if (reader.TryGetDouble(out double real) && double.IsFinite(real)) return JsonValue.Create(real);
        throw new JsonException("number is out of range");
    }

    /// <summary>Writes a tree as compact UTF-8.</summary>
    public static byte[] ToBytes(JsonNode? node)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        Write(node, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Writes a tree as compact UTF-8, or indented for a person.</summary>
    public static void Write(JsonNode? node, IBufferWriter<byte> output, bool indented = false)
    {
        using var writer = new Utf8JsonWriter(output, indented ? WriterOptions with { Indented = true } : WriterOptions);
        WriteValue(writer, node);
    }

    public static Utf8JsonWriter Writer(IBufferWriter<byte> output) => new(output, WriterOptions);

    public static void WriteValue(Utf8JsonWriter writer, JsonNode? node)
    {
        switch (node)
        {
            case null: writer.WriteNullValue(); break;
            case JsonObject map:
                writer.WriteStartObject();
                foreach ((string key, JsonNode? value) in map)
                {
                    writer.WritePropertyName(key);
                    WriteValue(writer, value);
                }
                writer.WriteEndObject();
                break;
            case JsonArray array:
                writer.WriteStartArray();
                foreach (JsonNode? item in array) WriteValue(writer, item);
                writer.WriteEndArray();
                break;
            default: node.WriteTo(writer); break;
        }
    }

    /// <summary>Compact text of a tree, for messages.</summary>
    public static string ToText(JsonNode? node) => System.Text.Encoding.UTF8.GetString(ToBytes(node));

    /// <summary>Whether a tree has more levels than <paramref name="limit"/>.</summary>
    public static bool IsDeeper(JsonNode? node, int limit) => node switch
    {
        JsonObject map => limit == 0 || map.Any(p => IsDeeper(p.Value, limit - 1)),
        JsonArray list => limit == 0 || list.Any(i => IsDeeper(i, limit - 1)),
        _ => false,
    };

    /// <summary>Whether two trees mean the same; the order of keys does not matter, 1 and 1.0 are equal.</summary>
    public static bool Equal(JsonNode? a, JsonNode? b)
    {
        if (ReferenceEquals(a, b)) return true;
        switch (a, b)
        {
            case (JsonObject x, JsonObject y):
                if (x.Count != y.Count) return false;
                foreach ((string key, JsonNode? value) in x)
                    if (!y.TryGetPropertyValue(key, out JsonNode? other) || !Equal(value, other)) return false;
                return true;
            case (JsonArray x, JsonArray y):
                if (x.Count != y.Count) return false;
                for (int i = 0; i < x.Count; i++)
                    if (!Equal(x[i], y[i])) return false;
                return true;
            case (JsonValue x, JsonValue y):
                if (x.GetValueKind() != y.GetValueKind()) return false;
                if (x.GetValueKind() != JsonValueKind.Number) return JsonNode.DeepEquals(x, y);
                if (x.TryInt64(out long i1) && y.TryInt64(out long i2)) return i1 == i2;
                return x.AsDouble() == y.AsDouble();
            default: return false;
        }
    }
}
