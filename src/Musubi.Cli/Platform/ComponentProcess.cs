using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Processes;

namespace Musubi.Cli.Platform;

/// <summary>Starts this program again as one of the platform's processes, with its output in a log file.</summary>
internal static class ComponentProcess
{
    /// <summary>Starts a component.</summary>
    /// <param name="settings">The platform.</param>
    /// <param name="name">Names its log.</param>
    /// <param name="arguments">What follows <c>musubi run</c>.</param>
    /// <param name="newSession">Whether it leaves the caller's terminal.</param>
    /// <param name="boundToCaller">Whether it is asked to end when the caller ends.</param>
    public static ChildProcess Start(PlatformSettings settings, string name, IReadOnlyList<string> arguments, bool newSession, bool boundToCaller)
    {
        ExecPlan plan = new()
        {
            Command = [.. Programs.Self, "run", .. arguments, "--state-dir", settings.StateDirectory],
            NewSession = newSession,
            ParentDeathSignal = boundToCaller ? Signal.Term : null,
            ParentId = boundToCaller ? Environment.ProcessId : null,
            WorkingDirectory = "/",
        };
        string path = Path.Combine(settings.LogsDirectory, $"{name.Replace(' ', '-')}.log");
        using SafeFileHandle log = File.OpenHandle(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        return ChildProcess.Start(new ChildCommand([Programs.Launcher, "exec", .. plan.ToArguments()])
        {
            Environment = [.. Inherited(), .. Tuning],
            StandardOutput = log,
            StandardError = log,
        });
    }

    /// <summary>Small processes that mostly wait: one heap each, given back when not needed, and no recompiling in the background.</summary>
    private static IEnumerable<string> Tuning => ["DOTNET_gcServer=0", "DOTNET_GCConserveMemory=7", "DOTNET_TieredPGO=0", "DOTNET_GCHeapCount=1"];

    private static IEnumerable<string> Inherited() =>
        from System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables()
        where variable.Key is "PATH" or "HOME" or "DOTNET_ROOT" or "LANG" or "TMPDIR"
        select $"{variable.Key}={variable.Value}";
}
