using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Musubi.Kubernetes.Objects;

/// <summary>
/// A fixed-point amount of a resource, as <c>128Mi</c> or <c>100m</c>. Equality and order go by value; the written suffix family is
/// kept for printing.
/// </summary>
/// <remarks>Range and rounding are the API's: at most 2^63-1, no finer than nano, finer input rounded away from zero.</remarks>
[JsonConverter(typeof(QuantityConverter))]
public readonly struct Quantity : IEquatable<Quantity>, IComparable<Quantity>
{
    private const int MaxTextLength = 256;
    private static readonly Int128 One = 1_000_000_000;
    private static readonly Int128 Max = (Int128)long.MaxValue * One;
    private readonly Int128 _nanos;
    private readonly Family _family;

    private enum Family : byte
    {
        Decimal,
        Binary,
        Exponent,
    }

    private Quantity(Int128 nanos, Family family)
    {
        _nanos = nanos;
        _family = family;
    }

    /// <summary>Nothing.</summary>
    public static Quantity Zero => default;

    /// <summary>A number of bytes, printed with binary suffixes.</summary>
    public static Quantity FromBytes(long bytes) => new((Int128)bytes * One, Family.Binary);

    /// <summary>A whole number.</summary>
    public static Quantity FromInteger(long value) => new((Int128)value * One, Family.Decimal);

    /// <summary>Thousandths, as CPU shares are counted.</summary>
    public static Quantity FromMilli(long value) => Clamp((Int128)value * 1_000_000, Family.Decimal);

    /// <summary>The value as a whole number, rounded up (away from zero).</summary>
    public long ToInteger() => (long)(RoundAway(_nanos, One) / One);

    /// <summary>The value in bytes; the same number as <see cref="ToInteger"/>, under the name that says what it counts.</summary>
    public long ToBytes() => ToInteger();

    /// <summary>The value in thousandths, rounded up; at the limits it stays at the limit.</summary>
    public long ToMilli()
    {
        Int128 milli = RoundAway(_nanos, 1_000_000) / 1_000_000;
        return milli > long.MaxValue ? long.MaxValue : milli < -long.MaxValue ? -long.MaxValue : (long)milli;
    }

    /// <summary>Whether it is below zero.</summary>
    public bool IsNegative => _nanos < 0;

    /// <summary>Whether it is zero.</summary>
    public bool IsZero => _nanos == 0;

    /// <summary>Sum, in the family of the left side.</summary>
    public static Quantity operator +(Quantity a, Quantity b) => Clamp(a._nanos + b._nanos, a.IsZero ? b._family : a._family);

    /// <summary>Difference, in the family of the left side.</summary>
    public static Quantity operator -(Quantity a, Quantity b) => Clamp(a._nanos - b._nanos, a._family);

    /// <summary>Reads the API's notation.</summary>
    /// <exception cref="FormatException">The text is no quantity.</exception>
    public static Quantity Parse(string text) => TryParse(text, out Quantity value)
        ? value
        : throw new FormatException($"\"{text}\" is not a quantity: expected a number with an optional suffix, as 500m, 2, 1.5Gi or 1e3");

    /// <summary>Reads the API's notation: sign, digits with an optional point, and a suffix.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Quantity value)
    {
        value = default;
        if (text is null || text.Length is 0 or > MaxTextLength)
        {
            return false;
        }

        int at = 0;
        bool negative = text[0] == '-';
        if (text[0] is '-' or '+')
        {
            at++;
        }

        BigInteger digits = BigInteger.Zero;
        int digitCount = 0;
        int fraction = 0;
        bool point = false;
        for (; at < text.Length; at++)
        {
            char c = text[at];
            if (char.IsAsciiDigit(c))
            {
                digits = (digits * 10) + (c - '0');
                digitCount++;
                fraction += point ? 1 : 0;
            }
            else if (c == '.' && !point)
            {
                point = true;
            }
            else
            {
                break;
            }
        }

        if (digitCount == 0 || !TryParseSuffix(text.AsSpan(at), out Family family, out int power10, out int power2))
        {
            return false;
        }

        int scale = 9 - fraction + power10;
        BigInteger scaled = digits << power2;
        BigInteger nanos = scale >= 0 ? scaled * BigInteger.Pow(10, scale) : CeilingDivide(scaled, BigInteger.Pow(10, -scale));
        Int128 bounded = nanos > (BigInteger)Max ? Max : (Int128)nanos;
        if (family == Family.Binary)
        {
            // Below 1024 binary suffixes say no more than the plain number does; above, fractions are rounded away.
            family = bounded < 1024 * One ? Family.Decimal : Family.Binary;
            bounded = family == Family.Binary ? RoundAway(bounded, One) : bounded;
        }

        value = new Quantity(negative ? -bounded : bounded, family);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(Quantity other) => _nanos == other._nanos;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Quantity other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _nanos.GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(Quantity other) => _nanos.CompareTo(other._nanos);

    /// <summary>Equality by value.</summary>
    public static bool operator ==(Quantity a, Quantity b) => a.Equals(b);

    /// <summary>Difference in value.</summary>
    public static bool operator !=(Quantity a, Quantity b) => !a.Equals(b);

    /// <summary>Order by value.</summary>
    public static bool operator <(Quantity a, Quantity b) => a._nanos < b._nanos;

    /// <summary>Order by value.</summary>
    public static bool operator >(Quantity a, Quantity b) => a._nanos > b._nanos;

    /// <summary>Order by value.</summary>
    public static bool operator <=(Quantity a, Quantity b) => a._nanos <= b._nanos;

    /// <summary>Order by value.</summary>
    public static bool operator >=(Quantity a, Quantity b) => a._nanos >= b._nanos;

    /// <summary>The canonical form: no fraction, the largest suffix that is exact.</summary>
    public override string ToString()
    {
        if (_nanos == 0)
        {
            return "0";
        }

        if (_family == Family.Binary && Int128.Abs(_nanos) >= 1024 * One)
        {
            Int128 whole = RoundAway(_nanos, One) / One;
            int step = 0;
            while (step < BinarySuffixes.Length - 1 && whole % 1024 == 0)
            {
                whole /= 1024;
                step++;
            }

            return whole.ToString(CultureInfo.InvariantCulture) + BinarySuffixes[step];
        }

        Int128 value = _nanos;
        int exponent = -9;
        while (exponent < 18 && value % 1000 == 0)
        {
            value /= 1000;
            exponent += 3;
        }

        string number = value.ToString(CultureInfo.InvariantCulture);
        return _family == Family.Exponent
            ? exponent == 0 ? number : string.Create(CultureInfo.InvariantCulture, $"{number}e{exponent}")
            : number + DecimalSuffixes[(exponent + 9) / 3];
    }

    private static readonly string[] BinarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    private static readonly string[] DecimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

    private static bool TryParseSuffix(ReadOnlySpan<char> suffix, out Family family, out int power10, out int power2)
    {
        family = Family.Decimal;
        power10 = 0;
        power2 = 0;
        if (suffix.Length == 2 && suffix[1] == 'i')
        {
            int binary = "KMGTPE".IndexOf(suffix[0], StringComparison.Ordinal);
            family = Family.Binary;
            power2 = 10 * (binary + 1);
            return binary >= 0;
        }

        if (suffix.Length <= 1)
        {
            int step = Array.IndexOf(DecimalSuffixes, suffix.ToString());
            power10 = (step * 3) - 9;
            return step >= 0;
        }

        family = Family.Exponent;
        if (suffix[0] is not ('e' or 'E') || !int.TryParse(suffix[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int exponent))
        {
            return false;
        }

        // Beyond this every value is clamped or rounded to the same result; the bound keeps the arithmetic small.
        power10 = Math.Clamp(exponent, -300, 300);
        return true;
    }

    private static Quantity Clamp(Int128 nanos, Family family) => new(nanos > Max ? Max : nanos < -Max ? -Max : nanos, family);

    private static Int128 RoundAway(Int128 value, Int128 unit)
    {
        Int128 rest = value % unit;
        return rest == 0 ? value : rest > 0 ? value - rest + unit : value - rest - unit;
    }

    private static BigInteger CeilingDivide(BigInteger value, BigInteger by)
    {
        BigInteger quotient = BigInteger.DivRem(value, by, out BigInteger rest);
        return rest.IsZero ? quotient : quotient + 1;
    }
}

/// <summary>Quantities are strings in JSON; numbers are read as well.</summary>
public sealed class QuantityConverter : JsonConverter<Quantity>
{
    /// <inheritdoc/>
    public override Quantity Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        string text = reader.TokenType switch
        {
            JsonTokenType.String => reader.GetString()!,
            JsonTokenType.Number => System.Text.Encoding.ASCII.GetString(reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan),
            _ => "",
        };
        return Quantity.TryParse(text, out Quantity value) ? value : throw new JsonException($"\"{text}\" is not a quantity, as 500m or 1Gi");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Quantity value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
