using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux.Packets;

/// <summary>A socket that sends whole Ethernet frames on one link; packet(7). It receives nothing.</summary>
public sealed class PacketSocket : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly LinkIndex _link;

    private PacketSocket(SafeFileHandle handle, LinkIndex link)
    {
        _handle = handle;
        _link = link;
    }

    /// <summary>Opens a socket for a link of a namespace, or of the caller's own. The caller disposes it.</summary>
    public static PacketSocket Open(NetworkNamespace? network, LinkIndex link)
    {
        // Protocol 0: no frame is ever handed to the socket.
        SafeFileHandle Open() => Libc.socket(Libc.AF_PACKET, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, 0) is { IsInvalid: false } handle
            ? handle
            : throw new LinuxException("open a packet socket", Libc.LastErrno);
        return new PacketSocket(network is null ? Open() : network.Visit(Open), link);
    }

    /// <summary>Sends a frame, which begins with its Ethernet header.</summary>
    /// <exception cref="LinuxException">ENETDOWN: the link is down.</exception>
    public unsafe void Send(ReadOnlySpan<byte> frame)
    {
        Libc.LinkAddress address = new()
        {
            Family = Libc.AF_PACKET,
            Protocol = frame.Length >= 14 ? MemoryMarshal.Read<ushort>(frame[12..]) : BinaryPrimitives.ReverseEndianness((ushort)0x0003),
            Index = _link.Value,
        };
        fixed (byte* data = frame)
        {
            if (Libc.sendto(_handle, data, (nuint)frame.Length, 0, &address, (uint)sizeof(Libc.LinkAddress)) < 0)
            {
                LinuxException.ThrowLast($"send a frame on link {_link}");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
