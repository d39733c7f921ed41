using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Sockets;

/// <summary>Takes connections of processes of this host; unix(7). It never waits.</summary>
public sealed class LocalListener : IDisposable
{
    private const int Backlog = 128;
    private const uint OwnerOnly = 0b001_111_111; // umask: what group and others, and executing, are denied

    private readonly SafeFileHandle _handle;

    private LocalListener(SafeFileHandle handle) => _handle = handle;

    /// <summary>The descriptor, to wait for. It belongs to this object.</summary>
    public SafeHandle Handle => _handle;

    /// <summary>Listens at a path, where only the owner may connect. The caller disposes the listener, and deletes the file.</summary>
    /// <exception cref="LinuxException">EADDRINUSE: there is a file at the path.</exception>
    public static unsafe LocalListener Bind(string path)
    {
        Libc.LocalAddress address = Libc.LocalAddress.Of(path);
        SafeFileHandle handle = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        uint before = Libc.umask(OwnerOnly);
        bool bound = !handle.IsInvalid && Libc.bind(handle, &address, (uint)sizeof(Libc.LocalAddress)) == 0;
        Errno errno = Libc.LastErrno;
        _ = Libc.umask(before);
        if (!bound || Libc.listen(handle, Backlog) < 0)
        {
            errno = bound ? Libc.LastErrno : errno;
            handle.Dispose();
            throw new LinuxException($"listen at {path}", errno);
        }

        return new LocalListener(handle);
    }

    /// <summary>Takes over a listening socket that this process was started with, as systemd hands it. The caller disposes the listener.</summary>
    public static LocalListener Inherited(int descriptor)
    {
        if (Libc.fcntl(descriptor, Libc.F_SETFD, Libc.FD_CLOEXEC) < 0 || Libc.fcntl(descriptor, Libc.F_SETFL, Libc.O_NONBLOCK) < 0)
        {
            LinuxException.ThrowLast($"take over descriptor {descriptor}");
        }

        return new LocalListener(new SafeFileHandle(descriptor, ownsHandle: true));
    }

    /// <summary>The next connection that waits, or null. The caller disposes it.</summary>
    public unsafe LocalSocket? TryAccept()
    {
        while (true)
        {
            SafeFileHandle handle = Libc.accept4(_handle, null, null, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);
            if (!handle.IsInvalid)
            {
                return new LocalSocket(handle);
            }

            Errno errno = Libc.LastErrno;
            handle.Dispose();
            switch (errno)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    return null;
                default:
                    throw new LinuxException("accept a connection", errno);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
