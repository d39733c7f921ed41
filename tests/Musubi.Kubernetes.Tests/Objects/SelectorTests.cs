using FsCheck;
using FsCheck.Fluent;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Tests.Objects;

public class SelectorTests
{
    private static readonly Dictionary<string, string> Labels = new() { ["app"] = "web", ["tier"] = "front", ["rank"] = "7" };

    [Theory]
    [InlineData("", true)]
    [InlineData("app=web", true)]
    [InlineData("app==web", true)]
    [InlineData("app=db", false)]
    [InlineData("app!=db", true)]
    [InlineData("missing!=x", true)]
    [InlineData("app in (db, web)", true)]
    [InlineData("app notin (db,web)", false)]
    [InlineData("missing notin (a)", true)]
    [InlineData("app", true)]
    [InlineData("!app", false)]
    [InlineData("!missing", true)]
    [InlineData("rank>6", true)]
    [InlineData("rank<7", false)]
    [InlineData("tier>1", false)]
    [InlineData(" app = web , tier in ( front ) ", true)]
    [InlineData("app=", false)]
    [InlineData("in=x", false)]
    public void Matches_Selector_DecidesByLabels(string selector, bool expected) => Assert.Equal(expected, LabelSelector.Parse(selector).Matches(Labels));

    [Theory]
    [InlineData("app=web,")]
    [InlineData("=web")]
    [InlineData("app in web")]
    [InlineData("app in (web")]
    [InlineData("app=web tier=front")]
    [InlineData("app~web")]
    [InlineData("rank>x")]
    [InlineData("UPPER.Case/x=1")]
    [InlineData("app=-bad-")]
    public void Parse_Malformed_SaysWhatIsWrong(string selector)
    {
        FormatException e = Assert.Throws<FormatException>(() => LabelSelector.Parse(selector));
        Assert.Contains(selector, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_PrintedForm_MatchesTheSame()
    {
        Gen<LabelRequirement> requirement =
            from key in Gen.Elements("app", "tier", "rank", "example.com/x")
            from op in Gen.Elements(Enum.GetValues<LabelOperator>())
            from values in Gen.Elements("web", "front", "7", "a_b").ListOf(2)
            select new LabelRequirement(key, op, op switch
            {
                LabelOperator.Exists or LabelOperator.DoesNotExist => [],
                LabelOperator.GreaterThan or LabelOperator.LessThan => ["5"],
                _ => [.. values],
            });
        Prop.ForAll(requirement.ListOf().ToArbitrary(), list =>
        {
            LabelSelector selector = LabelSelector.Of([.. list]);
            return LabelSelector.Parse(selector.ToString()).Matches(Labels) == selector.Matches(Labels);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void TryParse_AnyText_NeverThrows() =>
        Prop.ForAll<string>(text => LabelSelector.TryParse(text ?? "", out _, out _) | FieldSelector.TryParse(text ?? "", out _, out _) || true).QuickCheckThrowOnFailure();

    [Fact]
    public void Of_Null_MatchesNothing_AndEmptyMatchesEverything()
    {
        Assert.False(LabelSelector.Of((LabelSelectorSpec?)null).Matches(Labels));
        Assert.True(LabelSelector.Of(new LabelSelectorSpec()).Matches(Labels));
    }

    [Fact]
    public void Of_UnknownOperator_IsRefused() =>
        Assert.Throws<FormatException>(() => LabelSelector.Of(new LabelSelectorSpec { MatchExpressions = [new() { Key = "a", Operator = "Like" }] }));

    [Theory]
    [InlineData("spec.nodeName=n1", true)]
    [InlineData("spec.nodeName==n1", true)]
    [InlineData("spec.nodeName!=n1", false)]
    [InlineData("status.phase!=Running,spec.nodeName=n1", true)]
    [InlineData("status.phase=", true)]
    [InlineData("odd=a\\,b\\=c", true)]
    public void FieldSelector_Terms_AllMustHold(string text, bool expected)
    {
        Dictionary<string, string> fields = new() { ["spec.nodeName"] = "n1", ["odd"] = "a,b=c" };
        FieldSelector selector = FieldSelector.Parse(text);
        Assert.Equal(expected, selector.Matches(f => fields.GetValueOrDefault(f)));
        Assert.Equal(expected, FieldSelector.Parse(selector.ToString()).Matches(f => fields.GetValueOrDefault(f)));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("=x")]
    [InlineData("a=b=c")]
    [InlineData("a=b\\x")]
    public void FieldSelector_Malformed_IsRefused(string text) => Assert.Throws<FormatException>(() => FieldSelector.Parse(text));
}
