using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Musubi.ApiServer.Codecs;

/// <summary>
/// Reads YAML as the API understands it: the first document, as JSON, with the scalars of YAML 1.1 (an unquoted <c>yes</c>, <c>on</c>
/// or <c>n</c> is a boolean).
/// </summary>
internal static class YamlReader
{
    /// <summary>References can repeat a value many times over; a document that grows beyond this is refused.</summary>
    private const int MaxNodes = 1_000_000;

    /// <exception cref="JsonException">The text is not YAML, or not what JSON can say.</exception>
    public static JsonNode? Parse(ReadOnlyMemory<byte> utf8)
    {
        try
        {
            using var text = new StreamReader(new MemoryStream(utf8.ToArray()), new System.Text.UTF8Encoding(false, throwOnInvalidBytes: true));
            return new Reader(new Parser(text)).ReadDocument();
        }
        catch (YamlException e)
        {
            throw new JsonException($"yaml: line {e.Start.Line}: {e.Message}", e);
        }
        catch (System.Text.DecoderFallbackException e)
        {
            throw new JsonException("yaml: invalid UTF-8", e);
        }
    }

    private sealed class Reader(IParser parser)
    {
        private readonly Dictionary<AnchorName, JsonNode?> _anchors = [];
        private int _nodes;

        public JsonNode? ReadDocument()
        {
            parser.Consume<StreamStart>();
            if (parser.TryConsume<StreamEnd>(out _)) return null;
            parser.Consume<DocumentStart>();
            return ReadNode(0);
        }

        private JsonNode? ReadNode(int depth)
        {
            if (depth > JsonTree.MaxDepth) throw new JsonException("yaml: nested too deeply");
            Count(1);
            if (Take<AnchorAlias>() is { } alias)
            {
                if (!_anchors.TryGetValue(alias.Value, out JsonNode? known)) throw new JsonException($"yaml: unknown anchor '{alias.Value}' referenced");
                Count(Size(known));
                return known?.DeepClone();
            }
            if (Take<Scalar>() is { } scalar) return Remember(scalar.Anchor, ReadScalar(scalar));
            if (Take<SequenceStart>() is { } sequence)
            {
                var list = new JsonArray();
                while (!parser.TryConsume<SequenceEnd>(out _)) list.Add(ReadNode(depth + 1));
                return Remember(sequence.Anchor, list);
            }
            MappingStart mapping = parser.Consume<MappingStart>();
            var map = new JsonObject();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                JsonNode? key = ReadNode(depth + 1);
                if (key is JsonObject or JsonArray) throw new JsonException("yaml: a key must be a scalar");
                string name = key.AsText() ?? key?.ToJsonString() ?? "null";
                JsonNode? value = ReadNode(depth + 1);
                if (name == "<<" && value is JsonObject merged)
                {
                    foreach ((string k, JsonNode? v) in merged) map.TryAdd(k, v?.DeepClone());
                }
                else map[name] = value;
            }
            return Remember(mapping.Anchor, map);
        }

        private T? Take<T>()
            where T : ParsingEvent
        {
            if (parser.Current is not T found) return null;
            parser.MoveNext();
            return found;
        }

        private JsonNode? Remember(AnchorName anchor, JsonNode? node)
        {
            if (!anchor.IsEmpty) _anchors[anchor] = node?.DeepClone();
            return node;
        }

        private void Count(int nodes)
        {
            _nodes += nodes;
            if (_nodes > MaxNodes) throw new JsonException("yaml: the document expands to too many values");
        }

        private static int Size(JsonNode? node) => node switch
        {
            JsonObject map => 1 + map.Sum(p => Size(p.Value)),
            JsonArray list => 1 + list.Sum(Size),
            _ => 1,
        };

        private static JsonNode? ReadScalar(Scalar scalar)
        {
            string text = scalar.Value;
            if (scalar.Style != ScalarStyle.Plain || scalar.Tag.IsNonSpecific || (!scalar.Tag.IsEmpty && scalar.Tag.Value == "tag:yaml.org,2002:str")) return JsonValue.Create(text);
            switch (text)
            {
                case "" or "~" or "null" or "Null" or "NULL": return null;
                case "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON": return JsonValue.Create(true);
                case "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF": return JsonValue.Create(false);
                case ".inf" or "-.inf" or ".nan" or ".Inf" or "-.Inf" or ".NaN": throw new JsonException($"yaml: {text} has no form in JSON");
            }
            return ReadNumber(text) ?? JsonValue.Create(text);
        }

        private static JsonNode? ReadNumber(string text)
        {
            string digits = text.Replace("_", "", StringComparison.Ordinal);
            bool negative = digits.StartsWith('-');
            string body = negative || digits.StartsWith('+') ? digits[1..] : digits;
            if (body.Length == 0 || !(char.IsAsciiDigit(body[0]) || body[0] == '.')) return null;
            (int radix, string rest) = body switch
            {
                ['0', 'x', .. var hex] => (16, hex),
                ['0', 'o', .. var octal] => (8, octal),
                ['0', 'b', .. var binary] => (2, binary),
                ['0', .. var octal] when octal.Length > 0 && octal.All(c => c is >= '0' and <= '7') => (8, octal),
                _ => (10, body),
            };
            if (radix != 10)
            {
                try
                {
                    long magnitude = Convert.ToInt64(rest, radix);
                    return JsonValue.Create(negative ? -magnitude : magnitude);
                }
                catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
                {
                    return null;
                }
            }
            if (long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long integer)) return JsonValue.Create(integer);
            bool real = double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out double value);
            return real && double.IsFinite(value) ? JsonValue.Create(value) : null;
        }
    }
}
