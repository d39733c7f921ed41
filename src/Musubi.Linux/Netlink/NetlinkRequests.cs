using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Musubi.Linux.Netlink;

/// <summary>Turns a message into a value; false for messages of other kinds.</summary>
internal delegate bool MessageParser<T>(in NetlinkMessage message, [MaybeNullWhen(false)] out T value);

/// <summary>The three kinds of exchange: change one thing, read one thing, read all.</summary>
internal static class NetlinkRequests
{
    private const int MostAttempts = 10;

    /// <summary>Sends a request for a change and waits for its acknowledgement.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal static void Execute(this NetlinkSocket socket, ref MessageWriter request, object? subject)
    {
        NetlinkAcknowledgement acknowledgement = socket.TryExecute(ref request, subject);
        if (!acknowledgement.IsSuccess)
        {
            throw acknowledgement.ToException(socket.Protocol, TypeOf(request.Written), subject);
        }
    }

    /// <summary>As <see cref="Execute"/>, answering the kernel's refusal instead of throwing it.</summary>
    internal static NetlinkAcknowledgement TryExecute(this NetlinkSocket socket, ref MessageWriter request, object? subject)
    {
        lock (socket.Gate)
        {
            uint sequence = socket.Send(request.Written, subject);
            while (true)
            {
                NetlinkMessageReader messages = new(socket.Receive(out _));
                while (messages.TryRead(out NetlinkMessage message))
                {
                    if (message.Sequence == sequence && message.Type == NetlinkProtocol.NLMSG_ERROR)
                    {
                        return NetlinkAcknowledgement.Read(message);
                    }
                }
            }
        }
    }

    /// <summary>
    /// Reads one thing: sends the requests, of which the last asks for it without wanting an acknowledgement. What precedes it may be changes whose
    /// result is read; the first failure ends the exchange.
    /// </summary>
    internal static T Get<T>(this NetlinkSocket socket, ref MessageWriter requests, MessageParser<T> parse, object? subject) =>
        socket.TryGet(ref requests, parse, subject, out T? value, out NetlinkAcknowledgement failure, out ushort failedType)
            ? value
            : throw failure.ToException(socket.Protocol, failedType, subject);

    /// <summary>As <see cref="Get"/>, answering the kernel's refusal instead of throwing it.</summary>
    internal static bool TryGet<T>(
        this NetlinkSocket socket,
        ref MessageWriter requests,
        MessageParser<T> parse,
        object? subject,
        [MaybeNullWhen(false)] out T value,
        out NetlinkAcknowledgement failure,
        out ushort failedType)
    {
        lock (socket.Gate)
        {
            Span<byte> written = requests.Written;
            (int lastStart, int count) = LastMessage(written);
            uint first = socket.Send(written, subject);
            uint last = first + (uint)count - 1;
            failure = default;
            failedType = 0;
            while (true)
            {
                NetlinkMessageReader messages = new(socket.Receive(out bool truncated));
                if (truncated)
                {
                    first = last = socket.Send(written[lastStart..], subject);
                    continue;
                }

                while (messages.TryRead(out NetlinkMessage message))
                {
                    if (message.Sequence - first > last - first)
                    {
                        continue;
                    }

                    if (message.Type == NetlinkProtocol.NLMSG_ERROR)
                    {
                        NetlinkAcknowledgement acknowledgement = NetlinkAcknowledgement.Read(message);
                        if (failure.IsSuccess && !acknowledgement.IsSuccess)
                        {
                            failure = acknowledgement;
                            failedType = MemoryMarshal.Read<NetlinkHeader>(message.Payload[4..]).Type;
                        }

                        if (message.Sequence == last)
                        {
                            value = default;
                            return false;
                        }
                    }
                    else if (message.Sequence == last && parse(message, out value))
                    {
                        if (failure.IsSuccess)
                        {
                            return true;
                        }

                        value = default;
                        return false;
                    }
                }
            }
        }
    }

    /// <summary>Reads all: repeats a dump during which the kernel's tables changed, so that the answer is consistent.</summary>
    internal static List<T> Dump<T>(this NetlinkSocket socket, ref MessageWriter request, MessageParser<T> parse, object? subject)
    {
        lock (socket.Gate)
        {
            for (int attempt = 0; attempt < MostAttempts; attempt++)
            {
                List<T> values = [];
                if (socket.TryDump(request.Written, parse, subject, values))
                {
                    return values;
                }
            }

            throw new NetlinkException(
                MessageNames.Of(socket.Protocol, TypeOf(request.Written)),
                subject,
                Errno.EINTR,
                $"the table changed during each of {MostAttempts} attempts to read it");
        }
    }

    /// <summary>One attempt; false when it was interrupted by a change.</summary>
    private static bool TryDump<T>(this NetlinkSocket socket, Span<byte> request, MessageParser<T> parse, object? subject, List<T> values)
    {
        uint sequence = socket.Send(request, subject);
        bool consistent = true;
        while (true)
        {
            NetlinkMessageReader messages = new(socket.Receive(out bool truncated));
            consistent &= !truncated;
            while (messages.TryRead(out NetlinkMessage message))
            {
                if (message.Sequence != sequence)
                {
                    continue;
                }

                consistent &= (message.Flags & NetlinkProtocol.NLM_F_DUMP_INTR) == 0;
                if (message.Type is NetlinkProtocol.NLMSG_DONE or NetlinkProtocol.NLMSG_ERROR)
                {
                    NetlinkAcknowledgement end = NetlinkAcknowledgement.Read(message);
                    return end.IsSuccess ? consistent : throw end.ToException(socket.Protocol, TypeOf(request), subject);
                }

                if (parse(message, out T? value))
                {
                    values.Add(value);
                }
            }
        }
    }

    private static ushort TypeOf(ReadOnlySpan<byte> request) => MemoryMarshal.Read<NetlinkHeader>(request).Type;

    private static (int Start, int Count) LastMessage(ReadOnlySpan<byte> messages)
    {
        int start = 0;
        for (int count = 1; ; count++)
        {
            int next = start + NetlinkProtocol.Align((int)MemoryMarshal.Read<NetlinkHeader>(messages[start..]).Length);
            if (next >= messages.Length)
            {
                return (start, count);
            }

            start = next;
        }
    }
}
