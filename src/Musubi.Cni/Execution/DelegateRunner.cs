using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Musubi.Cni.Spec;
using Musubi.Linux.Files;

namespace Musubi.Cni.Execution;

/// <summary>
/// Runs the plugin that a configuration names: in this process when the executable found in <c>CNI_PATH</c> is Musubi's own,
/// as a process of its own, the way the specification says, when it is somebody else's.
/// </summary>
public sealed class DelegateRunner
{
    private const int TextFileBusy = 26; // ETXTBSY
    private const int StartAttempts = 50;
    private static readonly TimeSpan _startPause = TimeSpan.FromMilliseconds(100);

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
    /// <value>The default is two minutes.</value>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(2);

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
        ProcessStartInfo start = new(file)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["CNI_COMMAND"] = invocation.Command.ToString().ToUpperInvariant();
        start.Environment["CNI_CONTAINERID"] = invocation.ContainerId;
        start.Environment["CNI_NETNS"] = invocation.Netns;
        start.Environment["CNI_IFNAME"] = invocation.IfName;
        start.Environment["CNI_ARGS"] = invocation.Args;
        start.Environment["CNI_PATH"] = invocation.Path;

        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(environment.Cancellation);
        limit.CancelAfter(Limit);
        using Process process = Start(start, environment);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            WriteConfig(process, invocation.Config.Span);
            process.WaitForExitAsync(limit.Token).GetAwaiter().GetResult();
            environment.Log.Write(errors.GetAwaiter().GetResult());
            return Interpret(file, invocation, process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            environment.Cancellation.ThrowIfCancellationRequested();
            throw new CniException(CniErrorCode.TryAgainLater, $"plugin {file} did not finish within {Limit.TotalSeconds:0} s");
        }
    }

    /// <summary>A plugin that fails early, or has no use for its configuration, may leave it unread; what it says then is what counts.</summary>
    private static void WriteConfig(Process process, ReadOnlySpan<byte> config)
    {
        try
        {
            using Stream input = process.StandardInput.BaseStream;
            input.Write(config);
        }
        catch (IOException)
        {
            // The pipe broke because the reader closed it: its exit code and its words tell the rest.
        }
    }

    /// <summary>A child process starts in the namespace of the thread that starts it.</summary>
    private static Process Start(ProcessStartInfo start, PluginEnvironment environment)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return (environment.Host is { } host ? host.Run(() => Process.Start(start)) : Process.Start(start))
                    ?? throw new CniException(CniErrorCode.IoFailure, $"could not start plugin {start.FileName}");
            }
            catch (Win32Exception e) when (e.NativeErrorCode == TextFileBusy && attempt < StartAttempts)
            {
                // An installer is writing it, or a child forked meanwhile still has it open.
                environment.Cancellation.WaitHandle.WaitOne(_startPause);
                environment.Cancellation.ThrowIfCancellationRequested();
            }
            catch (Win32Exception e)
            {
                throw new CniException(CniErrorCode.IoFailure, $"could not start plugin {start.FileName}: {e.Message}", details: null, e);
            }
        }
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
