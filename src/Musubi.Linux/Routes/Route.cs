using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;

namespace Musubi.Linux.Routes;

/// <summary>A route; <c>ip route</c>. For adding, members that are null are left to the kernel.</summary>
public sealed record Route
{
    /// <summary>The main table's number.</summary>
    public const uint MainTable = 254;

    /// <summary>The number of the table of own addresses.</summary>
    public const uint LocalTable = 255;

    private readonly AddressFamily? _family;

    /// <summary>Where it leads; null for the default route.</summary>
    public Cidr? Destination { get; init; }

    /// <summary>The next router; null when the destination is on the link.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>The interface by which packets leave.</summary>
    public LinkIndex? Link { get; init; }

    /// <summary>Of several routes the one with the lowest metric wins.</summary>
    public uint? Metric { get; init; }

    /// <summary>The table; null for the main one.</summary>
    public uint? Table { get; init; }

    /// <summary>How far the destination is; null: the link for IPv4 routes without gateway, everywhere otherwise.</summary>
    public AddressScope? Scope { get; init; }

    /// <summary>Largest packet to this destination.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>The segment size announced to TCP peers there (advmss).</summary>
    public int? AdvertisedMssBytes { get; init; }

    /// <summary>The source address of packets that have none yet.</summary>
    public IPAddress? Source { get; init; }

    /// <summary>Who made it.</summary>
    public RouteProtocol Protocol { get; init; } = RouteProtocol.Boot;

    /// <summary>What happens to its packets.</summary>
    public RouteType Type { get; init; } = RouteType.Unicast;

    /// <summary>Whether the gateway is taken as reachable although no address of the link says so.</summary>
    public bool OnLink { get; init; }

    /// <summary>The ways of a multipath route; empty for others.</summary>
    public IReadOnlyList<NextHop> NextHops { get; init; } = [];

    /// <summary>The address family: of the destination, gateway or source, or as set, or IPv4.</summary>
    public AddressFamily Family
    {
        get => Destination?.Address.AddressFamily ?? _family ?? Gateway?.AddressFamily ?? Source?.AddressFamily ?? FirstHopFamily();
        init => _family = value == AddressFamily.InterNetwork ? null : value;
    }

    /// <summary>Whether it leads everywhere.</summary>
    public bool IsDefault => Destination is not { PrefixLength: > 0 };

    /// <summary>As <c>ip route</c> writes it.</summary>
    public override string ToString()
    {
        string text = Destination is { PrefixLength: > 0 } destination ? destination.ToString() : "default";
        text = Gateway is null ? text : $"{text} via {IpText.Format(Gateway)}";
        text = Link is null ? text : $"{text} dev {Link}";
        text = Table is null ? text : $"{text} table {Table}";
        return Metric is null ? text : $"{text} metric {Metric}";
    }

    private AddressFamily FirstHopFamily() =>
        NextHops.Count > 0 && NextHops[0].Gateway is { } gateway ? gateway.AddressFamily : AddressFamily.InterNetwork;
}

/// <summary>One way of a multipath route.</summary>
/// <param name="Gateway">The next router.</param>
/// <param name="Link">The interface by which packets leave.</param>
/// <param name="Weight">Its share of the traffic relative to the others, from 1.</param>
/// <param name="OnLink">Whether the gateway is taken as reachable although no address of the link says so.</param>
public readonly record struct NextHop(IPAddress? Gateway, LinkIndex? Link, int Weight = 1, bool OnLink = false);

/// <summary>Who made a route; the numbers of rtnetlink.</summary>
public enum RouteProtocol : byte
{
    /// <summary>Not known.</summary>
    Unspecified = 0,

    /// <summary>An ICMP redirect.</summary>
    Redirect = 1,

    /// <summary>The kernel, for an address.</summary>
    Kernel = 2,

    /// <summary>Tools, at boot or by hand.</summary>
    Boot = 3,

    /// <summary>The administrator.</summary>
    Static = 4,

    /// <summary>A router advertisement.</summary>
    RouterAdvertisement = 9,

    /// <summary>A DHCP client.</summary>
    Dhcp = 16,

    /// <summary>A BGP daemon.</summary>
    Bgp = 186,
}

/// <summary>What happens to a route's packets.</summary>
public enum RouteType : byte
{
    /// <summary>Not known.</summary>
    Unspecified = 0,

    /// <summary>They go out.</summary>
    Unicast = 1,

    /// <summary>They are for this host.</summary>
    Local = 2,

    /// <summary>They are broadcast.</summary>
    Broadcast = 3,

    /// <summary>They are for this host, if nobody nearer has the address.</summary>
    Anycast = 4,

    /// <summary>They are multicast.</summary>
    Multicast = 5,

    /// <summary>They are dropped silently.</summary>
    Blackhole = 6,

    /// <summary>They are answered with host unreachable.</summary>
    Unreachable = 7,

    /// <summary>They are answered with administratively prohibited.</summary>
    Prohibit = 8,

    /// <summary>The next table is looked up.</summary>
    Throw = 9,
}

/// <summary>How a route is added beside others of the same destination.</summary>
public enum RouteAddition
{
    /// <summary>Only if there is none; <c>ip route add</c>.</summary>
    Exclusive,

    /// <summary>Before those with the same metric, unless it is the same route; <c>ip route prepend</c>.</summary>
    Prepend,

    /// <summary>After those with the same metric, unless it is the same route; <c>ip route append</c>.</summary>
    Append,

    /// <summary>Instead of the one with the same metric; <c>ip route replace</c>.</summary>
    Replace,
}

/// <summary>Which routes to list; null members do not count.</summary>
public readonly record struct RouteFilter
{
    /// <summary>The address family.</summary>
    public AddressFamily? Family { get; init; }

    /// <summary>The table; null for all tables.</summary>
    public uint? Table { get; init; }

    /// <summary>The interface by which packets leave.</summary>
    public LinkIndex? Link { get; init; }

    /// <summary>Who made them.</summary>
    public RouteProtocol? Protocol { get; init; }
}
