using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>A bridge; <c>ip link add NAME type bridge</c>. Its options can be changed later by <see cref="LinkRequests.ChangeOptions"/>.</summary>
/// <param name="Name">The interface's name.</param>
public sealed record BridgeLink(string Name) : LinkSpec(Name)
{
    /// <summary>Spanning tree protocol.</summary>
    public bool? Stp { get; init; }

    /// <summary>Time in the listening and in the learning state, 2 to 30 seconds (0 without STP).</summary>
    public TimeSpan? ForwardDelay { get; init; }

    /// <summary>Time between hello packets, 1 to 10 seconds.</summary>
    public TimeSpan? HelloTime { get; init; }

    /// <summary>Longest age of a message, 6 to 40 seconds.</summary>
    public TimeSpan? MaxAge { get; init; }

    /// <summary>How long a learnt address is kept.</summary>
    public TimeSpan? AgeingTime { get; init; }

    /// <summary>Bridge priority in the spanning tree; lower wins.</summary>
    public ushort? Priority { get; init; }

    /// <summary>Whether ports have VLAN memberships.</summary>
    public bool? VlanFiltering { get; init; }

    /// <summary>The tag by which VLANs are told.</summary>
    public VlanProtocol? VlanProtocol { get; init; }

    /// <summary>The VLAN that new ports get untagged; 0 for none.</summary>
    public ushort? VlanDefaultPvid { get; init; }

    /// <summary>Which link-local groups (01:80:c2:00:00:0X) are forwarded, one bit for each X.</summary>
    public ushort? GroupForwardMask { get; init; }

    /// <summary>Whether multicast goes only to ports that asked for it.</summary>
    public bool? MulticastSnooping { get; init; }

    /// <summary>Whether the bridge asks for multicast members itself.</summary>
    public bool? MulticastQuerier { get; init; }

    internal override string Kind => "bridge";

    internal override void WriteOptions(ref MessageWriter writer)
    {
        WriteTime(ref writer, Rtnl.IFLA_BR_FORWARD_DELAY, ForwardDelay);
        WriteTime(ref writer, Rtnl.IFLA_BR_HELLO_TIME, HelloTime);
        WriteTime(ref writer, Rtnl.IFLA_BR_MAX_AGE, MaxAge);
        WriteTime(ref writer, Rtnl.IFLA_BR_AGEING_TIME, AgeingTime);
        if (Stp is { } stp)
        {
            writer.UInt32(Rtnl.IFLA_BR_STP_STATE, stp ? 1u : 0u);
        }

        if (Priority is { } priority)
        {
            writer.UInt16(Rtnl.IFLA_BR_PRIORITY, priority);
        }

        // The protocol goes before the filtering: it cannot change once ports have VLANs.
        if (VlanProtocol is { } protocol)
        {
            writer.UInt16BigEndian(Rtnl.IFLA_BR_VLAN_PROTOCOL, (ushort)protocol);
        }

        WriteBool(ref writer, Rtnl.IFLA_BR_VLAN_FILTERING, VlanFiltering);
        if (VlanDefaultPvid is { } pvid)
        {
            writer.UInt16(Rtnl.IFLA_BR_VLAN_DEFAULT_PVID, pvid);
        }

        if (GroupForwardMask is { } mask)
        {
            writer.UInt16(Rtnl.IFLA_BR_GROUP_FWD_MASK, mask);
        }

        WriteBool(ref writer, Rtnl.IFLA_BR_MCAST_SNOOPING, MulticastSnooping);
        WriteBool(ref writer, Rtnl.IFLA_BR_MCAST_QUERIER, MulticastQuerier);
    }

    private static void WriteBool(ref MessageWriter writer, ushort type, bool? value)
    {
        if (value is { } set)
        {
            writer.Bool(type, set);
        }
    }

    private static void WriteTime(ref MessageWriter writer, ushort type, TimeSpan? value)
    {
        if (value is { } time)
        {
            writer.UInt32(type, checked((uint)(time.Ticks / KernelTime.TicksPerUnit)));
        }
    }
}

/// <summary>The unit (USER_HZ, a hundredth of a second) in which the kernel tells its timers to the outside.</summary>
internal static class KernelTime
{
    internal const long TicksPerUnit = TimeSpan.TicksPerSecond / 100;

    internal static TimeSpan Read(uint value) => new(value * TicksPerUnit);
}
