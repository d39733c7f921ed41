using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux.Netlink;

/// <summary>
/// A netlink socket for requests; netlink(7). The kernel handles a request inside send(2), so the answer is waiting when that returns;
/// the receive timeout is only the limit for a kernel that does not answer.
/// </summary>
/// <remarks>One exchange at a time: whoever uses the socket holds <see cref="Gate"/>.</remarks>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    /// <summary>What the kernel fills at most per part of a dump.</summary>
    private const int ReceiveSize = 32 * 1024;

    private const int AnswerLimitSeconds = 10;

    private readonly SafeFileHandle _handle;
    private byte[] _received = GC.AllocateUninitializedArray<byte>(ReceiveSize);
    private uint _sequence;
    private int _reserved;

    private NetlinkSocket(SafeFileHandle handle, int protocol)
    {
        _handle = handle;
        Protocol = (ushort)protocol;
    }

    internal Lock Gate { get; } = new();

    internal ushort Protocol { get; }

    internal SafeFileHandle Handle => _handle;

    internal static NetlinkSocket Open(NetworkNamespace? network, int protocol)
    {
        SafeFileHandle handle = OpenHandle(network, protocol);
        try
        {
            SetOption(handle, Libc.SOL_NETLINK, NetlinkProtocol.NETLINK_EXT_ACK, 1);
            SetOption(handle, Libc.SOL_NETLINK, NetlinkProtocol.NETLINK_CAP_ACK, 1);
            SetOption(handle, Libc.SOL_NETLINK, NetlinkProtocol.NETLINK_GET_STRICT_CHK, 1);
            SetOption(handle, Libc.SOL_SOCKET, Libc.SO_RCVTIMEO, new Libc.TimeVal { Seconds = AnswerLimitSeconds });
            return new NetlinkSocket(handle, protocol);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>A close-on-exec netlink socket without options. The caller disposes it.</summary>
    internal static SafeFileHandle OpenHandle(NetworkNamespace? network, int protocol)
    {
        SafeFileHandle Open() => Libc.socket(Libc.AF_NETLINK, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, protocol) is { IsInvalid: false } handle
            ? handle
            : throw new LinuxException($"open a netlink socket (protocol {protocol})", Libc.LastErrno);
        return network is null ? Open() : network.Visit(Open);
    }

    internal static void SetOption<T>(SafeFileHandle handle, int level, int option, T value)
        where T : unmanaged
    {
        if (Libc.setsockopt(handle, level, option, &value, (uint)sizeof(T)) < 0)
        {
            LinuxException.ThrowLast($"set socket option {option}");
        }
    }

    /// <summary>Makes room for a request that the usual socket buffers may not hold, and for its echo.</summary>
    internal void Reserve(int bytes)
    {
        const int UsualBuffer = 128 * 1024;
        if (bytes > Math.Max(UsualBuffer / 2, _reserved))
        {
            _reserved = bytes;
            SetOption(_handle, Libc.SOL_SOCKET, Libc.SO_SNDBUFFORCE, 2 * bytes);
            SetOption(_handle, Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, 8 * bytes);
        }
    }

    /// <summary>Numbers the messages and sends them with one system call; answers the first one's number.</summary>
    internal uint Send(Span<byte> messages, object? subject)
    {
        uint first = _sequence + 1;
        for (int start = 0; start < messages.Length;)
        {
            ref NetlinkHeader header = ref MemoryMarshal.AsRef<NetlinkHeader>(messages[start..]);
            header.Sequence = ++_sequence;
            start += NetlinkProtocol.Align((int)header.Length);
        }

        fixed (byte* data = messages)
        {
            while (Libc.send(_handle, data, (nuint)messages.Length, 0) < 0)
            {
                if (Libc.LastErrno != Errno.EINTR)
                {
                    ushort type = MemoryMarshal.Read<NetlinkHeader>(messages).Type;
                    throw new NetlinkException(MessageNames.Of(Protocol, type), subject, Libc.LastErrno, "the request could not be sent");
                }
            }
        }

        return first;
    }

    /// <summary>
    /// Receives a datagram from the kernel. When it does not fit, a larger buffer is made for the next one, <paramref name="truncated"/> says so,
    /// and the request has to be repeated.
    /// </summary>
    internal ReadOnlySpan<byte> Receive(out bool truncated)
    {
        while (true)
        {
            Libc.NetlinkAddress sender = default;
            uint senderSize = (uint)sizeof(Libc.NetlinkAddress);
            nint length;
            fixed (byte* data = _received)
            {
                length = Libc.recvfrom(_handle, data, (nuint)_received.Length, Libc.MSG_TRUNC, &sender, &senderSize);
            }

            if (length < 0)
            {
                Errno errno = Libc.LastErrno;
                if (errno == Errno.EINTR)
                {
                    continue;
                }

                throw errno == Errno.EAGAIN
                    ? new NetlinkException("receive from the kernel", null, Errno.ETIMEDOUT, $"no answer within {AnswerLimitSeconds} s")
                    : new NetlinkException("receive from the kernel", null, errno);
            }

            // Only the kernel has port 0; other senders are processes, to whom nothing was asked.
            if (sender.Port != 0)
            {
                continue;
            }

            truncated = length > _received.Length;
            if (truncated)
            {
                _received = GC.AllocateUninitializedArray<byte>((int)length);
                return default;
            }

            return _received.AsSpan(0, (int)length);
        }
    }

    public void Dispose() => _handle.Dispose();
}
