using System.Diagnostics.CodeAnalysis;
using Musubi.Linux.Cgroups;
using Musubi.Linux.Interop;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux.Processes;

/// <summary>
/// What a process does to itself before it becomes another program: it enters a namespace and a cgroup, gives up rights, and execve()s. Who starts a
/// program this way runs a small native program first, which reads the plan from its arguments (<see cref="TryParse"/>).
/// </summary>
/// <remarks>ExecPlan.Arguments.cs has the plan as arguments.</remarks>
public sealed partial record ExecPlan
{
    /// <summary>The program, by its whole path, and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>The network namespace to enter.</summary>
    public string? NetworkNamespacePath { get; init; }

    /// <summary>The cgroup to join, as given to <see cref="Cgroup.Create"/>.</summary>
    public string? CgroupPath { get; init; }

    /// <summary>Whether to lead a new session, without terminal.</summary>
    public bool NewSession { get; init; }

    /// <summary>The user to become.</summary>
    public uint? UserId { get; init; }

    /// <summary>The group to become.</summary>
    public uint? GroupId { get; init; }

    /// <summary>The other groups to be in; null keeps those there are.</summary>
    public IReadOnlyList<uint>? SupplementaryGroups { get; init; }

    /// <summary>Whether the program can never gain rights, by set-user-id programs or file capabilities.</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary>The signal to get when the starter ends. That is the thread that started it: see <see cref="ChildProcess"/>.</summary>
    public Signal? ParentDeathSignal { get; init; }

    /// <summary>The starter. With <see cref="ParentDeathSignal"/>, nothing is executed when it ended before the signal was set up.</summary>
    public int? ParentId { get; init; }

    /// <summary>Descriptors that the program inherits besides the standard three.</summary>
    public IReadOnlyList<int> KeepDescriptors { get; init; } = [];

    /// <summary>The directory to change to.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>Becomes the program. It keeps the environment this process was started with; signals are as in a fresh process.</summary>
    /// <exception cref="LinuxException">A step failed. The process must end then: earlier steps are not undone.</exception>
    [DoesNotReturn]
    public void Execute()
    {
        if (Command.Count == 0)
        {
            throw new InvalidOperationException("There is no program to execute.");
        }

        if (NetworkNamespacePath is { } path)
        {
            using NetworkNamespace network = NetworkNamespace.Open(path);
            network.Enter();
        }

        if (CgroupPath is { } cgroup)
        {
            Cgroup.Open(cgroup).AddProcess(Environment.ProcessId);
        }

        if (NewSession && Libc.setsid() < 0)
        {
            LinuxException.ThrowLast("start a session (setsid)");
        }

        if (WorkingDirectory is { } directory && Libc.chdir(directory) < 0)
        {
            LinuxException.ThrowLast($"change to directory {directory}");
        }

        GiveUpRights();
        DieWithParent();
        foreach (int descriptor in KeepDescriptors)
        {
            if (Libc.fcntl(descriptor, Libc.F_SETFD, 0) < 0)
            {
                LinuxException.ThrowLast($"keep descriptor {descriptor} open");
            }
        }

        ResetSignals();
        Replace();
    }

    private unsafe void GiveUpRights()
    {
        if (SupplementaryGroups is { } groups)
        {
            uint[] list = [.. groups];
            fixed (uint* first = list)
            {
                if (Libc.setgroups((nuint)list.Length, first) < 0)
                {
                    LinuxException.ThrowLast($"set the groups {string.Join(',', list)} (setgroups)");
                }
            }
        }

        if (GroupId is { } group && Libc.setresgid(group, group, group) < 0)
        {
            LinuxException.ThrowLast($"become group {group} (setresgid)");
        }

        if (UserId is { } user && Libc.setresuid(user, user, user) < 0)
        {
            LinuxException.ThrowLast($"become user {user} (setresuid)");
        }

        if (NoNewPrivileges && Libc.prctl(Libc.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        {
            LinuxException.ThrowLast("give up new privileges (PR_SET_NO_NEW_PRIVS)");
        }
    }

    private void DieWithParent()
    {
        // After the change of user, which clears it.
        if (ParentDeathSignal is not { } signal)
        {
            return;
        }

        if (Libc.prctl(Libc.PR_SET_PDEATHSIG, (nuint)signal, 0, 0, 0) < 0)
        {
            LinuxException.ThrowLast("set the parent death signal (PR_SET_PDEATHSIG)");
        }

        if (ParentId is { } parent && Libc.getppid() != parent)
        {
            throw new LinuxException($"execute {Command[0]}", Errno.ESRCH, $"process {parent}, which started this one, has ended");
        }
    }

    /// <summary>Ignored and blocked signals outlive execve(2), and the .NET runtime ignores some.</summary>
    private static unsafe void ResetSignals()
    {
        const int SIG_SETMASK = 2;
        const int Highest = 31;
        for (int signal = 1; signal <= Highest; signal++)
        {
            if ((Signal)signal is not (Signal.Kill or Signal.Stop))
            {
                _ = Libc.signal(signal, 0);
            }
        }

        Libc.SignalSet none = default;
        _ = Libc.sigprocmask(SIG_SETMASK, &none, null);
    }

    [DoesNotReturn]
    private unsafe void Replace()
    {
        using StringArray arguments = new(Command);
        _ = Libc.execv(Command[0], arguments.Pointer);
        LinuxException.ThrowLast($"execute {Command[0]}");
    }
}
