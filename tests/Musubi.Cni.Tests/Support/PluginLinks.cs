using System.Text;
using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Linux.Files;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Processes;

namespace Musubi.Cni.Tests.Support;

/// <summary>The executable under the names of all its plugins, called as a runtime calls it: a process in the host's namespace.</summary>
internal sealed class PluginLinks : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory _directory = new();

    public PluginLinks()
    {
        foreach (string name in PluginCatalog.Names)
        {
            MusubiCni.Link(Path, name);
        }
    }

    public string Path => _directory.Path;

    /// <summary>Calls a plugin, optionally through another program that is given the plugin as its last argument.</summary>
    public PluginAnswer Run(NetworkNamespace host, string command, string type, string config, string id, string netns, string[]? through = null) => Run(
        host,
        [.. through ?? [], System.IO.Path.Combine(Path, type)],
        Encoding.UTF8.GetBytes(config),
        $"CNI_COMMAND={command}", $"CNI_CONTAINERID={id}", $"CNI_NETNS={netns}", "CNI_IFNAME=eth0", $"CNI_PATH={Path}");

    /// <summary>Starts a plugin of which others may run at the same time.</summary>
    public Task<PluginAnswer> Start(NetworkNamespace host, string command, string type, string config, string id, string netns) =>
        Task.Factory.StartNew(() => Run(host, command, type, config, id, netns), TaskCreationOptions.LongRunning);

    public static PluginAnswer Run(NetworkNamespace host, IReadOnlyList<string> command, byte[] input, params IReadOnlyList<string> environment)
    {
        using DescriptorFile config = DescriptorFile.InMemory("config");
        using DescriptorFile output = DescriptorFile.InMemory("output");
        using DescriptorFile errors = DescriptorFile.InMemory("errors");
        config.Write(input, 0);
        using ChildProcess process = ChildProcess.Start(new ChildCommand(command)
        {
            Environment = environment,
            StandardInput = config.Handle,
            StandardOutput = output.Handle,
            StandardError = errors.Handle,
            Network = host,
        });
        ExitStatus? ended = process.WaitForExit(_limit);
        if (ended is null)
        {
            process.Kill();
        }

        Assert.NotNull(ended);
        return new PluginAnswer(ended.Value.Code, Text(output), Text(errors));
    }

    public void Dispose() => _directory.Dispose();

    private static string Text(DescriptorFile file)
    {
        byte[] bytes = new byte[file.Length];
        return Encoding.UTF8.GetString(bytes.AsSpan(0, file.Read(bytes, 0)));
    }
}

/// <summary>What a plugin answered.</summary>
/// <param name="ExitCode">Its exit code, or 128 plus the signal that ended it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Log">Standard error.</param>
internal sealed record PluginAnswer(int ExitCode, string Output, string Log)
{
    public const int Killed = 128 + (int)Signal.Kill;

    public JsonElement Read() => JsonDocument.Parse(Output).RootElement;

    /// <summary>The error object's code and message.</summary>
    public (int Code, string Message) Fails()
    {
        Assert.True(ExitCode == 1, $"exit code {ExitCode}: {Output} {Log}");
        JsonElement error = Read();
        return (error.GetProperty("code").GetInt32(), error.GetProperty("msg").GetString()!);
    }

    public PluginAnswer Succeeds()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Output} {Log}");
        return this;
    }
}
