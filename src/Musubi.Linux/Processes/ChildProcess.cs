using System.Collections;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux.Processes;

/// <summary>A program to start.</summary>
/// <param name="Command">The program, by its whole path, and its arguments.</param>
public sealed record ChildCommand(IReadOnlyList<string> Command)
{
    /// <summary>The environment as <c>NAME=value</c>; null for this process's own.</summary>
    public IReadOnlyList<string>? Environment { get; init; }

    /// <summary>What it reads; null for nothing.</summary>
    public SafeHandle? StandardInput { get; init; }

    /// <summary>Where it writes; null for nowhere.</summary>
    public SafeHandle? StandardOutput { get; init; }

    /// <summary>Where it writes errors; null for nowhere.</summary>
    public SafeHandle? StandardError { get; init; }

    /// <summary>The network namespace it starts in; null for the one this process's first child was started in.</summary>
    public NetworkNamespace? Network { get; init; }

    /// <summary>Descriptors it inherits, under the numbers they have here (<see cref="ChildProcess.NumberOf"/>).</summary>
    public IReadOnlyList<SafeHandle> Inherited { get; init; } = [];
}

/// <summary>How a process ended.</summary>
/// <param name="Code">Its exit code, or 128 plus the signal's number.</param>
/// <param name="Signal">The signal that ended it.</param>
public readonly record struct ExitStatus(int Code, int? Signal)
{
    /// <summary>Whether it ended by itself with code 0.</summary>
    public bool IsSuccess => Code == 0;

    /// <summary>For messages.</summary>
    public override string ToString() => Signal is { } signal ? $"killed by signal {signal} ({(Signal)signal})" : $"exit code {Code}";
}

/// <summary>
/// A program started by this process; posix_spawn(3). Unlike .NET's own it inherits exactly the descriptors named, so that none is open to programs
/// started at the same moment, and it is started by a thread that lives as long as this process: a parent death signal
/// (<see cref="ExecPlan.ParentDeathSignal"/>) is sent when the starting <em>thread</em> ends, and pool threads do.
/// </summary>
public sealed class ChildProcess : IDisposable
{
    private readonly SafeFileHandle _descriptor;
    private readonly Lock _gate = new();
    private ExitStatus? _status;

    private ChildProcess(ProcessIdentity identity, SafeFileHandle descriptor)
    {
        Identity = identity;
        _descriptor = descriptor;
    }

    /// <summary>The process.</summary>
    public ProcessIdentity Identity { get; }

    /// <summary>Starts a program. The caller disposes the object, which does not end the process; until it was waited for it stays a zombie.</summary>
    /// <exception cref="LinuxException">ENOENT: there is no such program; EACCES: it is not executable.</exception>
    public static ChildProcess Start(ChildCommand command)
    {
        if (command.Command.Count == 0)
        {
            throw new ArgumentException("There is no program to start.", nameof(command));
        }

        int pid = StarterThread.Run(() => command.Network is { } network ? network.Visit(() => Spawn(command)) : Spawn(command));

        // The child cannot be gone before it is waited for, so number and descriptor mean the same process.
        SafeFileHandle descriptor = Libc.pidfd_open(pid);
        if (descriptor.IsInvalid)
        {
            LinuxException.ThrowLast($"open process {pid} (pidfd_open)");
        }

        return new ChildProcess(
            ProcessIdentity.Find(pid) ?? throw new LinuxException($"read /proc/{pid}/stat", Errno.ENOENT, "is /proc mounted?"),
            descriptor);
    }

    /// <summary>The number of a descriptor, by which an inherited one is named in the program's arguments.</summary>
    public static int NumberOf(SafeHandle descriptor)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, descriptor);
        return (int)descriptor.DangerousGetHandle();
    }

    /// <summary>Sends a signal; answers false when it has ended.</summary>
    public bool Kill(Signal signal = Signal.Kill)
    {
        lock (_gate)
        {
            if (_status is not null)
            {
                return false;
            }

            return Libc.pidfd_send_signal(_descriptor, (int)signal) >= 0
                || (Libc.LastErrno == Errno.ESRCH ? false : throw new LinuxException($"send {signal} to process {Identity.Id}", Libc.LastErrno));
        }
    }

    /// <summary>Waits on this thread until the program ended; answers null when it still runs after the limit.</summary>
    public ExitStatus? WaitForExit(TimeSpan limit)
    {
        DescriptorEvents.WaitReadable(_descriptor, limit);
        return TryReap();
    }

    /// <summary>Waits until the program ended; answers null when it still runs after the limit.</summary>
    public async Task<ExitStatus?> WaitForExitAsync(TimeSpan limit, CancellationToken ct = default)
    {
        if (TryReap() is { } ended)
        {
            return ended;
        }

        using CancellationTokenSource limited = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limited.CancelAfter(limit);
        try
        {
            await DescriptorEvents.WaitReadableAsync(_descriptor, limited.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return TryReap();
        }

        return TryReap();
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private unsafe ExitStatus? TryReap()
    {
        const int CLD_EXITED = 1;
        lock (_gate)
        {
            if (_status is not null)
            {
                return _status;
            }

            Libc.SignalInfo info = default;
            if (Libc.waitid(Libc.P_PIDFD, _descriptor, &info, Libc.WEXITED | Libc.WNOHANG) < 0)
            {
                LinuxException.ThrowLast($"wait for process {Identity.Id} (waitid)");
            }

            if (info.Pid != 0)
            {
                _status = info.Code == CLD_EXITED ? new ExitStatus(info.Status, null) : new ExitStatus(128 + info.Status, info.Status);
            }

            return _status;
        }
    }

    private static unsafe int Spawn(ChildCommand command)
    {
        // Both structures are smaller than this in every C library.
        const int OpaqueSize = 1024;
        byte* actions = stackalloc byte[OpaqueSize];
        byte* attributes = stackalloc byte[OpaqueSize];
        List<SafeHandle> held = [];
        _ = Libc.posix_spawn_file_actions_init(actions);
        _ = Libc.posix_spawnattr_init(attributes);
        try
        {
            Libc.SignalSet all = new() { Bits = ulong.MaxValue };
            Libc.SignalSet none = default;
            Check(Libc.posix_spawnattr_setsigdefault(attributes, &all), command);
            Check(Libc.posix_spawnattr_setsigmask(attributes, &none), command);
            Check(Libc.posix_spawnattr_setflags(attributes, Libc.POSIX_SPAWN_SETSIGDEF | Libc.POSIX_SPAWN_SETSIGMASK), command);
            Standard(actions, command, command.StandardInput, 0, Libc.O_RDONLY, held);
            Standard(actions, command, command.StandardOutput, 1, Libc.O_WRONLY, held);
            Standard(actions, command, command.StandardError, 2, Libc.O_WRONLY, held);
            foreach (SafeHandle handle in command.Inherited)
            {
                int number = Hold(handle, held);
                Check(Libc.posix_spawn_file_actions_adddup2(actions, number, number), command);
            }

            using StringArray arguments = new(command.Command);
            using StringArray environment = new(command.Environment ?? OwnEnvironment());
            int pid;
            Check(Libc.posix_spawn(&pid, command.Command[0], actions, attributes, arguments.Pointer, environment.Pointer), command);
            return pid;
        }
        finally
        {
            foreach (SafeHandle handle in held)
            {
                handle.DangerousRelease();
            }

            _ = Libc.posix_spawnattr_destroy(attributes);
            _ = Libc.posix_spawn_file_actions_destroy(actions);
        }
    }

    private static unsafe void Standard(byte* actions, ChildCommand command, SafeHandle? handle, int number, int flags, List<SafeHandle> held) =>
        Check(
            handle is null
                ? Libc.posix_spawn_file_actions_addopen(actions, number, "/dev/null", flags, 0)
                : Libc.posix_spawn_file_actions_adddup2(actions, Hold(handle, held), number),
            command);

    private static int Hold(SafeHandle handle, List<SafeHandle> held)
    {
        bool added = false;
        handle.DangerousAddRef(ref added);
        held.Add(handle);
        return (int)handle.DangerousGetHandle();
    }

    private static void Check(int errno, ChildCommand command)
    {
        if (errno != 0)
        {
            throw new LinuxException($"start {command.Command[0]}", (Errno)errno);
        }
    }

    private static List<string> OwnEnvironment()
    {
        List<string> variables = [];
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            variables.Add($"{variable.Key}={variable.Value}");
        }

        return variables;
    }
}
