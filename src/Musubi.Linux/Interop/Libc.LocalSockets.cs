using System.Text;

namespace Musubi.Linux.Interop;

/// <summary>Addresses of local sockets; unix(7).</summary>
internal static unsafe partial class Libc
{
    /// <summary>Bytes of a path in a local socket's address, with its NUL.</summary>
    internal const int LocalPathSize = 108;

    /// <summary>struct sockaddr_un</summary>
    internal struct LocalAddress
    {
        internal ushort Family;
        internal fixed byte Path[LocalPathSize];

        /// <exception cref="LinuxException">ENAMETOOLONG: the path has more than 107 bytes.</exception>
        internal static LocalAddress Of(string path)
        {
            if (Encoding.UTF8.GetByteCount(path) >= LocalPathSize)
            {
                throw new LinuxException($"socket {path}", Errno.ENAMETOOLONG, $"a socket's path has at most {LocalPathSize - 1} bytes");
            }

            LocalAddress address = new() { Family = AF_UNIX };
            Encoding.UTF8.GetBytes(path, new Span<byte>(address.Path, LocalPathSize - 1));
            return address;
        }
    }
}
