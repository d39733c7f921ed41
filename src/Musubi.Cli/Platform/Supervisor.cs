using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Musubi.Linux.Processes;

namespace Musubi.Cli.Platform;

/// <summary>A process of the platform.</summary>
/// <param name="Name"><c>supervisor</c>, <c>control-plane</c>, or <c>node NAME</c>.</param>
/// <param name="Pid">Process id.</param>
/// <param name="StartTime">When it started, in clock ticks since boot; tells it from a later process of the same id.</param>
/// <param name="Restarts">How often it was started again.</param>
internal sealed record Component(string Name, int Pid, ulong StartTime, int Restarts = 0)
{
    public bool IsAlive => new ProcessIdentity(Pid, StartTime).IsAlive;
}

/// <summary>The platform's processes, as the supervisor writes them down.</summary>
internal sealed record ComponentsFile(IReadOnlyList<Component> Components)
{
    public Component? Supervisor => Components.FirstOrDefault(c => c.Name == Platform.Supervisor.Name);

    /// <summary>Reads the file; null when no supervisor runs.</summary>
    public static ComponentsFile? Find(PlatformSettings settings)
    {
        if (!File.Exists(settings.SupervisorFile))
        {
            return null;
        }

        ComponentsFile? file = JsonSerializer.Deserialize(File.ReadAllText(settings.SupervisorFile), PlatformJson.Default.ComponentsFile);
        return file?.Supervisor is { IsAlive: true } ? file : null;
    }

    public void Save(PlatformSettings settings)
    {
        string temporary = settings.SupervisorFile + ".new";
        File.WriteAllText(temporary, JsonSerializer.Serialize(this, PlatformJson.Default.ComponentsFile));
        File.Move(temporary, settings.SupervisorFile, overwrite: true);
    }
}

/// <summary>
/// Keeps the platform's processes running: starts them, starts them again when they die, and ends them when it is asked to end.
/// If it dies itself they are told by the kernel and end too; machines do not.
/// </summary>
internal sealed class Supervisor(PlatformSettings settings) : IDisposable
{
    public const string Name = "supervisor";

    private static readonly TimeSpan _shortestPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _stopLimit = TimeSpan.FromSeconds(10);

    private readonly ManualResetEventSlim _stop = new();
    private readonly AutoResetEvent _childEnded = new(initialState: false);

    /// <summary>Runs until SIGTERM or SIGINT.</summary>
    public int Run()
    {
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        List<Child> children = [new Child("control-plane", ["control-plane"]), .. settings.NodeNames.Select(n => new Child($"node {n}", ["node", n]))];
        WaitHandle[] events = [_stop.WaitHandle, _childEnded];
        while (!_stop.IsSet)
        {
            TimeSpan pause = Timeout.InfiniteTimeSpan;
            foreach (Child child in children)
            {
                if (child.Exit is { IsCompleted: true })
                {
                    child.Ended();
                }

                if (child.Process is null)
                {
                    TimeSpan wait = child.UntilNextStart();
                    if (wait <= TimeSpan.Zero)
                    {
                        Start(child);
                        Describe(children).Save(settings);
                    }
                    else if (pause == Timeout.InfiniteTimeSpan || wait < pause)
                    {
                        pause = wait;
                    }
                }
            }

            WaitHandle.WaitAny(events, pause);
        }

        // Nodes first: what they report on their way out should still find an API server.
        children.Reverse();
        foreach (Child child in children)
        {
            End(child);
        }

        File.Delete(settings.SupervisorFile);
        return 0;
    }

    public void Dispose()
    {
        _stop.Dispose();
        _childEnded.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _stop.Set();
    }

    private void Start(Child child)
    {
        child.Started(ComponentProcess.Start(settings, child.Name, child.Arguments, newSession: false, boundToCaller: true));
        _ = child.Exit!.ContinueWith(_ => _childEnded.Set(), TaskScheduler.Default);
    }

    private static void End(Child child)
    {
        if (child.Process is not { } process)
        {
            return;
        }

        process.Kill(Signal.Term);
        if (!child.Exit!.Wait(_stopLimit))
        {
            process.Kill();
            child.Exit.Wait(_stopLimit);
        }
    }

    private static ComponentsFile Describe(IEnumerable<Child> children)
    {
        ProcessIdentity self = ProcessIdentity.Current;
        return new ComponentsFile([
            new Component(Name, self.Id, self.StartTime),
            .. children.Where(c => c.Process is not null).Select(c => new Component(c.Name, c.Process!.Identity.Id, c.Process.Identity.StartTime, c.Restarts)),
        ]);
    }

    private sealed class Child(string name, IReadOnlyList<string> arguments)
    {
        private long _started;
        private TimeSpan _pause = TimeSpan.Zero;
        private long _ended;

        public string Name => name;

        public IReadOnlyList<string> Arguments => arguments;

        public ChildProcess? Process { get; private set; }

        public Task<ExitStatus?>? Exit { get; private set; }

        public int Restarts { get; private set; } = -1;

        public void Started(ChildProcess process)
        {
            Process = process;
            Exit = process.WaitForExitAsync(Timeout.InfiniteTimeSpan);
            Restarts++;
            _started = Stopwatch.GetTimestamp();
        }

        /// <summary>A process that keeps dying is started less and less often; one that ran for a while is started again at once.</summary>
        public void Ended()
        {
            bool lasted = Stopwatch.GetElapsedTime(_started) > _longestPause;
            _pause = lasted || _pause == TimeSpan.Zero ? _shortestPause : TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, _longestPause.Ticks));
            _ended = Stopwatch.GetTimestamp();
            Process?.Dispose();
            Process = null;
            Exit = null;
        }

        public TimeSpan UntilNextStart() => _ended == 0 ? TimeSpan.Zero : _pause - Stopwatch.GetElapsedTime(_ended);
    }
}
