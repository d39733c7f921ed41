using System.Collections;
using System.Diagnostics;
using System.Text;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Files;
using Musubi.Linux.Processes;

namespace Musubi.Cni.Execution;

/// <summary>
/// Runs the plugin that a configuration names: in this process when the executable found in <c>CNI_PATH</c> is Musubi's own,
/// as a process of its own, the way the specification says, when it is somebody else's.
/// </summary>
public sealed class DelegateRunner
{
    private const int StartAttempts = 50;
    private static readonly TimeSpan _startPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _cancellationPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _endLimit = TimeSpan.FromSeconds(5);

    private readonly FileIdentity? _own;
    private readonly bool _preferOwn;

    /// <summary>Makes a runner.</summary>
    /// <param name="ownExecutable">Path of <c>musubi-cni</c>; null when there is none on this host.</param>
    /// <param name="preferOwn">Serve our own plugin types in process when <c>CNI_PATH</c> holds no executable of that name.</param>
    public DelegateRunner(string? ownExecutable, bool preferOwn)
    {
        _own = ownExecutable is null ? null : FileIdentity.Find(ownExecutable);
        _preferOwn = preferOwn;
    }

    /// <summary>How long a foreign plugin may take.</summary>
    /// <value>The default is four minutes: the reference DHCP plugin asks for three and a half.</value>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(4);

    /// <summary>Runs a command of the plugin called <paramref name="type"/>.</summary>
    /// <returns>The result of ADD; null for the other commands.</returns>
    public CniResult? Run(string type, CniInvocation invocation, PluginEnvironment environment)
    {
        string? file = FindExecutable(type, invocation.Path);
        if (PluginCatalog.Find(type) is { } plugin && (file is null ? _preferOwn : _own is { } own && FileIdentity.Find(file) == own))
        {
            return PluginRunner.Run(plugin, invocation, environment)?.Result;
        }

        return file is null
            ? throw new CniException(CniErrorCode.InvalidNetworkConfig, $"failed to find plugin \"{type}\" in path [{invocation.Path.Replace(':', ' ')}]")
            : Execute(file, invocation, environment);
    }

    private static string? FindExecutable(string type, string path)
    {
        if (type.Contains('/', StringComparison.Ordinal) || type is "." or "..")
        {
            throw CniException.InvalidConfig($"invalid plugin name: {type}");
        }

        foreach (string directory in path.Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            string file = Path.Combine(directory, type);
            if (File.Exists(file))
            {
                return file;
            }
        }

        return null;
    }

    private CniResult? Execute(string file, CniInvocation invocation, PluginEnvironment environment)
    {
        // Files instead of pipes: however much it writes and however little it reads, nobody waits for the other.
        using DescriptorFile input = DescriptorFile.InMemory("CNI configuration");
        using DescriptorFile output = DescriptorFile.InMemory("CNI result");
        using DescriptorFile errors = DescriptorFile.InMemory("CNI log");
        input.Write(invocation.Config.Span, 0);
        ChildCommand command = new([file])
        {
            Environment = EnvironmentOf(invocation),
            StandardInput = input.Handle,
            StandardOutput = output.Handle,
            StandardError = errors.Handle,
            Network = environment.Host,
        };
        using ChildProcess process = Start(command, environment);
        ExitStatus ended = WaitForExit(process, file, environment);
        string said = ReadAll(errors);
        environment.Log.Write(said);
        return Interpret(file, invocation, ended.Code, ReadAll(output), said);
    }

    private ExitStatus WaitForExit(ChildProcess process, string file, PluginEnvironment environment)
    {
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < Limit && !environment.Cancellation.IsCancellationRequested)
        {
            if (process.WaitForExit(_cancellationPause) is { } ended)
            {
                return ended;
            }
        }

        process.Kill();
        process.WaitForExit(_endLimit);
        environment.Cancellation.ThrowIfCancellationRequested();
        throw new CniException(CniErrorCode.TryAgainLater, $"plugin {file} did not finish within {Limit.TotalSeconds:0} s");
    }

    /// <summary>This process's environment with the call's own variables.</summary>
    private static List<string> EnvironmentOf(CniInvocation invocation)
    {
        Dictionary<string, string> own = new(StringComparer.Ordinal)
        {
            ["CNI_COMMAND"] = invocation.Command.ToString().ToUpperInvariant(),
            ["CNI_CONTAINERID"] = invocation.ContainerId,
            ["CNI_NETNS"] = invocation.Netns,
            ["CNI_IFNAME"] = invocation.IfName,
            ["CNI_ARGS"] = invocation.Args,
            ["CNI_PATH"] = invocation.Path,
        };
        List<string> variables = [.. own.Select(v => $"{v.Key}={v.Value}")];
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            if (!own.ContainsKey((string)variable.Key))
            {
                variables.Add($"{variable.Key}={variable.Value}");
            }
        }

        return variables;
    }

    private static ChildProcess Start(ChildCommand command, PluginEnvironment environment)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return ChildProcess.Start(command);
            }
            catch (LinuxException e) when (e.Errno == Errno.ETXTBSY && attempt < StartAttempts)
            {
                // An installer is writing it, or a child forked meanwhile still has it open.
                environment.Cancellation.WaitHandle.WaitOne(_startPause);
                environment.Cancellation.ThrowIfCancellationRequested();
            }
            catch (LinuxException e)
            {
                throw new CniException(CniErrorCode.IoFailure, $"could not start plugin {command.Command[0]}: {e.Message}", details: null, e);
            }
        }
    }

    private static string ReadAll(DescriptorFile file)
    {
        byte[] bytes = new byte[file.Length];
        return Encoding.UTF8.GetString(bytes.AsSpan(0, file.Read(bytes, 0)));
    }

    private static CniResult? Interpret(string file, CniInvocation invocation, int exitCode, string output, string errors)
    {
        if (exitCode == 0)
        {
            if (invocation.Command != CniCommand.Add)
            {
                return null;
            }

            CniVersion version = CniVersion.Parse(ConfigObject.Parse(invocation.Config).Text("cniVersion"));
            return CniResultJson.Read(ParseOutput(file, exitCode, output), version);
        }

        if (string.IsNullOrWhiteSpace(output))
        {
            string why = string.IsNullOrWhiteSpace(errors) ? $"netplugin failed with no error message: exit status {exitCode}" : $"netplugin failed: \"{errors.Trim()}\"";
            throw new CniException(CniErrorCode.Internal, why);
        }

        ConfigObject error = ParseOutput(file, exitCode, output);
        throw new CniException(error.Number("code") ?? CniErrorCode.Internal, error.Text("msg") ?? "netplugin failed", error.Text("details"));
    }

    private static ConfigObject ParseOutput(string file, int exitCode, string output)
    {
        try
        {
            return ConfigObject.Parse(Encoding.UTF8.GetBytes(output));
        }
        catch (CniException e)
        {
            throw new CniException(CniErrorCode.DecodingFailure, $"plugin {file} ended with exit status {exitCode} and printed no JSON object", output.Trim(), e);
        }
    }
}
