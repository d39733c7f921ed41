using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Addresses;
using Musubi.Linux.Interop;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux.Packets;

/// <summary>
/// UDP over IPv4 on one link below the kernel's own IP: sends from, and receives for, addresses that the link has not (yet); packet(7). Receiving never waits.
/// </summary>
public sealed class UdpPacketSocket : IDisposable
{
    private const ushort IPv4 = 0x0800;
    private const int LargestPacket = 2048;

    private readonly SafeFileHandle _handle;
    private readonly LinkIndex _link;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(LargestPacket);

    private UdpPacketSocket(SafeFileHandle handle, LinkIndex link)
    {
        _handle = handle;
        _link = link;
    }

    /// <summary>The descriptor, to wait for. It belongs to this object.</summary>
    public SafeHandle Handle => _handle;

    /// <summary>Opens a socket for a link of a namespace, or of the caller's own. The caller disposes it.</summary>
    /// <param name="network">The namespace.</param>
    /// <param name="link">The link.</param>
    /// <param name="port">Only datagrams to this port are received; the kernel drops others before they reach the socket.</param>
    public static unsafe UdpPacketSocket Open(NetworkNamespace? network, LinkIndex link, ushort port)
    {
        // Protocol 0: nothing comes in until the filter is in place.
        SafeFileHandle Open() => Libc.socket(Libc.AF_PACKET, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0) is { IsInvalid: false } handle
            ? handle
            : throw new LinuxException("open a packet socket", Libc.LastErrno);
        SafeFileHandle handle = network is null ? Open() : network.Visit(Open);
        try
        {
            Libc.BpfInstruction[] filter = FilterFor(port);
            fixed (Libc.BpfInstruction* first = filter)
            {
                Libc.BpfProgram program = new() { Length = (ushort)filter.Length, Instructions = first };
                if (Libc.setsockopt(handle, Libc.SOL_SOCKET, Libc.SO_ATTACH_FILTER, &program, (uint)sizeof(Libc.BpfProgram)) < 0)
                {
                    LinuxException.ThrowLast("attach a filter to a packet socket");
                }
            }

            Libc.LinkAddress address = AddressOf(link, default);
            if (Libc.bind(handle, &address, (uint)sizeof(Libc.LinkAddress)) < 0)
            {
                LinuxException.ThrowLast($"bind a packet socket to link {link}");
            }

            return new UdpPacketSocket(handle, link);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Sends a datagram to a neighbour.</summary>
    /// <exception cref="LinuxException">ENETDOWN: the link is down; ENXIO: it is gone.</exception>
    public unsafe void Send(UdpFrame frame, MacAddress neighbour, ReadOnlySpan<byte> payload)
    {
        byte[] packet = new byte[UdpFrame.HeaderSize + payload.Length];
        int length = frame.Write(payload, packet);
        Libc.LinkAddress address = AddressOf(_link, neighbour);
        fixed (byte* data = packet)
        {
            if (Libc.sendto(_handle, data, (nuint)length, 0, &address, (uint)sizeof(Libc.LinkAddress)) < 0)
            {
                LinuxException.ThrowLast($"send a packet on link {_link}");
            }
        }
    }

    /// <summary>Receives the next datagram that waits.</summary>
    /// <param name="neighbour">Who sent it on the link.</param>
    /// <param name="payload">What it says; valid until the next call.</param>
    /// <returns>False when none waits.</returns>
    /// <exception cref="LinuxException">ENETDOWN: the link went down.</exception>
    public unsafe bool TryReceive(out MacAddress neighbour, out ReadOnlySpan<byte> payload)
    {
        while (true)
        {
            Libc.LinkAddress sender = default;
            uint senderSize = (uint)sizeof(Libc.LinkAddress);
            nint length;
            fixed (byte* data = _buffer)
            {
                length = Libc.recvfrom(_handle, data, (nuint)_buffer.Length, Libc.MSG_DONTWAIT, &sender, &senderSize);
            }

            if (length < 0)
            {
                switch (Libc.LastErrno)
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.EAGAIN:
                        neighbour = default;
                        payload = default;
                        return false;
                    default:
                        throw new LinuxException($"receive on link {_link}", Libc.LastErrno);
                }
            }

            if (UdpFrame.TryRead(_buffer.AsSpan(0, (int)length), out _, out payload))
            {
                neighbour = sender.AddressLength == MacAddress.Length ? new MacAddress(new ReadOnlySpan<byte>(sender.Address, MacAddress.Length)) : default;
                return true;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    /// <summary>Passes whole UDP datagrams to a port; the filter sees packets from their IP header on. linux/filter.h</summary>
    private static Libc.BpfInstruction[] FilterFor(ushort port) =>
    [
        new(Libc.BPF_LD_B_ABS, 9),
        new(Libc.BPF_JEQ, 17, onFalse: 6),
        new(Libc.BPF_LD_H_ABS, 6),
        new(Libc.BPF_JSET, 0x3fff, onTrue: 4),
        new(Libc.BPF_LDX_MSH, 0),
        new(Libc.BPF_LD_H_IND, 2),
        new(Libc.BPF_JEQ, port, onFalse: 1),
        new(Libc.BPF_RET, LargestPacket),
        new(Libc.BPF_RET, 0),
    ];

    private static unsafe Libc.LinkAddress AddressOf(LinkIndex link, MacAddress neighbour)
    {
        Libc.LinkAddress address = new()
        {
            Family = Libc.AF_PACKET,
            Protocol = BinaryPrimitives.ReverseEndianness(IPv4),
            Index = link.Value,
            AddressLength = MacAddress.Length,
        };
        neighbour.CopyTo(new Span<byte>(address.Address, MacAddress.Length));
        return address;
    }
}
