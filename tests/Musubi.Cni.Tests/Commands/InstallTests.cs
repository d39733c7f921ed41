using Musubi.Cni.Execution;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Commands;

public sealed class InstallTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Bin => _directory.File("bin");

    public void Dispose() => _directory.Dispose();

    private (int Code, string Output, string Errors) Install(params string[] more) => Witness.TryRun(MusubiCni.Executable, ["install", "--bin-dir", Bin, .. more]);

    private string[] Names() => [.. Directory.GetFileSystemEntries(Bin).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Fact]
    public void EmptyDirectory_GetsTheExecutableAndALinkForEveryPlugin()
    {
        Assert.Equal(0, Install().Code);

        Assert.Equal(PluginCatalog.Names.Append("musubi-cni").Order(StringComparer.Ordinal), Names());
        Assert.Contains("Musubi CNI bridge plugin", Witness.TryRun(Path.Combine(Bin, "bridge")).Errors, StringComparison.Ordinal);
        Assert.Equal("musubi-cni", new FileInfo(Path.Combine(Bin, "bridge")).LinkTarget);
        Assert.Equal(File.ReadAllBytes(MusubiCni.Executable), File.ReadAllBytes(Path.Combine(Bin, "musubi-cni")));
    }

    [Fact]
    public void Repeated_ChangesNothing()
    {
        Install();
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(Bin, "musubi-cni"));

        (int code, string output, _) = Install();

        Assert.Equal(0, code);
        Assert.All(output.Trim().Split('\n'), l => Assert.EndsWith(": up to date", l, StringComparison.Ordinal));
        Assert.Equal(written, File.GetLastWriteTimeUtc(Path.Combine(Bin, "musubi-cni")));
    }

    [Fact]
    public void AnEarlierVersion_IsReplaced()
    {
        Install();
        File.WriteAllText(Path.Combine(Bin, "musubi-cni"), "old");

        Assert.Contains("musubi-cni: installed", Install().Output, StringComparison.Ordinal);

        Assert.Equal(File.ReadAllBytes(MusubiCni.Executable), File.ReadAllBytes(Path.Combine(Bin, "musubi-cni")));
    }

    [Fact]
    public void PluginsOfOthers_AreLeftAlone_AndNothingIsDone()
    {
        _directory.Write("bin/bridge", "theirs");
        File.CreateSymbolicLink(Path.Combine(Bin, "portmap"), "/usr/lib/cni/portmap");

        (int code, _, string errors) = Install();

        Assert.Equal(1, code);
        Assert.Contains("plugins of others: bridge, portmap", errors, StringComparison.Ordinal);
        Assert.Equal(["bridge", "portmap"], Names());
    }

    [Fact]
    public void Force_KeepsWhatWasThere_AndTheFirstOfItsKind()
    {
        _directory.Write("bin/bridge", "theirs");
        File.CreateSymbolicLink(Path.Combine(Bin, "portmap"), "/usr/lib/cni/portmap");

        Assert.Equal(0, Install("--force").Code);
        File.Delete(Path.Combine(Bin, "bridge"));
        _directory.Write("bin/bridge", "theirs again");
        Assert.Equal(0, Install("--force").Code);

        Assert.Equal("theirs", File.ReadAllText(Path.Combine(Bin, "bridge.before-musubi")));
        Assert.Equal("/usr/lib/cni/portmap", new FileInfo(Path.Combine(Bin, "portmap.before-musubi")).LinkTarget);
        Assert.Equal("musubi-cni", new FileInfo(Path.Combine(Bin, "bridge")).LinkTarget);
        Assert.DoesNotContain(Names(), n => n.Contains(".new", StringComparison.Ordinal));
    }

    [Fact]
    public void Plugins_LimitsWhatIsLinked()
    {
        _directory.Write("bin/portmap", "theirs");

        Assert.Equal(0, Install("--plugins", "bridge,host-local").Code);

        Assert.Equal(["bridge", "host-local", "musubi-cni", "portmap"], Names());
    }

    [Fact]
    public void ConfDir_GetsANetworkOnlyWhereThereIsNone()
    {
        string conf = _directory.File("net.d");
        Assert.Contains("10-musubi.conflist: written", Install("--conf-dir", conf).Output, StringComparison.Ordinal);
        NetworkConfigList written = NetworkConfigList.Parse(File.ReadAllBytes(Path.Combine(conf, "10-musubi.conflist")));
        Assert.Equal(["bridge"], written.Plugins.Select(p => p.Text("type")));

        Assert.Contains("there is a network already", Install("--conf-dir", conf).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("install needs --bin-dir", "install")]
    [InlineData("there is no plugin \"x\"", "install", "--bin-dir", "/nonexistent", "--plugins", "x")]
    [InlineData("unknown option --frce", "install", "--bin-dir", "/nonexistent", "--frce")]
    [InlineData("--bin-dir needs a value", "install", "--bin-dir")]
    [InlineData("try needs one configuration file", "try")]
    [InlineData("-o yaml: expected json", "try", "x", "-o", "yaml")]
    public void WrongCommandLine_IsExplained(string message, params string[] arguments)
    {
        (int code, _, string errors) = Witness.TryRun(MusubiCni.Executable, arguments);

        Assert.Equal(2, code);
        Assert.Contains(message, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void DirectoryThatCannotBe_IsExplained()
    {
        _directory.Write("bin", "a file");

        (int code, _, string errors) = Install();

        Assert.Equal(1, code);
        Assert.DoesNotContain("IO_", errors, StringComparison.Ordinal);
        Assert.Contains(Bin, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_NamesEveryCommand()
    {
        string help = Witness.Run(MusubiCni.Executable, "help");

        Assert.All(["install --bin-dir", "try FILE", "daemon [FLAGS]", "plugins", "version"], c => Assert.Contains("musubi-cni " + c, help, StringComparison.Ordinal));
        Assert.All(help.Split('\n'), l => Assert.InRange(l.Length, 0, 160));
        Assert.Equal(PluginCatalog.Names, Witness.Run(MusubiCni.Executable, "plugins").Trim().Split('\n'));
    }
}
