namespace Musubi.Linux.Netlink;

/// <summary>Attributes of links; linux/if_link.h, linux/if_bridge.h.</summary>
internal static partial class Rtnl
{
    internal const uint IFF_UP = 0x1;
    internal const uint IFF_PROMISC = 0x100;
    internal const uint IFF_ALLMULTI = 0x200;

    internal const ushort IFLA_ADDRESS = 1;
    internal const ushort IFLA_IFNAME = 3;
    internal const ushort IFLA_MTU = 4;
    internal const ushort IFLA_LINK = 5;
    internal const ushort IFLA_MASTER = 10;
    internal const ushort IFLA_TXQLEN = 13;
    internal const ushort IFLA_OPERSTATE = 16;
    internal const ushort IFLA_LINKINFO = 18;
    internal const ushort IFLA_IFALIAS = 20;
    internal const ushort IFLA_STATS64 = 23;
    internal const ushort IFLA_AF_SPEC = 26;
    internal const ushort IFLA_GROUP = 27;
    internal const ushort IFLA_NET_NS_FD = 28;
    internal const ushort IFLA_EXT_MASK = 29;
    internal const ushort IFLA_PROMISCUITY = 30;
    internal const ushort IFLA_NUM_TX_QUEUES = 31;
    internal const ushort IFLA_NUM_RX_QUEUES = 32;
    internal const ushort IFLA_CARRIER = 33;
    internal const ushort IFLA_LINK_NETNSID = 37;
    internal const ushort IFLA_MIN_MTU = 50;
    internal const ushort IFLA_MAX_MTU = 51;
    internal const ushort IFLA_PROP_LIST = 52;
    internal const ushort IFLA_ALT_IFNAME = 53;
    internal const ushort IFLA_PERM_ADDRESS = 54;

    internal const ushort IFLA_INFO_KIND = 1;
    internal const ushort IFLA_INFO_DATA = 2;
    internal const ushort IFLA_INFO_SLAVE_KIND = 4;
    internal const ushort IFLA_INFO_SLAVE_DATA = 5;

    internal const ushort VETH_INFO_PEER = 1;

    internal const ushort IFLA_MACVLAN_MODE = 1;
    internal const ushort IFLA_MACVLAN_BC_QUEUE_LEN = 7;

    internal const ushort IFLA_IPVLAN_MODE = 1;

    internal const ushort IFLA_VRF_TABLE = 1;

    internal const ushort IFLA_VLAN_ID = 1;
    internal const ushort IFLA_VLAN_PROTOCOL = 5;

    internal const ushort IFLA_BR_FORWARD_DELAY = 1;
    internal const ushort IFLA_BR_HELLO_TIME = 2;
    internal const ushort IFLA_BR_MAX_AGE = 3;
    internal const ushort IFLA_BR_AGEING_TIME = 4;
    internal const ushort IFLA_BR_STP_STATE = 5;
    internal const ushort IFLA_BR_PRIORITY = 6;
    internal const ushort IFLA_BR_VLAN_FILTERING = 7;
    internal const ushort IFLA_BR_VLAN_PROTOCOL = 8;
    internal const ushort IFLA_BR_GROUP_FWD_MASK = 9;
    internal const ushort IFLA_BR_MCAST_SNOOPING = 23;
    internal const ushort IFLA_BR_MCAST_QUERIER = 25;
    internal const ushort IFLA_BR_VLAN_DEFAULT_PVID = 39;

    internal const ushort IFLA_BRPORT_STATE = 1;
    internal const ushort IFLA_BRPORT_PRIORITY = 2;
    internal const ushort IFLA_BRPORT_COST = 3;
    internal const ushort IFLA_BRPORT_MODE = 4;
    internal const ushort IFLA_BRPORT_GUARD = 5;
    internal const ushort IFLA_BRPORT_LEARNING = 8;
    internal const ushort IFLA_BRPORT_UNICAST_FLOOD = 9;
    internal const ushort IFLA_BRPORT_MCAST_FLOOD = 27;
    internal const ushort IFLA_BRPORT_BCAST_FLOOD = 30;
    internal const ushort IFLA_BRPORT_NEIGH_SUPPRESS = 32;
    internal const ushort IFLA_BRPORT_ISOLATED = 33;

    internal const ushort IFLA_BRIDGE_FLAGS = 0;
    internal const ushort IFLA_BRIDGE_VLAN_INFO = 2;
    internal const ushort BRIDGE_FLAGS_MASTER = 1;
    internal const ushort BRIDGE_FLAGS_SELF = 2;
    internal const ushort BRIDGE_VLAN_INFO_PVID = 2;
    internal const ushort BRIDGE_VLAN_INFO_UNTAGGED = 4;
    internal const ushort BRIDGE_VLAN_INFO_RANGE_BEGIN = 8;
    internal const ushort BRIDGE_VLAN_INFO_RANGE_END = 16;

    internal const uint RTEXT_FILTER_BRVLAN_COMPRESSED = 4;
    internal const uint RTEXT_FILTER_SKIP_STATS = 8;
}
