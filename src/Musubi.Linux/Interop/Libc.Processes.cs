using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Musubi.Linux.Interop;

/// <summary>Processes, signals and waiting.</summary>
internal static unsafe partial class Libc
{
    internal const int EFD_CLOEXEC = O_CLOEXEC;
    internal const int EFD_NONBLOCK = O_NONBLOCK;
    internal const short POLLIN = 1;
    internal const short POLLOUT = 4;

    internal const int PR_SET_PDEATHSIG = 1;
    internal const int PR_SET_NO_NEW_PRIVS = 38;

    internal const int P_PIDFD = 3;
    internal const int WNOHANG = 1;
    internal const int WEXITED = 4;

    internal const short POSIX_SPAWN_SETSIGDEF = 0x04;
    internal const short POSIX_SPAWN_SETSIGMASK = 0x08;

    private const nint SYS_pidfd_send_signal = 424;
    private const nint SYS_pidfd_open = 434;

    /// <summary>pidfd_open(2); always close-on-exec.</summary>
    internal static SafeFileHandle pidfd_open(int pid) => new((nint)syscall(SYS_pidfd_open, pid, 0, 0, 0), ownsHandle: true);

    /// <summary>pidfd_send_signal(2)</summary>
    internal static int pidfd_send_signal(SafeFileHandle pidfd, int signal)
    {
        bool added = false;
        try
        {
            pidfd.DangerousAddRef(ref added);
            return (int)syscall(SYS_pidfd_send_signal, pidfd.DangerousGetHandle(), signal, 0, 0);
        }
        finally
        {
            if (added)
            {
                pidfd.DangerousRelease();
            }
        }
    }

    /// <summary>waitid(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int waitid(int type, SafeHandle id, SignalInfo* info, int options);

    /// <summary>eventfd(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial SafeFileHandle eventfd(uint initial, int flags);

    /// <summary>poll(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int poll(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);

    internal const int F_SETFD = 2;
    internal const int F_SETFL = 4;
    internal const int FD_CLOEXEC = 1;

    /// <summary>fcntl(2), for the commands that take a number.</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int fcntl(int fd, int command, int argument);

    /// <summary>kill(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int kill(int pid, int signal);

    /// <summary>getppid(2)</summary>
    [LibraryImport(Library)]
    internal static partial int getppid();

    /// <summary>setsid(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setsid();

    /// <summary>setgroups(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setgroups(nuint count, uint* groups);

    /// <summary>setresgid(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setresgid(uint real, uint effective, uint saved);

    /// <summary>setresuid(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setresuid(uint real, uint effective, uint saved);

    /// <summary>prctl(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    /// <summary>signal(2), to restore what a signal does by default (0).</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint signal(int signal, nint handler);

    /// <summary>sigprocmask(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int sigprocmask(int how, SignalSet* set, SignalSet* old);

    /// <summary>chdir(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int chdir(string path);

    /// <summary>execv(3): the new program keeps the environment this process was started with.</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int execv(string path, byte** arguments);

    /// <summary>execve(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int execve(string path, byte** arguments, byte** environment);

    /// <summary>posix_spawn(3); answers an error number, not -1.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int posix_spawn(int* pid, string path, void* fileActions, void* attributes, byte** arguments, byte** environment);

    /// <summary>posix_spawn_file_actions_init(3)</summary>
    [LibraryImport(Library)]
    internal static partial int posix_spawn_file_actions_init(void* fileActions);

    /// <summary>posix_spawn_file_actions_destroy(3)</summary>
    [LibraryImport(Library)]
    internal static partial int posix_spawn_file_actions_destroy(void* fileActions);

    /// <summary>posix_spawn_file_actions_adddup2(3); on one and the same number it makes the child inherit it.</summary>
    [LibraryImport(Library)]
    internal static partial int posix_spawn_file_actions_adddup2(void* fileActions, int from, int to);

    /// <summary>posix_spawn_file_actions_addopen(3)</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int posix_spawn_file_actions_addopen(void* fileActions, int fd, string path, int flags, uint mode);

    /// <summary>posix_spawnattr_init(3)</summary>
    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_init(void* attributes);

    /// <summary>posix_spawnattr_destroy(3)</summary>
    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_destroy(void* attributes);

    /// <summary>posix_spawnattr_setflags(3)</summary>
    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_setflags(void* attributes, short flags);

    /// <summary>posix_spawnattr_setsigdefault(3)</summary>
    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_setsigdefault(void* attributes, SignalSet* signals);

    /// <summary>posix_spawnattr_setsigmask(3)</summary>
    [LibraryImport(Library)]
    internal static partial int posix_spawnattr_setsigmask(void* attributes, SignalSet* signals);

    /// <summary>syscall(2), for system calls that older C libraries have no function for.</summary>
    [LibraryImport(Library, SetLastError = true)]
    private static partial nint syscall(nint number, nint argument1, nint argument2, nint argument3, nint argument4);

    /// <summary>struct pollfd</summary>
    internal struct PollDescriptor
    {
        internal int Descriptor;
        internal short Events;
        internal short Result;
    }

    /// <summary>siginfo_t of a child that ended, as far as it is read.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    internal struct SignalInfo
    {
        [FieldOffset(8)] internal int Code;
        [FieldOffset(16)] internal int Pid;
        [FieldOffset(24)] internal int Status;
    }

    /// <summary>sigset_t: one bit for each signal.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 128)]
    internal struct SignalSet
    {
        internal ulong Bits;
    }
}
