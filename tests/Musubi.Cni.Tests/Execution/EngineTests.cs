using System.Text;
using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Execution;

/// <summary>The engine with plugins that are small scripts, run as the specification says.</summary>
public sealed class EngineTests : IDisposable
{
    private static readonly CniAttachment _attachment = new("c1", "/run/netns/none", "eth0");

    private readonly TemporaryDirectory _files = new();
    private readonly PluginBench _bench = new();
    private readonly CniEngine _engine;

    public EngineTests()
    {
        _engine = new CniEngine(new CniEngineOptions { CacheDirectory = _files.File("results"), PluginPath = _files.Path }, _bench.Environment);
        foreach (string name in (string[])["one", "two", "three"])
        {
            Plugin(name, $$"""printf '{"cniVersion":"1.1.0","interfaces":[{"name":"{{name}}"}]}'""");
        }
    }

    private string Journal => File.Exists(_files.File("journal")) ? File.ReadAllText(_files.File("journal")).Trim().Replace('\n', ' ') : "";

    public void Dispose()
    {
        _bench.Dispose();
        _files.Dispose();
    }

    /// <summary>A plugin that writes its calls into a journal and keeps the last configuration, then does what the test says.</summary>
    private void Plugin(string name, string onAdd, string otherwise = "true")
    {
        string path = _files.Write(name, $"""
            #!/bin/sh
            echo "{name}:$CNI_COMMAND" >> {_files.File("journal")}
            cat > {_files.File(name)}.$CNI_COMMAND.json
            env | grep ^CNI_ | sort > {_files.File(name)}.env
            if [ "$CNI_COMMAND" = ADD ]; then
            {onAdd}
            else
            {otherwise}
            fi
            """);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private JsonElement Seen(string plugin, string command = "ADD") => JsonDocument.Parse(File.ReadAllText(_files.File($"{plugin}.{command}.json"))).RootElement;

    private static NetworkConfigList Network(string plugins, string version = "1.1.0", string more = "") =>
        NetworkConfigList.Parse(Encoding.UTF8.GetBytes($$"""{"cniVersion":"{{version}}","name":"net",{{more}}"plugins":[{{plugins}}]}"""));

    private static NetworkConfigList Chain => Network("""{"type":"one"},{"type":"two"},{"type":"three"}""");

    [Fact]
    public void Add_Chain_RunsInOrderAndHandsResultsOn()
    {
        CniResult result = _engine.Add(Chain, _attachment);

        Assert.Equal("one:ADD two:ADD three:ADD", Journal);
        Assert.Equal("three", Assert.Single(result.Interfaces).Name);
        Assert.False(Seen("one").TryGetProperty("prevResult", out _));
        Assert.Equal("one", Seen("two").GetProperty("prevResult").GetProperty("interfaces")[0].GetProperty("name").GetString());
        Assert.Equal(("net", "1.1.0", "two"), (Seen("two").GetProperty("name").GetString(), Seen("two").GetProperty("cniVersion").GetString(), Seen("two").GetProperty("type").GetString()));
    }

    [Fact]
    public void Add_Environment_IsTheSpecifications()
    {
        _engine.Add(Chain, _attachment with { Args = "IgnoreUnknown=1;K=V" });

        Assert.Equal(
            $"CNI_ARGS=IgnoreUnknown=1;K=V\nCNI_COMMAND=ADD\nCNI_CONTAINERID=c1\nCNI_IFNAME=eth0\nCNI_NETNS=/run/netns/none\nCNI_PATH={_files.Path}\n",
            File.ReadAllText(_files.File("one.env")));
    }

    [Fact]
    public void Del_Chain_RunsInReverseWithTheFinalResultAndForgets()
    {
        _engine.Add(Chain, _attachment);
        Assert.Equal(_attachment.ContainerId, Assert.Single(_engine.Attachments("net")).ContainerId);

        _engine.Del(Chain, _attachment);

        Assert.EndsWith("three:DEL two:DEL one:DEL", Journal, StringComparison.Ordinal);
        Assert.Equal("three", Seen("one", "DEL").GetProperty("prevResult").GetProperty("interfaces")[0].GetProperty("name").GetString());
        Assert.Empty(_engine.Attachments());
    }

    [Fact]
    public void Del_NotRemembered_RunsWithoutResult()
    {
        _engine.Del(Chain, _attachment);

        Assert.Equal("three:DEL two:DEL one:DEL", Journal);
        Assert.False(Seen("one", "DEL").TryGetProperty("prevResult", out _));
    }

    [Fact]
    public void Del_VersionBeforeResultsWerePassed_GetsNone()
    {
        NetworkConfigList old = Network("""{"type":"one"}""", "0.3.1");
        Plugin("one", """printf '{"cniVersion":"0.3.1","interfaces":[{"name":"one"}]}'""");
        _engine.Add(old, _attachment);

        _engine.Del(old, _attachment);

        Assert.False(Seen("one", "DEL").TryGetProperty("prevResult", out _));
    }

    [Fact]
    public void Del_OnePluginFails_OthersAreTriedAndTheResultIsKept()
    {
        Plugin("two", """printf '{"cniVersion":"1.1.0"}'""", """printf '{"code":11,"msg":"busy"}'; exit 1""");
        _engine.Add(Chain, _attachment);

        CniException error = Assert.Throws<CniException>(() => _engine.Del(Chain, _attachment));

        Assert.Equal((11, "busy"), (error.Code, error.Message));
        Assert.EndsWith("three:DEL two:DEL one:DEL", Journal, StringComparison.Ordinal);
        Assert.Single(_engine.Attachments());
    }

    [Fact]
    public void Add_CacheFile_IsTheReferenceLibrarys()
    {
        _engine.Add(Chain, _attachment with { Args = "A=1;B=2" });

        string path = _files.File("results/net-c1-eth0");
        JsonElement entry = JsonDocument.Parse(File.ReadAllText(path)).RootElement;
        Assert.Equal(
            ("cniCacheV1", "c1", "eth0", "net", "/run/netns/none"),
            (entry.GetProperty("kind").GetString(), entry.GetProperty("containerId").GetString(), entry.GetProperty("ifName").GetString(), entry.GetProperty("networkName").GetString(), entry.GetProperty("netns").GetString()));
        Assert.Equal("""[["A","1"],["B","2"]]""", entry.GetProperty("cniArgs").GetRawText());
        Assert.Equal(Chain.Source.ToArray(), entry.GetProperty("config").GetBytesFromBase64());
        Assert.Equal("three", entry.GetProperty("result").GetProperty("interfaces")[0].GetProperty("name").GetString());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public void Attachments_ForeignFilesInTheCache_AreNotEntries()
    {
        _files.Write("results/net-x-eth0", "{half");
        _files.Write("results/other", """{"kind":"somethingElse"}""");

        Assert.Empty(_engine.Attachments());
    }

    [Fact]
    public void Add_SecondPluginFails_ItsErrorIsPassedOnAndTheChainIsUndone()
    {
        Plugin("two", """printf '{"cniVersion":"1.1.0","code":101,"msg":"no cable","details":"port 7"}'; exit 1""");

        CniException error = Assert.Throws<CniException>(() => _engine.Add(Chain, _attachment));

        Assert.Equal((101, "network net, interface eth0: no cable", "port 7"), (error.Code, error.Message, error.Details));
        Assert.Equal("one:ADD two:ADD two:DEL one:DEL", Journal);
        Assert.Empty(_engine.Attachments());
    }

    [Fact]
    public void Add_UndoFailsToo_BothAreTold()
    {
        Plugin("one", """printf '{"cniVersion":"1.1.0"}'""", """printf '{"code":999,"msg":"stuck"}'; exit 1""");
        Plugin("two", """printf '{"code":101,"msg":"no cable"}'; exit 1""");

        CniException error = Assert.Throws<CniException>(() => _engine.Add(Chain, _attachment));

        Assert.Equal(101, error.Code);
        Assert.Equal("network net, interface eth0: no cable (and could not undo one: stuck)", error.Message);
    }

    [Fact]
    public void Add_Capabilities_GoOnlyToPluginsThatDeclareThem()
    {
        CniAttachment attachment = _attachment with { CapabilityArgs = new Dictionary<string, string> { ["mac"] = "\"02:00:00:00:00:01\"", ["ips"] = "[\"10.0.0.1/24\"]" } };

        _engine.Add(Network("""{"type":"one","capabilities":{"mac":true,"ips":false}},{"type":"two"}"""), attachment);

        Assert.Equal("""{"mac":"02:00:00:00:00:01"}""", Seen("one").GetProperty("runtimeConfig").GetRawText());
        Assert.False(Seen("one").TryGetProperty("capabilities", out _));
        Assert.False(Seen("two").TryGetProperty("runtimeConfig", out _));
    }

    [Fact]
    public void Add_CniArgs_GoToEveryPlugin()
    {
        _engine.Add(Network("""{"type":"one","args":{"cni":{"mac":"x"}}},{"type":"two"}"""), _attachment with { CniArgs = """{"mac":"y"}""" });

        Assert.Equal("y", Seen("one").GetProperty("args").GetProperty("cni").GetProperty("mac").GetString());
        Assert.Equal("y", Seen("two").GetProperty("args").GetProperty("cni").GetProperty("mac").GetString());
    }

    [Fact]
    public void Check_RunsInOrderWithTheRememberedResult()
    {
        _engine.Add(Chain, _attachment);

        _engine.Check(Chain, _attachment);

        Assert.EndsWith("one:CHECK two:CHECK three:CHECK", Journal, StringComparison.Ordinal);
        Assert.True(Seen("one", "CHECK").TryGetProperty("prevResult", out _));
    }

    [Fact]
    public void Check_NotRemembered_IsUnknownContainer() =>
        Assert.Equal(CniErrorCode.UnknownContainer, Assert.Throws<CniException>(() => _engine.Check(Chain, _attachment)).Code);

    [Fact]
    public void Check_Disabled_RunsNothing()
    {
        _engine.Check(Network("""{"type":"one"}""", more: "\"disableCheck\":true,"), _attachment);

        Assert.Equal("", Journal);
    }

    [Fact]
    public void Gc_StaleAttachments_AreDeletedAndPluginsHearWhatIsValid()
    {
        NetworkConfigList network = Network("""{"type":"one"}""");
        _engine.Add(network, _attachment);
        _engine.Add(network, _attachment with { ContainerId = "c2" });

        _engine.Gc(network, new HashSet<(string, string)> { ("c2", "eth0") });

        Assert.Equal("c2", Assert.Single(_engine.Attachments()).ContainerId);
        Assert.EndsWith("one:DEL one:GC", Journal, StringComparison.Ordinal);
        Assert.Equal("""[{"containerID":"c2","ifname":"eth0"}]""", Seen("one", "GC").GetProperty("cni.dev/valid-attachments").GetRawText());
    }

    [Fact]
    public void Gc_OneStaleAttachmentFails_TheOthersAndThePluginsGoOn()
    {
        Plugin("one", """printf '{"cniVersion":"1.1.0"}'""", """if [ "$CNI_COMMAND$CNI_CONTAINERID" = DELc1 ]; then printf '{"code":11,"msg":"busy"}'; exit 1; fi""");
        NetworkConfigList network = Network("""{"type":"one"}""");
        _engine.Add(network, _attachment);
        _engine.Add(network, _attachment with { ContainerId = "c2" });

        CniException error = Assert.Throws<CniException>(() => _engine.Gc(network, new HashSet<(string, string)>()));

        Assert.Equal("busy", error.Message);
        Assert.Equal("c1", Assert.Single(_engine.Attachments()).ContainerId);
        Assert.EndsWith("one:GC", Journal, StringComparison.Ordinal);
    }

    [Fact]
    public void ForeignPlugin_SaysNothing_ExitStatusIsTold()
    {
        Plugin("one", "exit 3");

        Assert.EndsWith("netplugin failed with no error message: exit status 3", Assert.Throws<CniException>(() => _engine.Add(Chain, _attachment)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ForeignPlugin_SpeaksOnStandardErrorOnly_IsQuoted()
    {
        Plugin("one", "echo oh no >&2; exit 1");

        Assert.EndsWith("netplugin failed: \"oh no\"", Assert.Throws<CniException>(() => _engine.Add(Chain, _attachment)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo panic: nil map; exit 2", "2")]
    [InlineData("echo done", "0")]
    public void ForeignPlugin_PrintsNoJson_IsNamedWithWhatItSaid(string script, string status)
    {
        Plugin("one", script);

        CniException error = Assert.Throws<CniException>(() => _engine.Add(Chain, _attachment));

        Assert.Contains($"plugin {_files.File("one")} ended with exit status {status} and printed no JSON object", error.Message, StringComparison.Ordinal);
        Assert.NotEmpty(error.Details!);
    }

    [Fact]
    public void ForeignPlugin_LeavesItsInputUnread_ItsErrorCounts()
    {
        string path = _files.Write("deaf", """
            #!/bin/sh
            exec 0<&-
            printf '{"code":101,"msg":"not interested"}'
            exit 1
            """);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        NetworkConfigList large = Network($$"""{"type":"deaf","padding":"{{new string('x', 300_000)}}"}""");

        Assert.EndsWith("not interested", Assert.Throws<CniException>(() => _engine.Add(large, _attachment)).Message.Split(" (and", 2)[0], StringComparison.Ordinal);
    }

    [Fact]
    public void ForeignPlugin_HangsLongerThanTheLimit_IsEndedAndTold()
    {
        Plugin("one", "sleep 60 & wait");
        DelegateRunner runner = new(ownExecutable: null, preferOwn: true) { Limit = TimeSpan.FromMilliseconds(300) };
        CniEngine engine = new(new CniEngineOptions { CacheDirectory = _files.File("results"), PluginPath = _files.Path }, _bench.Environment with { Delegates = runner });

        CniException error = Assert.Throws<CniException>(() => engine.Add(Chain, _attachment));

        Assert.Equal(CniErrorCode.TryAgainLater, error.Code);
        Assert.Contains("did not finish within", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("four", "failed to find plugin \"four\" in path [")]
    [InlineData("../one", "invalid plugin name: ../one")]
    public void Add_PluginNotThere_IsNamed(string type, string message) =>
        Assert.Contains(message, Assert.Throws<CniException>(() => _engine.Add(Network($$"""{"type":"{{type}}"}"""), _attachment)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"name":"n","plugins":[]}""", "plugins must name at least one plugin")]
    [InlineData("""{"name":"n","plugins":[{}]}""", "plugins[0].type is missing: it names the plugin")]
    [InlineData("""{"name":"n"}""", "type is missing: it names the plugin")]
    [InlineData("""{"type":"one"}""", "missing network name")]
    [InlineData("""{"name":"a b","type":"one"}""", "invalid characters found in network name \"a b\"")]
    public void Network_Malformed_NamesTheKey(string json, string message) =>
        Assert.Equal(message, Assert.Throws<CniException>(() => NetworkConfigList.Parse(Encoding.UTF8.GetBytes(json))).Message);

    [Fact]
    public void Network_SeveralVersions_NewestCommonIsTaken() =>
        Assert.Equal("1.0.0", NetworkConfigList.Parse("""{"cniVersion":"0.3.1","cniVersions":["1.0.0","9.9.9","0.4.0"],"name":"n","type":"one"}"""u8.ToArray()).Version.ToString());

    [Fact]
    public void Network_WithoutName_TakesTheFallback() =>
        Assert.Equal("nad", NetworkConfigList.Parse("""{"type":"one"}"""u8.ToArray(), "nad").Name);
}
