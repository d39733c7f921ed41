using Musubi.Cni.Execution;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>docs/cni-differences.md against the differential test and the plugins there are.</summary>
public sealed class DifferencesPageTests
{
    private const string Compared = "What the comparison meets";
    private const string Others = "Others";

    [Fact]
    public void Page_ListsWhatTheDifferentialTestLetsPass() =>
        Assert.Equal(KnownDifference.All.Select(k => k.Row).Order(), Rows(Compared).Select(r => r[0]).Order());

    [Fact]
    public void Page_NamesPluginsThatExist()
    {
        IEnumerable<string> named = Rows(Compared).Select(r => r[1]).Concat(Rows(Others).Select(r => r[0])).SelectMany(p => p.Split(", "));

        Assert.Empty(named.Distinct().Except([.. PluginCatalog.Names, "all"]));
    }

    /// <summary>The cells of a section's table.</summary>
    private static IEnumerable<string[]> Rows(string section) => Repository.Read("docs/cni-differences.md").Split('\n')
        .SkipWhile(l => l != $"## {section}").Skip(1).TakeWhile(l => !l.StartsWith("## ", StringComparison.Ordinal))
        .Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Skip(1)
        .Select(l => l.Trim('|', ' ').Split(" | "));
}
