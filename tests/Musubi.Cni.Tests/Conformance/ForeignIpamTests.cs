using System.Text;
using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>Main plugins with an IPAM plugin that is somebody else's executable.</summary>
public sealed class ForeignIpamTests : IDisposable
{
    private const string Config = """{"cniVersion":"1.0.0","name":"net","type":"bridge","more":{"kept":[1,2]},"ipam":{"type":"theirs","own":true}}""";

    private readonly PodBench _net = new("bridge", cable: false);
    private readonly TemporaryDirectory _first = new();
    private readonly TemporaryDirectory _second = new();

    public void Dispose()
    {
        _net.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    /// <summary>Makes the plugin: it writes down how it was called, then runs the script.</summary>
    private static void Plugin(TemporaryDirectory directory, string script)
    {
        string path = directory.Write("theirs", $"#!/bin/sh\nd={directory.Path}\nenv | grep ^CNI_ | sort >$d/env.$CNI_COMMAND\ncat >$d/stdin.$CNI_COMMAND\n{script}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private CniResult? Run(CniCommand command) => PluginRunner.Run(
        PluginCatalog.Find("bridge")!,
        new CniInvocation
        {
            Command = command,
            ContainerId = "c1",
            Netns = _net.Pod.Path,
            IfName = "eth0",
            Args = "IgnoreUnknown=1;K8S_POD_NAME=x",
            Path = $"{_first.Path}:{_second.Path}",
            Config = Encoding.UTF8.GetBytes(Config),
        },
        _net.Bench.Environment)?.Result;

    [Fact]
    public void Add_GivesItTheWholeConfigurationAndEnvironment()
    {
        Plugin(_first, "echo '{\"ips\":[{\"address\":\"10.77.0.2/24\",\"gateway\":\"10.77.0.1\"}]}'");
        Plugin(_second, "exit 1");

        CniResult result = Run(CniCommand.Add)!;

        // A result without cniVersion is of the configuration's.
        Assert.Equal("10.77.0.2/24", Assert.Single(result.Addresses).Address.ToString());
        Assert.Equal(["10.77.0.2/24"], _net.Pod.Addresses("eth0"));
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(Config).RootElement, JsonDocument.Parse(File.ReadAllText(_first.File("stdin.ADD"))).RootElement));
        Assert.Equal(
            ["CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAME=x", "CNI_COMMAND=ADD", "CNI_CONTAINERID=c1", "CNI_IFNAME=eth0", $"CNI_NETNS={_net.Pod.Path}", $"CNI_PATH={_first.Path}:{_second.Path}"],
            File.ReadAllLines(_first.File("env.ADD")));
    }

    [Fact]
    public void Add_ItsError_IsPassedOnWithItsCode()
    {
        Plugin(_second, "echo '{\"code\":123,\"msg\":\"no more\",\"details\":\"none at all\"}'; exit 1");

        CniException error = Assert.Throws<CniException>(() => Run(CniCommand.Add));

        Assert.Equal((123, "no more", "none at all"), (error.Code, error.Message, error.Details));
        Assert.Equal(["lo"], _net.Pod.LinkNames());
    }

    [Fact]
    public void Add_NoAddress_IsRefusedAndItIsAskedToClean()
    {
        Plugin(_first, "[ $CNI_COMMAND = DEL ] || echo '{\"cniVersion\":\"1.0.0\"}'");

        Assert.Equal("IPAM plugin returned missing IP config", Assert.Throws<CniException>(() => Run(CniCommand.Add)).Message);
        Assert.True(File.Exists(_first.File("stdin.DEL")));
        Assert.Equal(["lo"], _net.Pod.LinkNames());
    }

    [Theory]
    [InlineData(CniCommand.Del)]
    [InlineData(CniCommand.Check)]
    public void LaterCommands_AreForwarded(CniCommand command)
    {
        Plugin(_first, "[ $CNI_COMMAND != ADD ] || echo '{\"cniVersion\":\"1.0.0\",\"ips\":[{\"address\":\"10.77.0.2/24\"}]}'");
        CniResult result = Run(CniCommand.Add)!;

        if (command == CniCommand.Check)
        {
            PluginRunner.Run(
                PluginCatalog.Find("bridge")!,
                new CniInvocation { Command = command, ContainerId = "c1", Netns = _net.Pod.Path, IfName = "eth0", Path = _first.Path, Config = Encoding.UTF8.GetBytes(PluginBench.WithPrevious(Config, result)) },
                _net.Bench.Environment);
        }
        else
        {
            Run(command);
        }

        Assert.True(File.Exists(_first.File($"env.{command.ToString().ToUpperInvariant()}")));
    }

    [Fact]
    public void Status_ItsReason_IsPassedOn()
    {
        Plugin(_first, "echo '{\"code\":50,\"msg\":\"daemon away\"}'; exit 1");

        CniException error = Assert.Throws<CniException>(() => PluginRunner.Run(
            PluginCatalog.Find("bridge")!,
            new CniInvocation { Command = CniCommand.Status, Path = _first.Path, Config = Encoding.UTF8.GetBytes(Config.Replace("1.0.0", "1.1.0", StringComparison.Ordinal)) },
            _net.Bench.Environment));

        Assert.Equal((50, "daemon away"), (error.Code, error.Message));
    }
}
