using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Files;

/// <summary>An exclusive flock(2) on a file: what other programs that lock the same file with flock wait for. Gone with the process.</summary>
public sealed class FileLock : IDisposable
{
    private readonly SafeFileHandle _handle;

    private FileLock(SafeFileHandle handle) => _handle = handle;

    /// <summary>Takes the lock, creating the file where it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mode">Permissions of a file that is created.</param>
    /// <param name="limit">How long another holder is waited for.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="TimeoutException">Somebody else held the lock all the time.</exception>
    public static FileLock Acquire(string path, UnixFileMode mode, TimeSpan limit, CancellationToken ct = default)
    {
        SafeFileHandle handle = Libc.open(path, Libc.O_RDONLY | Libc.O_CREAT | Libc.O_CLOEXEC, (uint)mode);
        if (handle.IsInvalid)
        {
            handle.Dispose();
            LinuxException.ThrowLast($"open {path}");
        }

        long start = Stopwatch.GetTimestamp();
        for (int wait = 1; Libc.flock(handle, Libc.LOCK_EX | Libc.LOCK_NB) != 0; wait = Math.Min(wait * 2, 8))
        {
            Errno errno = Libc.LastErrno;
            if (errno is not (Errno.EAGAIN or Errno.EINTR) || Stopwatch.GetElapsedTime(start) > limit)
            {
                handle.Dispose();
                throw errno is Errno.EAGAIN
                    ? new TimeoutException($"flock {path}: held by another process for more than {limit.TotalSeconds:0} s")
                    : new LinuxException($"flock {path}", errno);
            }

            // flock(2) cannot wait with a limit, so it is asked again, a little later each time.
            if (ct.WaitHandle.WaitOne(wait))
            {
                handle.Dispose();
                ct.ThrowIfCancellationRequested();
            }
        }

        return new FileLock(handle);
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose() => _handle.Dispose();
}
