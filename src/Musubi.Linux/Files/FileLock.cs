using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Files;

/// <summary>An exclusive flock(2) on a file: what other programs that lock the same file with flock wait for. Gone with the process.</summary>
public sealed class FileLock : IDisposable
{
    private readonly SafeFileHandle _handle;

    private FileLock(SafeFileHandle handle) => _handle = handle;

    /// <summary>Takes the lock.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">Permissions of a file that is created where it is missing; null when it must be there.</param>
    /// <param name="limit">How long another holder is waited for.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="TimeoutException">Somebody else held the lock all the time.</exception>
    public static FileLock Acquire(string path, UnixFileMode? mode, TimeSpan limit, CancellationToken ct = default)
    {
        SafeFileHandle handle = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC | (mode is null ? 0 : Libc.O_CREAT), (uint)(mode ?? UnixFileMode.None));
        if (handle.IsInvalid)
        {
            handle.Dispose();
            LinuxException.ThrowLast($"open {path}");
        }

        if (Libc.flock(handle, Libc.LOCK_EX | Libc.LOCK_NB) == 0)
        {
            return new FileLock(handle);
        }

        if (Libc.LastErrno != Errno.EAGAIN)
        {
            Errno errno = Libc.LastErrno;
            handle.Dispose();
            throw new LinuxException($"flock {path}", errno);
        }

        return new Waiter(handle, path).Wait(limit, ct);
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose() => _handle.Dispose();

    /// <summary>
    /// flock(2) waits without a limit, so a thread of its own waits, in the kernel's queue and woken by it. When nobody wants the lock any more
    /// the thread gives it back as soon as it has it.
    /// </summary>
    private sealed class Waiter(SafeFileHandle handle, string path)
    {
        private readonly TaskCompletionSource<Errno> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _gate = new();
        private bool _abandoned;

        public FileLock Wait(TimeSpan limit, CancellationToken ct)
        {
            new Thread(Lock, maxStackSize: 128 * 1024) { IsBackground = true, Name = "file lock" }.Start();
            bool done = false;
            try
            {
                done = _done.Task.Wait(limit, ct);
            }
            finally
            {
                if (!done)
                {
                    Abandon();
                }
            }

            if (!done)
            {
                throw new TimeoutException($"flock {path}: held by another process for more than {limit.TotalSeconds:0} s");
            }

            if (_done.Task.Result is not Errno.None and var errno)
            {
                handle.Dispose();
                throw new LinuxException($"flock {path}", errno);
            }

            return new FileLock(handle);
        }

        private void Abandon()
        {
            lock (_gate)
            {
                _abandoned = true;
                if (_done.Task.IsCompleted)
                {
                    handle.Dispose();
                }
            }
        }

        private void Lock()
        {
            Errno result;
            do
            {
                result = Libc.flock(handle, Libc.LOCK_EX) == 0 ? Errno.None : Libc.LastErrno;
            }
            while (result == Errno.EINTR);

            lock (_gate)
            {
                _done.SetResult(result);
                if (_abandoned)
                {
                    handle.Dispose();
                }
            }
        }
    }
}
