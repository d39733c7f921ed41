using System.Xml.Linq;

namespace Musubi.Architecture.Tests;

/// <summary>Project references point down only, never up and never sideways.</summary>
public sealed class ProjectReferenceTests
{
    // What each project may reference; absent means nothing of ours.
    private static readonly Dictionary<string, string[]> _allowed = new()
    {
        ["Musubi.Linux"] = [],
        ["Musubi.Machines"] = [],
        ["Musubi.Cni"] = ["Musubi.Linux"],
        ["Musubi.Cni.Host"] = ["Musubi.Cni", "Musubi.Linux"],
        ["Musubi.Launcher"] = ["Musubi.Linux", "Musubi.Machines"],
        ["Musubi.Kubernetes"] = ["Musubi.Linux"],
        ["Musubi.Api"] = ["Musubi.Kubernetes", "Musubi.Linux"],
        ["Musubi.ApiServer"] = ["Musubi.Api", "Musubi.Kubernetes", "Musubi.Linux"],
        ["Musubi.Controllers"] = ["Musubi.Api", "Musubi.Kubernetes", "Musubi.Linux"],
        ["Musubi.Node"] = ["Musubi.Api", "Musubi.Kubernetes", "Musubi.Cni", "Musubi.Machines", "Musubi.Linux"],
        ["Musubi.Cli"] = ["Musubi.ApiServer", "Musubi.Controllers", "Musubi.Node", "Musubi.Api", "Musubi.Kubernetes", "Musubi.Cni", "Musubi.Machines", "Musubi.Linux"],
    };

    [Fact]
    public void EveryProject_ReferencesOnlyWhatLiesBelowIt()
    {
        List<string> wrong = [];
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            Assert.True(_allowed.ContainsKey(name), $"{name} is new: say here what it may reference, and in docs/architecture.md where it stands");
            wrong.AddRange(XDocument.Load(file).Descendants("ProjectReference")
                .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value))
                .Where(r => !_allowed[name].Contains(r))
                .Select(r => $"{name} → {r}"));
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void OnlyMusubiLinux_ImportsNativeFunctions()
    {
        Assert.All(SourcesOutside("Musubi.Linux"), file =>
        {
            string source = File.ReadAllText(file);
            Assert.DoesNotContain("[LibraryImport(", source, StringComparison.Ordinal);
            Assert.DoesNotContain("[DllImport(", source, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData("ip")]
    [InlineData("nft")]
    [InlineData("iptables")]
    [InlineData("brctl")]
    [InlineData("bridge")]
    [InlineData("dhclient")]
    [InlineData("dnsmasq")]
    [InlineData("sysctl")]
    public void NoProject_StartsANetworkTool(string tool)
    {
        string[] marks = [$"ProcessStartInfo(\"{tool}\"", $"Process.Start(\"{tool}\"", $"/sbin/{tool}\"", $"/bin/{tool}\""];
        Assert.All(SourcesOutside(""), file =>
        {
            string source = File.ReadAllText(file);
            Assert.All(marks, mark => Assert.DoesNotContain(mark, source, StringComparison.Ordinal));
        });
    }

    private static IEnumerable<string> SourcesOutside(string project) =>
        SourceTree.CodeFolders
            .Where(d => project.Length == 0 || !$"{d}/".StartsWith($"src/{project}/", StringComparison.Ordinal))
            .SelectMany(d => Directory.EnumerateFiles(Path.Combine(Repository.Root, d), "*.cs"));
}
