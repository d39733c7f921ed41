using System.Net.Sockets;
using System.Text;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Packets;

/// <summary>Options of sockets that .NET has no name for; socket(7).</summary>
public static class SocketExtensions
{
    /// <summary>Lets a socket send and receive on one interface only (SO_BINDTODEVICE).</summary>
    public static void BindToDevice(this Socket socket, string interfaceName)
    {
        ArgumentException.ThrowIfNullOrEmpty(interfaceName);
        socket.SetRawSocketOption(Libc.SOL_SOCKET, Libc.SO_BINDTODEVICE, Encoding.UTF8.GetBytes(interfaceName));
    }
}
