using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>Reads the options of each kind of link.</summary>
internal static class LinkDetailsReader
{
    internal static BridgeDetails ReadBridge(AttributeReader attributes)
    {
        BridgeDetails bridge = new();
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            bridge = type switch
            {
                Rtnl.IFLA_BR_FORWARD_DELAY => bridge with { ForwardDelay = KernelTime.Read(value.UInt32) },
                Rtnl.IFLA_BR_HELLO_TIME => bridge with { HelloTime = KernelTime.Read(value.UInt32) },
                Rtnl.IFLA_BR_MAX_AGE => bridge with { MaxAge = KernelTime.Read(value.UInt32) },
                Rtnl.IFLA_BR_AGEING_TIME => bridge with { AgeingTime = KernelTime.Read(value.UInt32) },
                Rtnl.IFLA_BR_STP_STATE => bridge with { Stp = value.UInt32 != 0 },
                Rtnl.IFLA_BR_PRIORITY => bridge with { Priority = value.UInt16 },
                Rtnl.IFLA_BR_VLAN_FILTERING => bridge with { VlanFiltering = value.UInt8 != 0 },
                Rtnl.IFLA_BR_VLAN_PROTOCOL => bridge with { VlanProtocol = (VlanProtocol)value.UInt16BigEndian },
                Rtnl.IFLA_BR_VLAN_DEFAULT_PVID => bridge with { VlanDefaultPvid = value.UInt16 },
                Rtnl.IFLA_BR_GROUP_FWD_MASK => bridge with { GroupForwardMask = value.UInt16 },
                Rtnl.IFLA_BR_MCAST_SNOOPING => bridge with { MulticastSnooping = value.UInt8 != 0 },
                Rtnl.IFLA_BR_MCAST_QUERIER => bridge with { MulticastQuerier = value.UInt8 != 0 },
                _ => bridge,
            };
        }

        return bridge;
    }

    internal static BridgePortDetails ReadBridgePort(AttributeReader attributes)
    {
        BridgePortDetails port = new();
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            port = type switch
            {
                Rtnl.IFLA_BRPORT_STATE => port with { State = (BridgePortState)value.UInt8 },
                Rtnl.IFLA_BRPORT_MODE => port with { Hairpin = value.UInt8 != 0 },
                Rtnl.IFLA_BRPORT_ISOLATED => port with { Isolated = value.UInt8 != 0 },
                Rtnl.IFLA_BRPORT_LEARNING => port with { Learning = value.UInt8 != 0 },
                Rtnl.IFLA_BRPORT_UNICAST_FLOOD => port with { UnicastFlood = value.UInt8 != 0 },
                Rtnl.IFLA_BRPORT_MCAST_FLOOD => port with { MulticastFlood = value.UInt8 != 0 },
                Rtnl.IFLA_BRPORT_BCAST_FLOOD => port with { BroadcastFlood = value.UInt8 != 0 },
                Rtnl.IFLA_BRPORT_GUARD => port with { BpduGuard = value.UInt8 != 0 },
                Rtnl.IFLA_BRPORT_NEIGH_SUPPRESS => port with { NeighbourSuppression = value.UInt8 != 0 },
                Rtnl.IFLA_BRPORT_PRIORITY => port with { Priority = value.UInt16 },
                Rtnl.IFLA_BRPORT_COST => port with { Cost = value.UInt32 },
                _ => port,
            };
        }

        return port;
    }

    internal static MacvlanDetails ReadMacvlan(AttributeReader attributes)
    {
        MacvlanDetails macvlan = new(default(MacvlanMode), 0);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            macvlan = type switch
            {
                Rtnl.IFLA_MACVLAN_MODE => macvlan with { Mode = (MacvlanMode)value.UInt32 },
                Rtnl.IFLA_MACVLAN_BC_QUEUE_LEN => macvlan with { BroadcastQueueLength = value.UInt32 },
                _ => macvlan,
            };
        }

        return macvlan;
    }

    internal static VlanDetails ReadVlan(AttributeReader attributes)
    {
        VlanDetails vlan = new(0, VlanProtocol.Dot1Q);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            vlan = type switch
            {
                Rtnl.IFLA_VLAN_ID => vlan with { Id = value.UInt16 },
                Rtnl.IFLA_VLAN_PROTOCOL => vlan with { Protocol = (VlanProtocol)value.UInt16BigEndian },
                _ => vlan,
            };
        }

        return vlan;
    }

    internal static IpvlanMode? ReadIpvlan(AttributeReader attributes)
    {
        IpvlanMode? mode = null;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            mode = type == Rtnl.IFLA_IPVLAN_MODE ? (IpvlanMode)value.UInt16 : mode;
        }

        return mode;
    }

    internal static uint? ReadVrf(AttributeReader attributes)
    {
        uint? table = null;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            table = type == Rtnl.IFLA_VRF_TABLE ? value.UInt32 : table;
        }

        return table;
    }
}
