using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Musubi.Linux.Interop;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Addresses;

/// <summary>Writes requests about addresses and reads the answers.</summary>
internal static class AddressMessages
{
    private const uint Forever = uint.MaxValue;

    internal static byte Family(AddressFamily? family) => family switch
    {
        null or AddressFamily.Unspecified => Libc.AF_UNSPEC,
        AddressFamily.InterNetwork => Libc.AF_INET,
        AddressFamily.InterNetworkV6 => Libc.AF_INET6,
        _ => throw new ArgumentException($"{family} is not an IP address family.", nameof(family)),
    };

    internal static byte Family(IPAddress address) => Family(address.AddressFamily);

    internal static void Add(ref MessageWriter writer, LinkIndex link, InterfaceAddress address, bool replace)
    {
        writer.Begin(
            Rtnl.RTM_NEWADDR,
            (ushort)(NetlinkProtocol.NLM_F_ACK | NetlinkProtocol.NLM_F_CREATE | (replace ? NetlinkProtocol.NLM_F_REPLACE : NetlinkProtocol.NLM_F_EXCL)));
        Body(ref writer, link, address);
        if (address.Broadcast is { } broadcast)
        {
            writer.Address(Rtnl.IFA_BROADCAST, broadcast);
        }

        if (address.Flags != AddressFlags.None)
        {
            writer.UInt32(Rtnl.IFA_FLAGS, (uint)address.Flags);
        }

        if (address.ValidLifetime is not null || address.PreferredLifetime is not null)
        {
            writer.Attribute(Rtnl.IFA_CACHEINFO, new Lifetimes
            {
                Valid = Seconds(address.ValidLifetime),
                Preferred = Seconds(address.PreferredLifetime ?? address.ValidLifetime),
            });
        }

        if (address.RouteMetric is { } metric)
        {
            writer.UInt32(Rtnl.IFA_RT_PRIORITY, metric);
        }

        writer.End();
    }

    internal static void Delete(ref MessageWriter writer, LinkIndex link, InterfaceAddress address)
    {
        writer.Begin(Rtnl.RTM_DELADDR, NetlinkProtocol.NLM_F_ACK);
        Body(ref writer, link, address);
        writer.End();
    }

    internal static void List(ref MessageWriter writer, LinkIndex? link, AddressFamily? family)
    {
        writer.Begin(Rtnl.RTM_GETADDR, NetlinkProtocol.NLM_F_DUMP);
        writer.Struct(new Rtnl.AddressHeader { Family = Family(family), Index = link?.Value ?? 0 });
        writer.End();
    }

    internal static bool TryRead(in NetlinkMessage message, [MaybeNullWhen(false)] out InterfaceAddress address)
    {
        address = null;
        if (message.Type is not (Rtnl.RTM_NEWADDR or Rtnl.RTM_DELADDR))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Rtnl.AddressHeader header);
        if (header.Family is not (Libc.AF_INET or Libc.AF_INET6))
        {
            return false;
        }

        IPAddress? own = null;
        IPAddress? other = null;
        IPAddress? broadcast = null;
        string? label = null;
        uint flags = header.Flags;
        uint? metric = null;
        Lifetimes lifetimes = new() { Preferred = Forever, Valid = Forever };
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Rtnl.IFA_LOCAL: own = value.Address; break;
                case Rtnl.IFA_ADDRESS: other = value.Address; break;
                case Rtnl.IFA_BROADCAST: broadcast = value.Address; break;
                case Rtnl.IFA_LABEL: label = value.Text; break;
                case Rtnl.IFA_FLAGS: flags = value.UInt32; break;
                case Rtnl.IFA_RT_PRIORITY: metric = value.UInt32; break;
                case Rtnl.IFA_CACHEINFO: lifetimes = value.Read<Lifetimes>(); break;
            }
        }

        // IPv6 names its one address IFA_ADDRESS, unless there is a peer; IPv4 always gives both.
        if ((own ?? other) is not { } local)
        {
            throw NetlinkException.Malformed("an address message without address");
        }

        if (!Netlink.Attribute.TryMakeCidr(local, header.PrefixLength, out Cidr cidr))
        {
            return false;
        }

        address = new InterfaceAddress(cidr)
        {
            Link = new LinkIndex(header.Index),
            Scope = (AddressScope)header.Scope,
            Flags = (AddressFlags)flags,
            Label = label,
            Broadcast = broadcast,
            Peer = own is not null && other is not null && !own.Equals(other) ? other : null,
            ValidLifetime = Time(lifetimes.Valid),
            PreferredLifetime = Time(lifetimes.Preferred),
            RouteMetric = metric,
        };
        return true;
    }

    private static void Body(ref MessageWriter writer, LinkIndex link, InterfaceAddress address)
    {
        writer.Struct(new Rtnl.AddressHeader
        {
            Family = Family(address.Cidr.Address),
            PrefixLength = (byte)address.Cidr.PrefixLength,
            Scope = (byte)address.Scope,
            Index = link.Value,
        });
        writer.Address(Rtnl.IFA_LOCAL, address.Cidr.Address);
        writer.Address(Rtnl.IFA_ADDRESS, address.Peer ?? address.Cidr.Address);
        if (address.Label is { } label)
        {
            writer.Text(Rtnl.IFA_LABEL, label);
        }
    }

    private static uint Seconds(TimeSpan? time) => time is { } value ? (uint)Math.Clamp(value.TotalSeconds, 0, Forever) : Forever;

    private static TimeSpan? Time(uint seconds) => seconds == Forever ? null : TimeSpan.FromSeconds(seconds);

    /// <summary>struct ifa_cacheinfo</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Lifetimes
    {
        internal uint Preferred;
        internal uint Valid;
        internal uint Created;
        internal uint Updated;
    }
}
