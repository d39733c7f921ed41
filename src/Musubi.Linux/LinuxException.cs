using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Musubi.Linux;

/// <summary>The kernel refused an operation: base of this library's exceptions.</summary>
public class LinuxException : Exception
{
    internal LinuxException(string operation, Errno errno, string? detail = null)
        : base(Describe(operation, errno, detail))
    {
        Operation = operation;
        Errno = errno;
    }

    private protected LinuxException(string message, string operation, Errno errno)
        : base(message)
    {
        Operation = operation;
        Errno = errno;
    }

    /// <summary>What was attempted: a system call with its object (<c>open /run/netns/vm-a</c>) or a netlink message type.</summary>
    public string Operation { get; }

    /// <summary>The kernel's error number.</summary>
    public Errno Errno { get; }

    /// <summary>The number's name and its text, as in <c>ENOENT, No such file or directory</c>.</summary>
    internal static string Words(Errno errno) => $"{errno}, {Marshal.GetPInvokeErrorMessage((int)errno)}";

    /// <summary>Throws for the calling thread's last failed system call.</summary>
    [DoesNotReturn]
    internal static void ThrowLast(string operation, string? detail = null) =>
        throw new LinuxException(operation, (Errno)Marshal.GetLastPInvokeError(), detail);

    private static string Describe(string operation, Errno errno, string? detail) =>
        detail is null ? $"{operation}: {Words(errno)}" : $"{operation}: {Words(errno)}: {detail}";
}
