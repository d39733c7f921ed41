using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.TrafficControl;

namespace Musubi.Cni.Plugins.Bandwidth;

/// <summary>
/// Shapes what leaves an interface: a class with the limit, one without, and filters that tell by destination which is which. Disciplines,
/// classes and filters are those of the reference plugin since its version 1.5.
/// </summary>
internal static class Shaper
{
    private const ulong NoLimit = 100_000_000_000; // bytes per second
    private const ushort IPv4Priority = 16;
    private const ushort IPv6Priority = 15;
    private const uint LeastQuantum = 1514; // a packet: less, and the kernel complains
    private const uint MostQuantum = 200_000;

    private static readonly TcHandle _root = new(1, 0);
    private static readonly TcHandle _limited = new(1, 0x30);
    private static readonly TcHandle _free = new(1, 1);

    /// <summary>Adds to a batch what shapes an interface.</summary>
    public static void Add(RouteBatch batch, LinkIndex link, BandwidthLimit limit, BandwidthConfig config)
    {
        batch.AddQdisc(Qdisc.HtbRoot(link, DefaultClass(config).Minor));
        batch.AddClass(new HtbClass(link, _limited, limit.BytesPerSecond)
        {
            BurstTicks = HtbClass.BurstOf(limit.BurstBytes, limit.BytesPerSecond),
            QuantumBytes = (uint)Math.Clamp(limit.BytesPerSecond / 10, LeastQuantum, MostQuantum),
        });
        batch.AddClass(new HtbClass(link, _free, NoLimit) { QuantumBytes = MostQuantum });
        foreach (Cidr subnet in config.Subnets)
        {
            batch.AddFilter(new U32Filter(link, _root, subnet.IsIPv6 ? IPv6Priority : IPv4Priority) { Class = config.SubnetsAreLimited ? _limited : _free }.To(subnet));
        }
    }

    /// <summary>What is not as configured; null when all is.</summary>
    public static string? FindDifference(RouteSocket route, LinkInfo link, BandwidthLimit limit, BandwidthConfig config)
    {
        Qdisc? root = route.TrafficControl.ListQdiscs(link.Index).FirstOrDefault(q => q.Kind == Qdisc.Htb);
        if (root is null)
        {
            return $"Failed to find qdisc of {link.Name}";
        }

        if (root.DefaultClass != DefaultClass(config).Minor)
        {
            return $"Default class of {link.Name} does not match: {root.DefaultClass:x}, expected {DefaultClass(config).Minor:x}";
        }

        HtbClass? shape = route.TrafficControl.ListClasses(link.Index).FirstOrDefault(c => c.Handle == _limited);
        if (shape?.RateBytesPerSecond != limit.BytesPerSecond)
        {
            return $"Rate of {link.Name} does not match: {shape?.RateBytesPerSecond} bytes per second, expected {limit.BytesPerSecond}";
        }

        uint burst = HtbClass.BurstOf(limit.BurstBytes, limit.BytesPerSecond);
        if (shape.BurstTicks != burst)
        {
            return $"Burst of {link.Name} does not match: {shape.BurstTicks} ticks, expected {burst}";
        }

        int filters = route.TrafficControl.ListFilters(link.Index, _root).Count;
        return filters == config.Subnets.Count ? null : $"Number of filters of {link.Name} does not match: {filters}, expected {config.Subnets.Count}";
    }

    private static TcHandle DefaultClass(BandwidthConfig config) => config.SubnetsAreLimited ? _free : _limited;
}
