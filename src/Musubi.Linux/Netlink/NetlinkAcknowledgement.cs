using System.Runtime.InteropServices;

namespace Musubi.Linux.Netlink;

/// <summary>How a request ended: NLMSG_ERROR, or NLMSG_DONE for dumps, with the kernel's explanation.</summary>
internal readonly struct NetlinkAcknowledgement
{
    private NetlinkAcknowledgement(Errno errno, string? message, int? offset)
    {
        Errno = errno;
        Message = message;
        Offset = offset;
    }

    internal Errno Errno { get; }

    internal string? Message { get; }

    internal int? Offset { get; }

    internal bool IsSuccess => Errno == Errno.None;

    internal static NetlinkAcknowledgement Read(in NetlinkMessage message)
    {
        ReadOnlySpan<byte> payload = message.Payload;
        if (!MemoryMarshal.TryRead(payload, out int code))
        {
            // A NLMSG_DONE without a code is what old kernels send at the end of a dump.
            return message.Type == NetlinkProtocol.NLMSG_DONE
                ? default
                : throw NetlinkException.Malformed($"an acknowledgement has {payload.Length} bytes");
        }

        if ((message.Flags & NetlinkProtocol.NLM_F_ACK_TLVS) == 0)
        {
            return new NetlinkAcknowledgement((Errno)(-code), null, null);
        }

        int skip = 4;
        if (message.Type == NetlinkProtocol.NLMSG_ERROR)
        {
            if (!MemoryMarshal.TryRead(payload[4..], out NetlinkHeader request))
            {
                throw NetlinkException.Malformed($"an acknowledgement has {payload.Length} bytes");
            }

            bool capped = (message.Flags & NetlinkProtocol.NLM_F_CAPPED) != 0;
            skip += capped ? NetlinkHeader.Size : NetlinkProtocol.Align((int)Math.Clamp(request.Length, NetlinkHeader.Size, 1u << 24));
        }

        return ReadExplanation((Errno)(-code), new AttributeReader(skip < payload.Length ? payload[skip..] : default));
    }

    internal NetlinkException ToException(ushort family, ushort type, object? subject, int requestIndex = 0) =>
        new(MessageNames.Of(family, type), subject, Errno, Message, Offset, requestIndex);

    private static NetlinkAcknowledgement ReadExplanation(Errno errno, AttributeReader attributes)
    {
        string? text = null;
        int? offset = null;
        while (attributes.TryRead(out ushort type, out Attribute value))
        {
            switch (type)
            {
                case NetlinkProtocol.NLMSGERR_ATTR_MSG:
                    text = value.Text;
                    break;
                case NetlinkProtocol.NLMSGERR_ATTR_OFFS:
                    offset = value.Int32;
                    break;
                case NetlinkProtocol.NLMSGERR_ATTR_MISS_TYPE:
                    text = text is null ? $"attribute {value.UInt32} is missing" : $"{text} (attribute {value.UInt32} is missing)";
                    break;
            }
        }

        return new NetlinkAcknowledgement(errno, text, offset);
    }
}
