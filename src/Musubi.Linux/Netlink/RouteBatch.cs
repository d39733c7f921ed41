using System.Runtime.InteropServices;

namespace Musubi.Linux.Netlink;

/// <summary>
/// Changes that are sent with one system call and acknowledged together. They are made one after another, not as a transaction: the kernel goes on after
/// a refused one, and <see cref="Commit"/> then throws for the first.
/// </summary>
public sealed partial class RouteBatch
{
    // As many answers as the default receive buffer holds for sure, and far less than the send buffer.
    private const int MostRequestsAtOnce = 64;
    private const int MostBytesAtOnce = 64 * 1024;

    private readonly RouteSocket _route;
    private readonly List<Request> _requests = [];
    private byte[] _messages = [];
    private int _length;

    internal RouteBatch(RouteSocket route) => _route = route;

    /// <summary>How many changes wait.</summary>
    public int Count => _requests.Count;

    /// <summary>Lets the change added last fail with this error without failing the batch.</summary>
    public RouteBatch Tolerate(Errno errno)
    {
        Request last = _requests[^1];
        if (last.Tolerated == Errno.None)
        {
            _requests[^1] = last with { Tolerated = errno };
        }
        else
        {
            _requests[^1] = last with { AlsoTolerated = errno };
        }

        return this;
    }

    /// <summary>Sends the changes and waits for their acknowledgements; afterwards the batch is empty.</summary>
    /// <exception cref="NetlinkException">
    /// For the first change that was refused; <see cref="NetlinkException.RequestIndex"/> says which. The others were attempted nevertheless.
    /// </exception>
    public void Commit()
    {
        NetlinkException? failure = null;
        lock (_route.Socket.Gate)
        {
            int start = 0;
            for (int first = 0; first < _requests.Count;)
            {
                int next = first;
                int end = start;
                do
                {
                    end = _requests[next++].End;
                }
                while (next < _requests.Count && next - first < MostRequestsAtOnce && _requests[next].End - start <= MostBytesAtOnce);

                failure = Exchange(_messages.AsSpan(start, end - start), first, next - first) is { } refused ? failure ?? refused : failure;
                start = end;
                first = next;
            }
        }

        _requests.Clear();
        _length = 0;
        if (failure is not null)
        {
            throw failure;
        }
    }

    private NetlinkException? Exchange(Span<byte> messages, int firstRequest, int count)
    {
        NetlinkSocket socket = _route.Socket;
        uint sequence = socket.Send(messages, _requests[firstRequest].Subject);
        NetlinkException? failure = null;
        for (int open = count; open > 0;)
        {
            NetlinkMessageReader reader = new(socket.Receive(out _));
            while (reader.TryRead(out NetlinkMessage message))
            {
                uint offset = message.Sequence - sequence;
                if (offset >= (uint)count || message.Type != NetlinkProtocol.NLMSG_ERROR)
                {
                    continue;
                }

                open--;
                int index = firstRequest + (int)offset;
                Request request = _requests[index];
                NetlinkAcknowledgement acknowledgement = NetlinkAcknowledgement.Read(message);
                if (!acknowledgement.IsSuccess && acknowledgement.Errno != request.Tolerated && acknowledgement.Errno != request.AlsoTolerated)
                {
                    failure ??= acknowledgement.ToException(socket.Protocol, request.Type, request.Subject, index);
                }
            }
        }

        return failure;
    }

    private RouteBatch Append(in MessageWriter writer, object subject, object? keepAlive = null)
    {
        ReadOnlySpan<byte> message = writer.Written;
        if (_messages.Length - _length < message.Length)
        {
            Array.Resize(ref _messages, Math.Max(Math.Max(MessageWriter.TypicalSize, 2 * _messages.Length), _length + message.Length));
        }

        message.CopyTo(_messages.AsSpan(_length));
        _length += message.Length;
        _requests.Add(new Request(_length, MemoryMarshal.Read<NetlinkHeader>(message).Type, subject, keepAlive));
        return this;
    }

    /// <summary>A change waiting: where its message ends, what it is about, and what holds the descriptors that the message names.</summary>
    private readonly record struct Request(int End, ushort Type, object Subject, object? KeepAlive)
    {
        internal Errno Tolerated { get; init; }

        internal Errno AlsoTolerated { get; init; }
    }
}
