using System.Text.RegularExpressions;

namespace Musubi.Architecture.Tests;

/// <summary>Documents that speak of the code are held against it.</summary>
public sealed partial class DocumentTests
{
    [Fact]
    public void ArchitecturePage_HasOneSentenceForEveryFolder()
    {
        string[] described = [.. FolderRow().Matches(Repository.Read("docs/architecture.md")).Select(m => m.Groups["folder"].Value)];

        Assert.Empty(SourceTree.CodeFolders.Except(described));
        Assert.Empty(described.Where(d => d.StartsWith("src/", StringComparison.Ordinal)).Except(SourceTree.CodeFolders));
        Assert.Equal(described.Length, described.Distinct().Count());
    }

    [Fact]
    public void RequirementsPage_NamesTestsThatExist()
    {
        HashSet<string> tests = TestNames();
        string[] named = [.. TestName().Matches(Repository.Read("docs/requirements.md")).Select(m => m.Groups["test"].Value)];

        Assert.NotEmpty(named);
        Assert.All(named, n => Assert.Contains(n, tests));
    }

    [Fact]
    public void RequirementsPage_ProvesWhatItCallsDone()
    {
        IEnumerable<string> rows = Repository.Read("docs/requirements.md").Split('\n').Where(l => RequirementRow().IsMatch(l));

        Assert.All(rows.Where(r => r.Contains("| done |", StringComparison.Ordinal)), r => Assert.Matches(TestName(), r));
    }

    [Fact]
    public void Pages_LinkToFilesThatExist()
    {
        List<string> broken = [];
        foreach (string page in Directory.EnumerateFiles(Repository.Root, "*.md").Concat(Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)))
        {
            broken.AddRange(Link().Matches(File.ReadAllText(page))
                .Select(m => m.Groups["target"].Value)
                .Where(t => !t.Contains("://", StringComparison.Ordinal) && !Path.Exists(Path.Combine(Path.GetDirectoryName(page)!, t.Split('#')[0])))
                .Select(t => $"{Path.GetFileName(page)}: {t}"));
        }

        Assert.Empty(broken);
    }

    private static HashSet<string> TestNames()
    {
        HashSet<string> names = [];
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests"), "*.cs", SearchOption.AllDirectories))
        {
            string type = "";
            foreach (string line in File.ReadLines(file))
            {
                type = ClassLine().Match(line) is { Success: true } c ? c.Groups["name"].Value : type;
                if (MethodLine().Match(line) is { Success: true } m)
                {
                    names.Add($"{type}.{m.Groups["name"].Value}");
                }
            }
        }

        return names;
    }

    [GeneratedRegex(@"^\| `(?<folder>[^`]+)` \|", RegexOptions.Multiline)]
    private static partial Regex FolderRow();

    [GeneratedRegex("`(?<test>[A-Za-z0-9]+Tests\\.[A-Za-z0-9_]+)`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"^\| [A-Z][0-9]+ \|")]
    private static partial Regex RequirementRow();

    [GeneratedRegex(@"\]\((?<target>[^)#][^)]*)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\bclass (?<name>[A-Za-z0-9_]+)")]
    private static partial Regex ClassLine();

    [GeneratedRegex(@"public (async )?(Task|void|ValueTask)[^(]* (?<name>[A-Za-z0-9_]+)\(")]
    private static partial Regex MethodLine();
}
