using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Musubi.Linux.Addresses;
using Musubi.Linux.Interop;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Routes;

/// <summary>Reads routes from the kernel's messages.</summary>
internal static class RouteReader
{
    internal static bool TryRead(in NetlinkMessage message, [MaybeNullWhen(false)] out Route route)
    {
        route = null;
        if (message.Type is not (Rtnl.RTM_NEWROUTE or Rtnl.RTM_DELROUTE))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Rtnl.RouteHeader header);
        if (header.Family is not (Libc.AF_INET or Libc.AF_INET6))
        {
            return false;
        }

        uint table = header.Table;
        IPAddress? destination = null;
        IPAddress? gateway = null;
        IPAddress? source = null;
        LinkIndex? link = null;
        uint? metric = null;
        int? mtu = null;
        int? segment = null;
        List<NextHop>? hops = null;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Rtnl.RTA_DST: destination = value.Address; break;
                case Rtnl.RTA_GATEWAY: gateway = value.Address; break;
                case Rtnl.RTA_VIA: gateway = ReadVia(value.Bytes); break;
                case Rtnl.RTA_PREFSRC: source = value.Address; break;
                case Rtnl.RTA_OIF: link = new LinkIndex(value.Int32); break;
                case Rtnl.RTA_PRIORITY: metric = value.UInt32; break;
                case Rtnl.RTA_TABLE: table = value.UInt32; break;
                case Rtnl.RTA_METRICS: (mtu, segment) = ReadMetrics(value.Nested); break;
                case Rtnl.RTA_MULTIPATH: hops = ReadNextHops(value.Bytes); break;
            }
        }

        Cidr prefix = default;
        if (destination is not null && !Netlink.Attribute.TryMakeCidr(destination, header.DestinationLength, out prefix))
        {
            return false;
        }

        route = new Route
        {
            Family = header.Family == Libc.AF_INET6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork,
            Destination = destination is null ? null : prefix,
            Gateway = gateway,
            Source = source,
            Link = link,
            Metric = metric,
            Table = table,
            MtuBytes = mtu,
            AdvertisedMssBytes = segment,
            NextHops = hops is null ? [] : hops,
            Scope = (AddressScope)header.Scope,
            Protocol = (RouteProtocol)header.Protocol,
            Type = (RouteType)header.Type,
            OnLink = (header.Flags & Rtnl.RTNH_F_ONLINK) != 0,
        };
        return true;
    }

    private static (int? Mtu, int? Segment) ReadMetrics(AttributeReader attributes)
    {
        int? mtu = null;
        int? segment = null;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Rtnl.RTAX_MTU: mtu = value.Int32; break;
                case Rtnl.RTAX_ADVMSS: segment = value.Int32; break;
            }
        }

        return (mtu, segment);
    }

    private static List<NextHop> ReadNextHops(ReadOnlySpan<byte> data)
    {
        List<NextHop> hops = [];
        while (MemoryMarshal.TryRead(data, out Rtnl.NextHopHeader header))
        {
            if (header.Length < 8 || header.Length > data.Length)
            {
                throw NetlinkException.Malformed($"a next hop claims {header.Length} bytes of {data.Length}");
            }

            IPAddress? gateway = null;
            AttributeReader attributes = new(data[8..header.Length]);
            while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
            {
                gateway = type switch
                {
                    Rtnl.RTA_GATEWAY => value.Address,
                    Rtnl.RTA_VIA => ReadVia(value.Bytes),
                    _ => gateway,
                };
            }

            hops.Add(new NextHop(gateway, new LinkIndex(header.Index), header.Hops + 1, (header.Flags & Rtnl.RTNH_F_ONLINK) != 0));
            data = data[Math.Min(NetlinkProtocol.Align(header.Length), data.Length)..];
        }

        return hops;
    }

    private static IPAddress ReadVia(ReadOnlySpan<byte> via) =>
        via.Length is 6 or 18 ? new IPAddress(via[2..]) : throw NetlinkException.Malformed($"a gateway of {via.Length} bytes");
}
