using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Cni.Plugins.Tuning;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>Regular expressions of allowlists, with the framework's as witness.</summary>
public sealed class SysctlPatternTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    /// <summary>Expressions of the supported kind over few characters, so that they match now and then.</summary>
    private static Gen<string> Expression(int depth) => depth == 0
        ? Gen.Elements("a", "b", ".", "\\.", "[ab]", "[^a]", "\\d", "1", "[0-9b-]", "^", "$", "(?:a|)")
        : Gen.OneOf(
            Expression(0),
            from first in Expression(depth - 1) from second in Expression(depth - 1) select first + second,
            from first in Expression(depth - 1) from second in Expression(depth - 1) select $"({first}|{second})",
            from inner in Expression(depth - 1) from count in Gen.Elements("*", "+", "?", "{2}", "{1,}", "{0,2}", "*?") select $"({inner}){count}");

    private static bool Agrees(string expression, string text) =>
        SysctlPattern.Parse(expression).IsMatch(text) == Regex.IsMatch(text, expression.Replace("$", "\\z", StringComparison.Ordinal), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, _limit);

    [Fact]
    public void IsMatch_AnyExpression_AgreesWithTheFramework() =>
        Prop.ForAll(
            (from expression in Expression(4) from text in Gen.Elements('a', 'b', '1', '.', '-').ArrayOf() select (expression, new string(text[..Math.Min(text.Length, 8)]))).ToArbitrary(),
            pair => Agrees(pair.expression, pair.Item2))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(3000));

    [Theory]
    [InlineData("^net\\.ipv4\\.conf\\.(all|eth[0-9]+)\\.", "net.ipv4.conf.eth12.rp_filter", true)]
    [InlineData("^net\\.ipv4\\.conf\\.(all|eth[0-9]+)\\.", "net.ipv4.conf.eth.rp_filter", false)]
    [InlineData("somaxconn", "net.core.somaxconn", true)]
    [InlineData("^somaxconn", "net.core.somaxconn", false)]
    [InlineData("{", "{", true)]
    [InlineData("[]a]", "]", true)]
    [InlineData("", "net", true)]
    public void IsMatch_Lines_AsAdministratorsWriteThem(string expression, string key, bool matches) =>
        Assert.Equal(matches, SysctlPattern.Parse(expression).IsMatch(key));

    [Theory]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("[a")]
    [InlineData("*a")]
    [InlineData("a**")]
    [InlineData("a{3,2}")]
    [InlineData("a{1001}")]
    [InlineData("((a{1000}){1000}){1000}")]
    [InlineData("(?i)a")]
    [InlineData("\\p{L}")]
    [InlineData("[[:alpha:]]")]
    [InlineData("[b-a]")]
    [InlineData("a\\")]
    public void Parse_MalformedOrUnsupported_IsRefused(string expression) => Assert.Throws<FormatException>(() => SysctlPattern.Parse(expression));

    [Fact]
    public void Parse_AnyText_IsReadOrRefused() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), text =>
        {
            try
            {
                SysctlPattern.Parse(text.Get).IsMatch("net.ipv4.ip_forward");
            }
            catch (FormatException)
            {
                // Said what is wrong.
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void IsMatch_ExpressionThatMakesOthersTryForEver_Ends() =>
        Assert.False(SysctlPattern.Parse("^(a+)+$").IsMatch(new string('a', 5000) + "b"));
}
