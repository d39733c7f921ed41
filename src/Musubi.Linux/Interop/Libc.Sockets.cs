using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Musubi.Linux.Interop;

/// <summary>Sockets.</summary>
internal static unsafe partial class Libc
{
    internal const int AF_UNSPEC = 0;
    internal const int AF_UNIX = 1;
    internal const int AF_INET = 2;
    internal const int AF_BRIDGE = 7;
    internal const int AF_INET6 = 10;
    internal const int AF_NETLINK = 16;
    internal const int AF_PACKET = 17;

    internal const int SOCK_STREAM = 1;
    internal const int SOCK_DGRAM = 2;
    internal const int SOCK_RAW = 3;
    internal const int SOCK_NONBLOCK = 0x800;
    internal const int SOCK_CLOEXEC = 0x80000;

    internal const int SOL_SOCKET = 1;
    internal const int SO_RCVBUF = 8;
    internal const int SO_RCVTIMEO = 20;
    internal const int SO_BINDTODEVICE = 25;
    internal const int SO_ATTACH_FILTER = 26;
    internal const int SO_SNDBUFFORCE = 32;
    internal const int SO_RCVBUFFORCE = 33;
    internal const int SOL_NETLINK = 270;

    internal const int MSG_TRUNC = 0x20;
    internal const int MSG_DONTWAIT = 0x40;
    internal const int MSG_NOSIGNAL = 0x4000;

    /// <summary>socket(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial SafeFileHandle socket(int domain, int type, int protocol);

    /// <summary>setsockopt(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setsockopt(SafeHandle fd, int level, int option, void* value, uint length);

    /// <summary>bind(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int bind(SafeHandle fd, void* address, uint length);

    /// <summary>listen(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int listen(SafeHandle fd, int backlog);

    /// <summary>accept4(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial SafeFileHandle accept4(SafeHandle fd, void* address, uint* length, int flags);

    /// <summary>connect(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int connect(SafeHandle fd, void* address, uint length);

    /// <summary>send(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint send(SafeHandle fd, byte* buffer, nuint length, int flags);

    /// <summary>sendto(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint sendto(SafeHandle fd, byte* buffer, nuint length, int flags, void* address, uint addressLength);

    /// <summary>recvfrom(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint recvfrom(SafeHandle fd, byte* buffer, nuint length, int flags, void* address, uint* addressLength);

    /// <summary>struct timeval</summary>
    internal struct TimeVal
    {
        internal long Seconds;
        internal long Microseconds;
    }

    /// <summary>struct sockaddr_nl; netlink(7)</summary>
    internal struct NetlinkAddress
    {
        internal ushort Family;
        internal ushort Pad;
        internal uint Port;
        internal uint Groups;
    }

    /// <summary>struct sockaddr_ll; packet(7)</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct LinkAddress
    {
        internal ushort Family;
        internal ushort Protocol;
        internal int Index;
        internal ushort HardwareType;
        internal byte PacketType;
        internal byte AddressLength;
        internal fixed byte Address[8];
    }
}
