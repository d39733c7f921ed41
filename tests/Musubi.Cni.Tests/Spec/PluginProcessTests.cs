using System.Text;
using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Tests.Spec;

/// <summary>Environment variables belong to the whole process: these tests run when no others do.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
#pragma warning disable CA1711 // the test framework's own word
public sealed class EnvironmentCollection
#pragma warning restore CA1711
{
    public const string Name = "environment";
}

[Collection(EnvironmentCollection.Name)]
public sealed class PluginProcessTests
{
    private static (int Code, string Output, string Log) Run(string type, string config, params (string Key, string? Value)[] variables)
    {
        (string Key, string? Value)[] all =
        [
            ("CNI_COMMAND", "ADD"), ("CNI_CONTAINERID", "c1"), ("CNI_NETNS", "/run/netns/missing"), ("CNI_IFNAME", "eth0"), ("CNI_PATH", "/nowhere"), ("CNI_ARGS", null), .. variables,
        ];
        using MemoryStream output = new();
        using StringWriter log = new();
        try
        {
            foreach ((string key, string? value) in all)
            {
                Environment.SetEnvironmentVariable(key, value);
            }

            int code = PluginProcess.Run(PluginCatalog.Find(type)!, new MemoryStream(Encoding.UTF8.GetBytes(config)), output, log, executable: null);
            return (code, Encoding.UTF8.GetString(output.ToArray()), log.ToString());
        }
        finally
        {
            foreach ((string key, _) in all)
            {
                Environment.SetEnvironmentVariable(key, null);
            }
        }
    }

    [Fact]
    public void Process_WithoutCommand_TellsItsVersionsOnStandardErrorOnly()
    {
        (int code, string output, string log) = Run("bridge", "", ("CNI_COMMAND", null));

        Assert.Equal((0, ""), (code, output));
        Assert.Contains("bridge", log, StringComparison.Ordinal);
        Assert.Contains("0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0", log, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_WithoutInput_ListsEveryVersion()
    {
        (int code, string output, _) = Run("loopback", "not read", ("CNI_COMMAND", "VERSION"));

        Assert.Equal(0, code);
        Assert.Equal("{\"cniVersion\":\"1.1.0\",\"supportedVersions\":[\"0.1.0\",\"0.2.0\",\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n", output);
    }

    [Fact]
    public void Add_Works_PrintsResultInTheConfigurationsVersion()
    {
        (int code, string output, _) = Run("static", """{"cniVersion":"0.4.0","name":"n","type":"static","ipam":{"type":"static","addresses":[{"address":"10.0.0.2/24"}]}}""");

        Assert.Equal(0, code);
        JsonElement json = JsonDocument.Parse(output).RootElement;
        Assert.Equal("0.4.0", json.GetProperty("cniVersion").GetString());
        Assert.Equal("4", json.GetProperty("ips")[0].GetProperty("version").GetString());
    }

    [Theory]
    [InlineData("""{"cniVersion":"1.0.0","name":"n","ipam":{"addresses":[{"address":"x"}]}}""", CniErrorCode.InvalidNetworkConfig, "1.0.0")]
    [InlineData("""{"cniVersion":"1.0.0"}""", CniErrorCode.InvalidNetworkConfig, "1.0.0")]
    [InlineData("""{"cniVersion":"1.0.0","name":"a/b"}""", CniErrorCode.InvalidNetworkConfig, "1.0.0")]
    [InlineData("""{"cniVersion":"3.0.0","name":"n"}""", CniErrorCode.IncompatibleVersion, "3.0.0")]
    [InlineData("""{"name":""", CniErrorCode.DecodingFailure, null)]
    [InlineData("", CniErrorCode.DecodingFailure, null)]
    public void Add_BadConfiguration_PrintsErrorObject(string config, int errorCode, string? version)
    {
        (int code, string output, _) = Run("static", config);

        JsonElement json = JsonDocument.Parse(output).RootElement;
        Assert.Equal(1, code);
        Assert.Equal(errorCode, json.GetProperty("code").GetInt32());
        Assert.NotEmpty(json.GetProperty("msg").GetString()!);
        Assert.Equal(version, json.TryGetProperty("cniVersion", out JsonElement v) ? v.GetString() : null);
    }

    [Fact]
    public void Add_WithoutVariables_NamesThemAll()
    {
        (int code, string output, _) = Run("bridge", "{}", ("CNI_CONTAINERID", null), ("CNI_NETNS", null), ("CNI_IFNAME", null), ("CNI_PATH", null));

        Assert.Equal(1, code);
        Assert.Equal("required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH] missing", JsonDocument.Parse(output).RootElement.GetProperty("msg").GetString());
    }

    [Fact]
    public void Add_InputTooLarge_IsIoFailure()
    {
        (int code, string output, _) = Run("static", new string(' ', (16 << 20) + 1));

        Assert.Equal(1, code);
        Assert.Equal(CniErrorCode.IoFailure, JsonDocument.Parse(output).RootElement.GetProperty("code").GetInt32());
    }

    [Fact]
    public void Del_NothingThere_SucceedsSilently()
    {
        (int code, string output, _) = Run("loopback", """{"cniVersion":"1.0.0","name":"n"}""", ("CNI_COMMAND", "DEL"));

        Assert.Equal((0, ""), (code, output));
    }

    [Theory]
    [InlineData("CHECK", "0.3.1")]
    [InlineData("GC", "1.0.0")]
    [InlineData("STATUS", "1.0.0")]
    public void Verb_YoungerThanVersion_IsNotAllowed(string verb, string version)
    {
        (int code, string output, _) = Run("bridge", $$"""{"cniVersion":"{{version}}","name":"n"}""", ("CNI_COMMAND", verb));

        JsonElement json = JsonDocument.Parse(output).RootElement;
        Assert.Equal(1, code);
        Assert.Equal(CniErrorCode.IncompatibleVersion, json.GetProperty("code").GetInt32());
        Assert.Equal($"config version does not allow {verb}", json.GetProperty("msg").GetString());
    }

    [Theory]
    [InlineData("ADD")]
    [InlineData("DEL")]
    public void OwnNamespace_AsTheContainers_IsRefusedBeforeAnythingIsDone(string verb)
    {
        (int code, string output, _) = Run("loopback", """{"cniVersion":"1.0.0","name":"n"}""", ("CNI_COMMAND", verb), ("CNI_NETNS", "/proc/self/ns/net"));

        JsonElement json = JsonDocument.Parse(output).RootElement;
        Assert.Equal(1, code);
        Assert.Equal(CniErrorCode.InvalidNetns, json.GetProperty("code").GetInt32());
        Assert.Equal("plugin's netns and netns from CNI_NETNS should not be the same", json.GetProperty("msg").GetString());
    }
}
