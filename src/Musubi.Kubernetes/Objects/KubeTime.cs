using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Musubi.Kubernetes.Objects;

/// <summary>The API's two forms of time: RFC 3339 in whole seconds, and with six digits (MicroTime).</summary>
public static class KubeTime
{
    private const string Seconds = "yyyy-MM-dd'T'HH:mm:ss'Z'";
    private const string Micro = "yyyy-MM-dd'T'HH:mm:ss'.'ffffff'Z'";

    /// <summary>Whole seconds, UTC.</summary>
    public static string Format(DateTimeOffset time) => time.UtcDateTime.ToString(Seconds, CultureInfo.InvariantCulture);

    /// <summary>Six fraction digits, UTC.</summary>
    public static string FormatMicro(DateTimeOffset time) => time.UtcDateTime.ToString(Micro, CultureInfo.InvariantCulture);

    /// <summary>Reads RFC 3339 with any offset and fraction.</summary>
    public static bool TryParse(string? text, out DateTimeOffset time)
    {
        time = default;
        return text is { Length: >= 20 and <= 40 }
            && text[4] == '-' && text[7] == '-' && text[10] is 'T' or 't'
            && (text[^1] is 'Z' or 'z' || text[^3] == ':')
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);
    }
}

/// <summary>Writes whole seconds.</summary>
public sealed class KubeTimeConverter : JsonConverter<DateTimeOffset>
{
    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && KubeTime.TryParse(reader.GetString(), out DateTimeOffset time)
            ? time
            : throw new JsonException("expected an RFC 3339 time, as 2006-01-02T15:04:05Z");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(KubeTime.Format(value));
}

/// <summary>Writes six fraction digits, for fields of type MicroTime.</summary>
public sealed class MicroTimeConverter : JsonConverter<DateTimeOffset>
{
    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && KubeTime.TryParse(reader.GetString(), out DateTimeOffset time)
            ? time
            : throw new JsonException("expected an RFC 3339 time with six fraction digits, as 2006-01-02T15:04:05.000000Z");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(KubeTime.FormatMicro(value));
}
