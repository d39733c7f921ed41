using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Addresses;
using Musubi.Linux.Interop;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux.Packets;

/// <summary>
/// Unsolicited neighbour advertisements (RFC 4861 7.2.6) sent by the kernel's IPv6. Unlike those of <see cref="Announcement"/> they can tell only
/// addresses that the link has, and closing their socket does not wait: closing a packet socket takes a grace period of milliseconds.
/// </summary>
public static class NeighbourAdvertisement
{
    private const int IPPROTO_IPV6 = 41;
    private const int IPPROTO_ICMPV6 = 58;
    private const int IPV6_MULTICAST_IF = 17;
    private const int IPV6_MULTICAST_HOPS = 18;
    private const int HopLimit = 255;
    private const int MessageSize = 32;
    private const byte Advertisement = 136;
    private const byte Override = 0x20;
    private const byte TargetLinkAddress = 2;

    /// <summary>Tells all nodes on the link who has the addresses.</summary>
    /// <param name="network">The link's namespace, or null for the caller's own.</param>
    /// <param name="link">The link, which is up.</param>
    /// <param name="mac">Its address.</param>
    /// <param name="addresses">IPv6 addresses that it has and that are not being checked for duplicates.</param>
    /// <exception cref="LinuxException">EADDRNOTAVAIL: the link has not one of the addresses, or still checks it.</exception>
    public static unsafe void Send(NetworkNamespace? network, LinkIndex link, MacAddress mac, IEnumerable<IPAddress> addresses)
    {
        using SafeFileHandle socket = Open(network);
        SetOption(socket, IPV6_MULTICAST_HOPS, HopLimit);
        SetOption(socket, IPV6_MULTICAST_IF, link.Value);
        byte* message = stackalloc byte[MessageSize];
        Span<byte> bytes = new(message, MessageSize);
        Address6 everybody = new() { Family = Libc.AF_INET6, Scope = (uint)link.Value };
        everybody.Bytes[0] = 0xff;
        everybody.Bytes[1] = 0x02;
        everybody.Bytes[15] = 0x01;
        foreach (IPAddress address in addresses)
        {
            Address6 own = new() { Family = Libc.AF_INET6, Scope = (uint)link.Value };
            address.TryWriteBytes(new Span<byte>(own.Bytes, 16), out _);
            if (Libc.bind(socket, &own, (uint)sizeof(Address6)) < 0)
            {
                LinuxException.ThrowLast($"bind to {IpText.Format(address)}");
            }

            // The kernel fills in the checksum.
            bytes.Clear();
            bytes[0] = Advertisement;
            bytes[4] = Override;
            address.TryWriteBytes(bytes[8..], out _);
            bytes[24] = TargetLinkAddress;
            bytes[25] = 1;
            mac.CopyTo(bytes[26..]);
            if (Libc.sendto(socket, message, MessageSize, Libc.MSG_DONTWAIT, &everybody, (uint)sizeof(Address6)) < 0)
            {
                LinuxException.ThrowLast($"advertise {IpText.Format(address)}");
            }
        }
    }

    private static SafeFileHandle Open(NetworkNamespace? network)
    {
        static SafeFileHandle Make() => Libc.socket(Libc.AF_INET6, Libc.SOCK_RAW | Libc.SOCK_CLOEXEC, IPPROTO_ICMPV6) is { IsInvalid: false } handle
            ? handle
            : throw new LinuxException("open an ICMPv6 socket", Libc.LastErrno);
        return network is null ? Make() : network.Visit(Make);
    }

    private static unsafe void SetOption(SafeFileHandle socket, int option, int value)
    {
        if (Libc.setsockopt(socket, IPPROTO_IPV6, option, &value, sizeof(int)) < 0)
        {
            LinuxException.ThrowLast($"set IPv6 socket option {option}");
        }
    }

    /// <summary>struct sockaddr_in6; ipv6(7)</summary>
    [StructLayout(LayoutKind.Sequential)]
    private unsafe struct Address6
    {
        internal ushort Family;
        internal ushort Port;
        internal uint Flow;
        internal fixed byte Bytes[16];
        internal uint Scope;
    }
}
