using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Interop;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Routes;

/// <summary>Writes requests about routes.</summary>
internal static class RouteMessages
{
    internal static void Add(ref MessageWriter writer, Route route, RouteAddition addition)
    {
        int mode = addition switch
        {
            RouteAddition.Prepend => 0,
            RouteAddition.Append => NetlinkProtocol.NLM_F_APPEND,
            RouteAddition.Replace => NetlinkProtocol.NLM_F_REPLACE,
            _ => NetlinkProtocol.NLM_F_EXCL,
        };
        writer.Begin(Rtnl.RTM_NEWROUTE, (ushort)(NetlinkProtocol.NLM_F_ACK | NetlinkProtocol.NLM_F_CREATE | mode));
        Body(ref writer, route, ScopeOf(route));
        writer.End();
    }

    internal static void Delete(ref MessageWriter writer, Route route)
    {
        writer.Begin(Rtnl.RTM_DELROUTE, NetlinkProtocol.NLM_F_ACK);

        // Nowhere stands for any scope when deleting.
        Body(ref writer, route, route.Scope ?? AddressScope.Nowhere);
        writer.End();
    }

    internal static void List(ref MessageWriter writer, RouteFilter filter)
    {
        writer.Begin(Rtnl.RTM_GETROUTE, NetlinkProtocol.NLM_F_DUMP);
        writer.Struct(new Rtnl.RouteHeader { Family = AddressMessages.Family(filter.Family), Protocol = (byte)(filter.Protocol ?? RouteProtocol.Unspecified) });
        if (filter.Table is { } table)
        {
            writer.UInt32(Rtnl.RTA_TABLE, table);
        }

        if (filter.Link is { } link)
        {
            writer.Int32(Rtnl.RTA_OIF, link.Value);
        }

        writer.End();
    }

    internal static void Lookup(ref MessageWriter writer, IPAddress destination)
    {
        writer.Begin(Rtnl.RTM_GETROUTE, 0);
        writer.Struct(new Rtnl.RouteHeader
        {
            Family = AddressMessages.Family(destination),
            DestinationLength = (byte)(destination.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32),
        });
        writer.Address(Rtnl.RTA_DST, destination);
        writer.End();
    }

    private static void Body(ref MessageWriter writer, Route route, AddressScope scope)
    {
        byte family = AddressMessages.Family(route.Family);
        uint table = route.Table ?? Route.MainTable;
        writer.Struct(new Rtnl.RouteHeader
        {
            Family = family,
            DestinationLength = (byte)(route.Destination?.PrefixLength ?? 0),
            Table = table <= byte.MaxValue ? (byte)table : (byte)0,
            Protocol = (byte)route.Protocol,
            Scope = (byte)scope,
            Type = (byte)route.Type,
            Flags = route.OnLink ? Rtnl.RTNH_F_ONLINK : 0u,
        });
        if (table > byte.MaxValue)
        {
            writer.UInt32(Rtnl.RTA_TABLE, table);
        }

        if (route.Destination is { } destination)
        {
            // The kernel wants the network's own address; host bits are the caller's, who may have written 10.0.0.5/24.
            writer.Address(Rtnl.RTA_DST, destination.Network.Address);
        }

        Gateway(ref writer, family, route.Gateway);
        if (route.Link is { } link)
        {
            writer.Int32(Rtnl.RTA_OIF, link.Value);
        }

        if (route.Metric is { } metric)
        {
            writer.UInt32(Rtnl.RTA_PRIORITY, metric);
        }

        if (route.Source is { } source)
        {
            writer.Address(Rtnl.RTA_PREFSRC, source);
        }

        if (route.MtuBytes is not null || route.AdvertisedMssBytes is not null)
        {
            Metrics(ref writer, route);
        }

        if (route.NextHops.Count > 0)
        {
            NextHops(ref writer, family, route.NextHops);
        }
    }

    private static AddressScope ScopeOf(Route route)
    {
        if (route.Scope is { } scope)
        {
            return scope;
        }

        if (route.Family == AddressFamily.InterNetworkV6)
        {
            return AddressScope.Universe;
        }

        return route.Type switch
        {
            RouteType.Local => AddressScope.Host,
            RouteType.Broadcast or RouteType.Multicast or RouteType.Anycast => AddressScope.Link,
            RouteType.Unicast when route.Gateway is null && route.NextHops.Count == 0 => AddressScope.Link,
            _ => AddressScope.Universe,
        };
    }

    private static void Metrics(ref MessageWriter writer, Route route)
    {
        int metrics = writer.BeginNest(Rtnl.RTA_METRICS);
        if (route.MtuBytes is int mtu)
        {
            writer.Int32(Rtnl.RTAX_MTU, mtu);
        }

        if (route.AdvertisedMssBytes is int segment)
        {
            writer.Int32(Rtnl.RTAX_ADVMSS, segment);
        }

        writer.EndNest(metrics);
    }

    private static void NextHops(ref MessageWriter writer, byte family, IReadOnlyList<NextHop> hops)
    {
        int all = writer.BeginNest(Rtnl.RTA_MULTIPATH);
        foreach (NextHop hop in hops)
        {
            int start = writer.Length;
            writer.Struct(new Rtnl.NextHopHeader
            {
                Flags = hop.OnLink ? Rtnl.RTNH_F_ONLINK : (byte)0,
                Hops = (byte)(Math.Clamp(hop.Weight, 1, 256) - 1),
                Index = hop.Link?.Value ?? 0,
            });
            Gateway(ref writer, family, hop.Gateway);
            writer.EndNest(start);
        }

        writer.EndNest(all);
    }

    private static void Gateway(ref MessageWriter writer, byte family, IPAddress? gateway)
    {
        if (gateway is null)
        {
            return;
        }

        if (AddressMessages.Family(gateway) == family)
        {
            writer.Address(Rtnl.RTA_GATEWAY, gateway);
            return;
        }

        // An IPv4 route by an IPv6 router: struct rtvia, the address with its family.
        Span<byte> via = stackalloc byte[18];
        via[0] = Libc.AF_INET6;
        via[1] = 0;
        gateway.TryWriteBytes(via[2..], out int length);
        writer.Bytes(Rtnl.RTA_VIA, via[..(2 + length)]);
    }
}
