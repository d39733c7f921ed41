using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;
using Musubi.Linux.Processes;

namespace Musubi.Linux.Netlink;

/// <summary>Watches multicast groups of a namespace: first all there is, then each change, and all again when the kernel had to drop changes.</summary>
internal static class RouteMonitor
{
    private const int ReceiveSize = 64 * 1024;

    /// <summary>Room for many changes, so that a busy reader seldom loses one.</summary>
    private const int KernelBuffer = 4 * 1024 * 1024;

    /// <param name="network">A socket of the namespace.</param>
    /// <param name="groups">The multicast groups.</param>
    /// <param name="list">Reads all there is.</param>
    /// <param name="parse">Reads one.</param>
    /// <param name="removal">The message type that tells of a removal.</param>
    /// <param name="ct">Ends the watch.</param>
    internal static async IAsyncEnumerable<RouteEvent<T>> WatchAsync<T>(
        NetlinkSocket network,
        int[] groups,
        Func<IReadOnlyList<T>> list,
        MessageParser<T> parse,
        ushort removal,
        [EnumeratorCancellation] CancellationToken ct)
    {
        using SafeFileHandle socket = Subscribe(network, groups);
        byte[] buffer = GC.AllocateUninitializedArray<byte>(ReceiveSize);
        Queue<RouteEvent<T>> events = new();

        // What changed between subscribing and listing is told once more, which does no harm.
        yield return new RouteEvent<T>(RouteEventKind.Snapshot, list());
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            bool isComplete = Receive(socket, buffer, parse, removal, events, out bool isEmpty);
            if (!isComplete)
            {
                events.Clear();
                Drain(socket, buffer);
                yield return new RouteEvent<T>(RouteEventKind.Snapshot, list());
                continue;
            }

            while (events.TryDequeue(out RouteEvent<T> change))
            {
                yield return change;
            }

            if (isEmpty)
            {
                await DescriptorEvents.WaitReadableAsync(socket, ct);
            }
        }
    }

    /// <summary>A socket in the same namespace as another one, whoever disposed the object by which that was opened.</summary>
    private static unsafe SafeFileHandle Subscribe(NetlinkSocket network, int[] groups)
    {
        int descriptor = Libc.ioctl(network.Handle, Libc.SIOCGSKNS, null);
        if (descriptor < 0)
        {
            LinuxException.ThrowLast("find the namespace of a netlink socket (SIOCGSKNS)");
        }

        using Namespaces.NetworkNamespace of = Namespaces.NetworkNamespace.Of(new SafeFileHandle(descriptor, ownsHandle: true));
        SafeFileHandle socket = NetlinkSocket.OpenHandle(of, network.Protocol);
        try
        {
            NetlinkSocket.SetOption(socket, Libc.SOL_SOCKET, Libc.SO_RCVBUFFORCE, KernelBuffer);

            // Without an address of its own the socket would look like the kernel, which does not send to itself.
            Libc.NetlinkAddress any = new() { Family = Libc.AF_NETLINK };
            if (Libc.bind(socket, &any, (uint)sizeof(Libc.NetlinkAddress)) < 0)
            {
                LinuxException.ThrowLast("bind a netlink socket");
            }

            foreach (int group in groups)
            {
                NetlinkSocket.SetOption(socket, Libc.SOL_NETLINK, NetlinkProtocol.NETLINK_ADD_MEMBERSHIP, group);
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Reads one datagram; false when changes were lost.</summary>
    private static unsafe bool Receive<T>(
        SafeFileHandle socket,
        byte[] buffer,
        MessageParser<T> parse,
        ushort removal,
        Queue<RouteEvent<T>> events,
        out bool isEmpty)
    {
        isEmpty = false;
        Libc.NetlinkAddress sender = default;
        uint senderSize = (uint)sizeof(Libc.NetlinkAddress);
        nint length;
        fixed (byte* data = buffer)
        {
            length = Libc.recvfrom(socket, data, (nuint)buffer.Length, Libc.MSG_TRUNC | Libc.MSG_DONTWAIT, &sender, &senderSize);
        }

        if (length < 0)
        {
            switch (Libc.LastErrno)
            {
                case Errno.EAGAIN:
                    isEmpty = true;
                    return true;
                case Errno.EINTR:
                    return true;
                case Errno.ENOBUFS:
                    return false;
                default:
                    throw new NetlinkException("watch the kernel", null, Libc.LastErrno);
            }
        }

        if (length > buffer.Length)
        {
            return false;
        }

        if (sender.Port != 0)
        {
            return true;
        }

        NetlinkMessageReader messages = new(buffer.AsSpan(0, (int)length));
        while (messages.TryRead(out NetlinkMessage message))
        {
            if (parse(message, out T? item))
            {
                events.Enqueue(new RouteEvent<T>(message.Type == removal ? RouteEventKind.Removed : RouteEventKind.Changed, [item]));
            }
        }

        return true;
    }

    /// <summary>Throws away what waits: older than the list that is read next.</summary>
    private static unsafe void Drain(SafeFileHandle socket, byte[] buffer)
    {
        fixed (byte* data = buffer)
        {
            while (Libc.recvfrom(socket, data, (nuint)buffer.Length, Libc.MSG_TRUNC | Libc.MSG_DONTWAIT, null, null) >= 0
                || Libc.LastErrno is Errno.ENOBUFS or Errno.EINTR)
            {
            }
        }
    }
}
