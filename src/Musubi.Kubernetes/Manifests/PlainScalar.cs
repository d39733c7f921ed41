using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Musubi.Kubernetes.Manifests;

/// <summary>What an unquoted scalar means.</summary>
internal static class PlainScalar
{
    internal readonly record struct Resolved(JsonNode? Value);

    /// <summary>The JSON value; null when it has none (infinity, not-a-number).</summary>
    public static Resolved? Resolve(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return new(null);
            case "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "y" or "Y" or "on" or "On" or "ON":
                return new(JsonValue.Create(true));
            case "false" or "False" or "FALSE" or "no" or "No" or "NO" or "n" or "N" or "off" or "Off" or "OFF":
                return new(JsonValue.Create(false));
            case ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" or "-.inf" or "-.Inf" or "-.INF" or ".nan" or ".NaN" or ".NAN":
                return null;
        }

        if (!(char.IsAsciiDigit(text[0]) || text[0] is '-' or '+' or '.') || text.Length > 400)
        {
            return new(JsonValue.Create(text));
        }

        string digits = text.Replace("_", "", StringComparison.Ordinal);
        return TryInteger(digits, out JsonNode? number) || TryFloat(digits, out number) ? new(number) : new(JsonValue.Create(text));
    }

    private static bool TryInteger(string text, out JsonNode? number)
    {
        number = null;
        bool negative = text.StartsWith('-');
        string digits = text is ['-' or '+', .. var unsigned] ? unsigned : text;
        (int radix, string body) = digits switch
        {
            ['0', 'x' or 'X', .. var hex] => (16, hex),
            ['0', 'b' or 'B', .. var binary] => (2, binary),
            ['0', 'o' or 'O', .. var octal] => (8, octal),
            ['0', .. var octal] when octal.Length > 0 => (8, octal),
            _ => (10, digits),
        };
        if (body.Length == 0 || !ulong.TryParse(body, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) || radix != 10)
        {
            if (radix == 10 || !TryRadix(body, radix, out value))
            {
                return false;
            }
        }

        number = !negative
            ? value <= long.MaxValue ? JsonValue.Create((long)value) : JsonValue.Create(value)
            : value <= long.MaxValue ? JsonValue.Create(-(long)value) : value == 1UL << 63 ? JsonValue.Create(long.MinValue) : null;
        return number is not null;
    }

    private static bool TryRadix(string digits, int radix, out ulong value)
    {
        value = 0;
        if (digits.Length == 0)
        {
            return false;
        }

        foreach (char c in digits)
        {
            int digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : int.MaxValue;
            if (digit >= radix || value > (ulong.MaxValue - (ulong)digit) / (ulong)radix)
            {
                return false;
            }

            value = (value * (ulong)radix) + (ulong)digit;
        }

        return true;
    }

    private static bool TryFloat(string text, out JsonNode? number)
    {
        number = null;
        if (!text.AsSpan().TrimStart("+-").ContainsAnyExcept(_floatCharacters)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && double.IsFinite(value))
        {
            number = JsonNode.Parse(JsonSerializer.SerializeToUtf8Bytes(value, NumberJson.Default.Double));
        }

        return number is not null;
    }

    private static readonly SearchValues<char> _floatCharacters = SearchValues.Create("0123456789.eE+-");
}

[JsonSerializable(typeof(double))]
internal sealed partial class NumberJson : JsonSerializerContext;
