using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Schemas;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Codecs;

/// <summary>
/// Reads protobuf request bodies of built-in kinds into the same trees that JSON bodies give, driven by the field table. Typed Go
/// clients send them by default; answers can always be JSON.
/// </summary>
internal static class ProtobufReader
{
    private const int MaxDepth = 100;

    /// <exception cref="JsonException">The bytes are not such a message, or its kind is not built in.</exception>
    public static JsonObject Parse(ReadOnlySpan<byte> body)
    {
        if (!body.StartsWith("k8s\0"u8)) throw new JsonException("the protobuf message does not start with its magic number");
        string apiVersion = "", kind = "";
        ReadOnlySpan<byte> content = default;
        var envelope = new WireReader(body[4..]);
        while (envelope.Next(out int field))
        {
            if (field == 1)
            {
                var type = new WireReader(envelope.Bytes());
                while (type.Next(out int part))
                {
                    if (part == 1) apiVersion = type.Text();
                    else if (part == 2) kind = type.Text();
                    else type.Skip();
                }
            }
            else if (field == 2) content = envelope.Bytes();
            else envelope.Skip();
        }
        FieldTable table = FieldTable.Instance;
        // Options may name the group of the resource they are for.
        string typeName = table.TypeOf(apiVersion, kind) ?? (kind.EndsWith("Options", StringComparison.Ordinal) ? table.TypeOf("v1", kind) : null)
            ?? throw new JsonException($"no kind \"{kind}\" is registered for version \"{apiVersion}\"");
        var obj = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind };
        ReadMessage(table, typeName, content, obj, 0);
        return obj;
    }

    private static void ReadMessage(FieldTable table, string type, ReadOnlySpan<byte> bytes, JsonObject into, int depth)
    {
        if (depth > MaxDepth) throw new JsonException("the protobuf message is nested too deeply");
        var reader = new WireReader(bytes);
        while (reader.Next(out int number))
        {
            FieldEntry? field = null;
            foreach (FieldEntry candidate in table.Fields(type))
                if (candidate.Number == number) field = candidate;
            if (field is null)
            {
                reader.Skip();
                continue;
            }
            if (field.Inline)
            {
                ReadMessage(table, field.Type.Name, reader.Bytes(), into, depth + 1);
                continue;
            }
            switch (field.Type.Kind)
            {
                case WireKind.List:
                    if (into[field.JsonName] is not JsonArray list) into[field.JsonName] = list = [];
                    list.Add(ReadValue(table, field.Type.Element!, ref reader, depth));
                    break;
                case WireKind.Map:
                    ReadMapEntry(table, field.Type.Element!, reader.Bytes(), into.ObjectOrNew(field.JsonName), depth);
                    break;
                default:
                    JsonNode? value = ReadValue(table, field.Type, ref reader, depth);
                    // Go writers send zero values of fields that are not pointers: the same as absence.
                    if (value is null || (field is { OmitEmpty: true, Pointer: false } && IsZero(value))) into.Remove(field.JsonName);
                    else into[field.JsonName] = value;
                    break;
            }
        }
    }

    private static void ReadMapEntry(FieldTable table, WireType element, ReadOnlySpan<byte> bytes, JsonObject into, int depth)
    {
        string key = "";
        JsonNode? value = element.Kind switch
        {
            WireKind.String or WireKind.Bytes => JsonValue.Create(""),
            WireKind.Message => new JsonObject(),
            _ => null,
        };
        var entry = new WireReader(bytes);
        while (entry.Next(out int part))
        {
            if (part == 1) key = entry.Text();
            else if (part == 2) value = ReadValue(table, element, ref entry, depth);
            else entry.Skip();
        }
        into[key] = value;
    }

    private static JsonNode? ReadValue(FieldTable table, WireType type, ref WireReader reader, int depth)
    {
        switch (type.Kind)
        {
            case WireKind.String: return JsonValue.Create(reader.Text());
            case WireKind.Bool: return JsonValue.Create(reader.Varint() != 0);
            case WireKind.Int32 or WireKind.Int64: return JsonValue.Create(reader.Varint());
            case WireKind.Float64:
                double real = reader.Double();
                return double.IsFinite(real) ? JsonValue.Create(real) : throw new JsonException("number is out of range");
            case WireKind.Bytes: return JsonValue.Create(Convert.ToBase64String(reader.Bytes()));
            case WireKind.Message:
                var message = new JsonObject();
                ReadMessage(table, type.Name, reader.Bytes(), message, depth + 1);
                return message;
            default: return ReadWrapper(table, type, new WireReader(reader.Bytes()), depth);
        }
    }

    /// <summary>Types that are messages on the wire and something simpler in JSON.</summary>
    private static JsonNode? ReadWrapper(FieldTable table, WireType type, WireReader inner, int depth)
    {
        if (depth > MaxDepth) throw new JsonException("the protobuf message is nested too deeply");
        long first = 0, second = 0;
        string text = "";
        JsonNode? raw = null;
        var items = new JsonArray();
        bool any = false;
        while (inner.Next(out int part))
        {
            any = true;
            switch (type.Kind, part)
            {
                case (WireKind.Time or WireKind.MicroTime or WireKind.Duration or WireKind.IntOrString or WireKind.SchemaOrBool, 1): first = inner.Varint(); break;
                case (WireKind.Time or WireKind.MicroTime or WireKind.IntOrString, 2): second = inner.Varint(); break;
                case (WireKind.IntOrString, 3) or (WireKind.Quantity, 1): text = inner.Text(); break;
                case (WireKind.RawJson, 1): raw = JsonTree.Parse(inner.Bytes()); break;
                case (WireKind.StringList, 1) or (WireKind.SchemaOrStringArray, 2): items.Add(inner.Text()); break;
                case (WireKind.SchemaOrArray or WireKind.SchemaOrStringArray, 1) or (WireKind.SchemaOrBool, 2):
                    var schema = new JsonObject();
                    ReadMessage(table, "apiextensions/v1.JSONSchemaProps", inner.Bytes(), schema, depth + 1);
                    raw = schema;
                    break;
                case (WireKind.SchemaOrArray, 2):
                    var item = new JsonObject();
                    ReadMessage(table, "apiextensions/v1.JSONSchemaProps", inner.Bytes(), item, depth + 1);
                    items.Add(item);
                    break;
                default: inner.Skip(); break;
            }
        }
        return type.Kind switch
        {
            WireKind.Time => any ? JsonValue.Create(KubeTime.Format(Instant(first, second))) : null,
            WireKind.MicroTime => any ? JsonValue.Create(KubeTime.FormatMicro(Instant(first, second))) : null,
            WireKind.Duration => JsonValue.Create(string.Create(CultureInfo.InvariantCulture, $"{first / 1e9}s")),
            WireKind.Quantity => JsonValue.Create(text),
            WireKind.IntOrString => first == 0 ? JsonValue.Create(second) : JsonValue.Create(text),
            WireKind.StringList => items,
            WireKind.SchemaOrBool => raw ?? JsonValue.Create(first != 0),
            WireKind.SchemaOrArray or WireKind.SchemaOrStringArray => raw ?? items,
            _ => raw,
        };
    }

    private static DateTimeOffset Instant(long seconds, long nanos)
    {
        if (seconds is < -62135596800 or > 253402300799) throw new JsonException("time is out of range");
        return DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(Math.Clamp(nanos, 0, 999_999_999) / 100);
    }

    private static bool IsZero(JsonNode value) => value switch
    {
        JsonObject map => map.Count == 0,
        JsonArray list => list.Count == 0,
        JsonValue v => v.GetValueKind() switch
        {
            JsonValueKind.False => true,
            JsonValueKind.String => v.AsText()!.Length == 0,
            JsonValueKind.Number => v.TryInt64(out long n) && n == 0,
            _ => false,
        },
        _ => false,
    };

    /// <summary>Walks the fields of one message.</summary>
    private ref struct WireReader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;
        private int _wireType;

        public bool Next(out int field)
        {
            field = 0;
            if (_rest.IsEmpty) return false;
            ulong tag = RawVarint();
            _wireType = (int)(tag & 7);
            field = (int)Math.Min(tag >> 3, int.MaxValue);
            return true;
        }

        public long Varint() => _wireType == 0 ? (long)RawVarint() : throw Malformed();

        public double Double() => _wireType == 1 ? BinaryPrimitives.ReadDoubleLittleEndian(Take(8)) : throw Malformed();

        public ReadOnlySpan<byte> Bytes()
        {
            if (_wireType != 2) throw Malformed();
            ulong length = RawVarint();
            return length > (ulong)_rest.Length ? throw Malformed() : Take((int)length);
        }

        public string Text()
        {
            try
            {
                return s_utf8.GetString(Bytes());
            }
            catch (System.Text.DecoderFallbackException e)
            {
                throw new JsonException("invalid UTF-8 in the protobuf message", e);
            }
        }

        public void Skip()
        {
            switch (_wireType)
            {
                case 0: RawVarint(); break;
                case 1: Take(8); break;
                case 2: Bytes(); break;
                case 5: Take(4); break;
                default: throw Malformed();
            }
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            if (count > _rest.Length) throw Malformed();
            ReadOnlySpan<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }

        private ulong RawVarint()
        {
            ulong value = 0;
            for (int shift = 0; shift < 64; shift += 7)
            {
                byte b = Take(1)[0];
                value |= (ulong)(b & 0x7f) << shift;
                if (b < 0x80) return value;
            }
            throw Malformed();
        }

        private static JsonException Malformed() => new("the protobuf message is malformed");

        private static readonly System.Text.UTF8Encoding s_utf8 = new(false, throwOnInvalidBytes: true);
    }
}
