using System.Text;

namespace Musubi.Linux.Netlink;

/// <summary>The kernel refused a netlink request, or answered with something that is not a netlink message (<see cref="Errno.EBADMSG"/>).</summary>
public sealed class NetlinkException : LinuxException
{
    internal NetlinkException(string operation, object? subject, Errno errno, string? kernelMessage = null, int? attributeOffset = null, int requestIndex = 0)
        : base(Describe(operation, subject, errno, kernelMessage, attributeOffset), operation, errno)
    {
        Subject = subject?.ToString();
        KernelMessage = kernelMessage;
        AttributeOffset = attributeOffset;
        RequestIndex = requestIndex;
    }

    /// <summary>What the request was about: an interface's name or index, an address, a route, a rule.</summary>
    public string? Subject { get; }

    /// <summary>The kernel's own explanation, when it gave one (extended acknowledgement).</summary>
    public string? KernelMessage { get; }

    /// <summary>Where in the request the offending attribute starts, when the kernel said so.</summary>
    public int? AttributeOffset { get; }

    /// <summary>Which request of a batch or transaction failed, counted from 0.</summary>
    public int RequestIndex { get; }

    internal static NetlinkException Malformed(string what) => new("read a netlink message", subject: null, Errno.EBADMSG, what);

    private static string Describe(string operation, object? subject, Errno errno, string? kernelMessage, int? attributeOffset)
    {
        StringBuilder text = new(operation);
        if (subject is not null)
        {
            text.Append(' ').Append(subject);
        }

        text.Append(": ").Append(Words(errno));
        if (kernelMessage is not null)
        {
            text.Append(": ").Append(kernelMessage);
        }

        if (attributeOffset is not null)
        {
            text.Append(" (attribute at byte ").Append(attributeOffset.Value).Append(')');
        }

        return text.ToString();
    }
}
