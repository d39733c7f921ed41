using FsCheck;
using FsCheck.Fluent;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Tests.Objects;

public class QuantityTests
{
    [Theory]
    [InlineData("0.1", "100m")]
    [InlineData("1500m", "1500m")]
    [InlineData("1024Mi", "1Gi")]
    [InlineData("1.5Gi", "1536Mi")]
    [InlineData("1024M", "1024M")]
    [InlineData("1000M", "1G")]
    [InlineData("0", "0")]
    [InlineData("-5", "-5")]
    [InlineData("1e3", "1e3")]
    [InlineData("5E", "5E")]
    [InlineData("12E", "9223372036854775807")]
    [InlineData("1.0001Ki", "1025")]
    [InlineData("100Ki", "100Ki")]
    [InlineData("512", "512")]
    [InlineData("0.5Ki", "512")]
    [InlineData("+2", "2")]
    [InlineData("1.", "1")]
    [InlineData(".5", "500m")]
    [InlineData("0.0000000001", "1n")]
    public void Parse_WrittenForm_PrintsCanonically(string written, string canonical) => Assert.Equal(canonical, Quantity.Parse(written).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("Gi")]
    [InlineData("1 Gi")]
    [InlineData("1KB")]
    [InlineData("1kI")]
    [InlineData("--1")]
    [InlineData("1e")]
    [InlineData("1e1.5")]
    [InlineData("0x10")]
    [InlineData("1..2")]
    [InlineData("NaN")]
    public void TryParse_NoQuantity_ReportsFalse(string text) => Assert.False(Quantity.TryParse(text, out _));

    [Theory]
    [InlineData("1e300", long.MaxValue)]
    [InlineData("-99999999999999999999999999", -long.MaxValue)]
    [InlineData("1e-300", 1)]
    public void Parse_BeyondRange_StaysAtLimit(string text, long expected) => Assert.Equal(expected, Quantity.Parse(text).ToInteger());

    [Fact]
    public void ToBytes_DecimalAndBinarySuffix_Differ()
    {
        Assert.Equal(1_000_000, Quantity.Parse("1M").ToBytes());
        Assert.Equal(1 << 20, Quantity.Parse("1Mi").ToBytes());
    }

    [Fact]
    public void ToMilli_FinerThanMilli_RoundsUp() => Assert.Equal(2, Quantity.Parse("1001u").ToMilli());

    [Fact]
    public void ToString_AnyValue_ReadsBackEqual() =>
        Prop.ForAll(Written(), text =>
        {
            Quantity value = Quantity.Parse(text);
            Quantity again = Quantity.Parse(value.ToString());
            return again == value && again.ToString() == value.ToString();
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void CompareTo_AnyTwo_AgreesWithTheirNumbers() =>
        Prop.ForAll(Small(), Small(), (a, b) =>
            Quantity.FromMilli(a).CompareTo(Quantity.FromMilli(b)) == a.CompareTo(b)
            && (Quantity.FromMilli(a) + Quantity.FromMilli(b)).ToMilli() == a + b
            && (Quantity.FromMilli(a) - Quantity.FromMilli(b)).ToMilli() == a - b).QuickCheckThrowOnFailure();

    [Fact]
    public void TryParse_AnyText_NeverThrows() =>
        Prop.ForAll<string>(text => Quantity.TryParse(text, out _) || true).QuickCheckThrowOnFailure();

    private static Arbitrary<long> Small() => Gen.Choose(-2_000_000, 2_000_000).Select(i => (long)i).ToArbitrary();

    private static Arbitrary<string> Written() =>
        (from sign in Gen.Elements("", "-", "+")
         from whole in Gen.Choose(0, 99_999)
         from fraction in Gen.Elements("", ".5", ".125", ".000000001", ".123456789123")
         from suffix in Gen.Elements("", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-2", "e6")
         select $"{sign}{whole}{fraction}{suffix}").ToArbitrary();
}
