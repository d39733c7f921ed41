using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Sockets;

/// <summary>One end of a connection between processes of this host; unix(7). It waits only where a limit is given.</summary>
/// <remarks>The framework's own sockets take longer to be set up than a whole CNI plugin may.</remarks>
public sealed class LocalSocket : IDisposable
{
    private readonly SafeFileHandle _handle;

    internal LocalSocket(SafeFileHandle handle) => _handle = handle;

    /// <summary>The descriptor, to wait for. It belongs to this object.</summary>
    public SafeHandle Handle => _handle;

    /// <summary>Connects to whoever listens at a path. The caller disposes the connection.</summary>
    /// <exception cref="LinuxException">ENOENT: there is no socket; ECONNREFUSED: nobody listens at it; EAGAIN: more wait to be accepted than the listener allows.</exception>
    public static unsafe LocalSocket Connect(string path)
    {
        Libc.LocalAddress address = Libc.LocalAddress.Of(path);
        SafeFileHandle handle = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (handle.IsInvalid || Libc.connect(handle, &address, (uint)sizeof(Libc.LocalAddress)) < 0)
        {
            Errno errno = Libc.LastErrno;
            handle.Dispose();
            throw new LinuxException($"connect to {path}", errno);
        }

        return new LocalSocket(handle);
    }

    /// <summary>Sends everything.</summary>
    /// <exception cref="LinuxException">EPIPE: the other end is closed.</exception>
    /// <exception cref="TimeoutException">The other end did not take it in time.</exception>
    public unsafe void Send(ReadOnlySpan<byte> data, TimeSpan limit)
    {
        while (!data.IsEmpty)
        {
            nint sent;
            fixed (byte* first = data)
            {
                sent = Libc.send(_handle, first, (nuint)data.Length, Libc.MSG_NOSIGNAL);
            }

            if (sent >= 0)
            {
                data = data[(int)sent..];
            }
            else if (Libc.LastErrno == Errno.EAGAIN)
            {
                Wait(Libc.POLLOUT, limit);
            }
            else if (Libc.LastErrno != Errno.EINTR)
            {
                LinuxException.ThrowLast("send to a local socket");
            }
        }
    }

    /// <summary>Receives what is there; waits for something when nothing is.</summary>
    /// <returns>How many bytes; 0 when the other end is closed.</returns>
    /// <exception cref="TimeoutException">Nothing came in time.</exception>
    public int Receive(Span<byte> buffer, TimeSpan limit)
    {
        int received;
        while (!TryReceive(buffer, out received))
        {
            Wait(Libc.POLLIN, limit);
        }

        return received;
    }

    /// <summary>Receives what is there.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="received">How many bytes; 0 when the other end is closed.</param>
    /// <returns>False when nothing is there.</returns>
    public unsafe bool TryReceive(Span<byte> buffer, out int received)
    {
        while (true)
        {
            nint length;
            fixed (byte* first = buffer)
            {
                length = Libc.recvfrom(_handle, first, (nuint)buffer.Length, 0, null, null);
            }

            received = (int)Math.Max(length, 0);
            if (length >= 0 || Libc.LastErrno == Errno.ECONNRESET)
            {
                return true;
            }

            switch (Libc.LastErrno)
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN:
                    return false;
                default:
                    throw new LinuxException("receive from a local socket", Libc.LastErrno);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private unsafe void Wait(short events, TimeSpan limit)
    {
        Libc.PollDescriptor descriptor = new() { Descriptor = (int)_handle.DangerousGetHandle(), Events = events };
        int result = Libc.poll(&descriptor, 1, (int)Math.Min(limit.TotalMilliseconds, int.MaxValue));
        if (result == 0)
        {
            throw new TimeoutException($"no answer within {limit.TotalSeconds:0} s");
        }

        if (result < 0 && Libc.LastErrno != Errno.EINTR)
        {
            LinuxException.ThrowLast("wait for a local socket (poll)");
        }
    }
}
