using System.Text;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Faults;

/// <summary>The executable itself: what it is given, and what it starts.</summary>
public sealed class ExecutableTests : IDisposable
{
    private const int Runs = 60;
    private const string Config = """{"cniVersion":"1.1.0","name":"net","type":"macvlan","master":"none","ipam":{"type":"host-local","dataDir":"DIR","subnet":"10.0.0.0/24"}}""";

    private readonly TestNamespace _host = new("host");
    private readonly PluginLinks _plugins = new();
    private readonly TemporaryDirectory _state = new();

    [Fact]
    public void Process_RandomInputAndEnvironment_AnswersWithErrorObject()
    {
        Random random = new(20251121);
        string[] commands = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSIONS", "add", " "];
        for (int i = 0; i < Runs; i++)
        {
            byte[] input = Garbage(random, 2000);
            string type = PluginCatalog.Names[i % PluginCatalog.Names.Count];
            List<string> environment = [$"CNI_COMMAND={commands[i % commands.Length]}"];
            foreach (string name in (string[])["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH", "CNI_ARGS", "CNI_NETNS_OVERRIDE", "LANG", "DOTNET_gcServer"])
            {
                if (random.Next(2) == 0)
                {
                    environment.Add($"{name}={Encoding.Latin1.GetString(Garbage(random, 300)).Replace("\0", "", StringComparison.Ordinal)}");
                }
            }

            PluginAnswer answer = PluginLinks.Run(_host.Network, [Path.Combine(_plugins.Path, type)], input, environment);

            (int code, string message) = answer.Fails();
            Assert.True(code > 0 && message.Length > 0, $"{type}: {answer}");
        }
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData(".x")]
    [InlineData("-x")]
    [InlineData("a b")]
    [InlineData("a\nb")]
    [InlineData("LONG")]
    [InlineData("")]
    public void ContainerId_ThatCouldLeadElsewhere_IsRefused(string id)
    {
        foreach (string command in (string[])["ADD", "DEL", "CHECK"])
        {
            (int code, string message) = Run(command, "host-local", Config, id == "LONG" ? new string('a', 300) : id).Fails();

            Assert.Equal(CniErrorCode.InvalidEnvironment, code);
            Assert.Contains("CNI_CONTAINERID", message, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_state.Path));
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData("..")]
    [InlineData("LONG")]
    [InlineData("")]
    public void NetworkName_ThatCouldLeadElsewhere_IsRefused(string name)
    {
        string config = Config.Replace("\"net\"", $"\"{(name == "LONG" ? new string('a', 300) : name)}\"", StringComparison.Ordinal);
        foreach (string command in (string[])["ADD", "DEL", "CHECK"])
        {
            (int code, string message) = Run(command, "host-local", config, "c1").Fails();

            Assert.Equal(CniErrorCode.InvalidNetworkConfig, code);
            Assert.Contains("network name", message, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_state.Path));
    }

    [Fact]
    public void Ipam_OfTheSameExecutable_IsServedWithoutStartingIt()
    {
        PluginAnswer answer = Run("DEL", "macvlan", Config, "c1", Trace).Succeeds();

        Assert.Single(File.ReadLines(_state.File("trace")), l => l.Contains("execve(", StringComparison.Ordinal));
        Assert.Empty(answer.Output);
    }

    [Fact]
    public void Ipam_OfSomebodyElse_IsStarted()
    {
        string link = Path.Combine(_plugins.Path, "host-local");
        string called = _state.File("called");
        File.Delete(link);
        File.WriteAllText(link, $"#!/bin/sh\necho $CNI_COMMAND $CNI_CONTAINERID >{called}\n");
        File.SetUnixFileMode(link, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        Run("DEL", "macvlan", Config, "c1", Trace).Succeeds();

        Assert.Equal(2, File.ReadLines(_state.File("trace")).Count(l => l.Contains("execve(", StringComparison.Ordinal)));
        Assert.Equal("DEL c1\n", File.ReadAllText(called));
    }

    [Fact]
    public void Ipam_CopyOfTheExecutable_IsStarted()
    {
        string link = Path.Combine(_plugins.Path, "host-local");
        File.Delete(link);
        File.Copy(MusubiCni.Executable, link);

        Run("DEL", "macvlan", Config, "c1", Trace).Succeeds();

        Assert.Equal(2, File.ReadLines(_state.File("trace")).Count(l => l.Contains("execve(", StringComparison.Ordinal)));
    }

    public void Dispose()
    {
        _state.Dispose();
        _plugins.Dispose();
        _host.Dispose();
    }

    private string[] Trace => ["/usr/bin/strace", "-f", "-qq", "-o", _state.File("trace"), "-e", "trace=execve"];

    private static byte[] Garbage(Random random, int most)
    {
        byte[] bytes = new byte[random.Next(1, most)];
        random.NextBytes(bytes);
        return bytes;
    }

    private PluginAnswer Run(string command, string type, string config, string id, string[]? through = null) =>
        _plugins.Run(_host.Network, command, type, config.Replace("DIR", _state.File("books"), StringComparison.Ordinal), id, "/run/netns/none", through);
}
