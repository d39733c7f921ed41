namespace Musubi.Linux.Conntrack;

/// <summary>Message types and attributes of connection tracking; linux/netfilter/nfnetlink_conntrack.h. Names and values are the kernel's.</summary>
internal static class Ctnl
{
    internal const ushort NFNL_SUBSYS_CTNETLINK = 1;

    internal const ushort IPCTNL_MSG_CT_NEW = 0;
    internal const ushort IPCTNL_MSG_CT_GET = 1;
    internal const ushort IPCTNL_MSG_CT_DELETE = 2;

    internal const ushort CTA_TUPLE_ORIG = 1;
    internal const ushort CTA_ID = 12;
    internal const ushort CTA_ZONE = 18;
    internal const ushort CTA_FILTER = 25;

    internal const ushort CTA_TUPLE_IP = 1;
    internal const ushort CTA_TUPLE_PROTO = 2;

    internal const ushort CTA_IP_V4_SRC = 1;
    internal const ushort CTA_IP_V4_DST = 2;
    internal const ushort CTA_IP_V6_SRC = 3;
    internal const ushort CTA_IP_V6_DST = 4;

    internal const ushort CTA_PROTO_NUM = 1;
    internal const ushort CTA_PROTO_SRC_PORT = 2;
    internal const ushort CTA_PROTO_DST_PORT = 3;

    internal const ushort CTA_FILTER_ORIG_FLAGS = 1;
    internal const uint CTA_FILTER_F_CTA_PROTO_NUM = 1 << 3;
    internal const uint CTA_FILTER_F_CTA_PROTO_DST_PORT = 1 << 5;

    internal static string NameOf(ushort type) => (type & 0xff) switch
    {
        IPCTNL_MSG_CT_NEW => nameof(IPCTNL_MSG_CT_NEW),
        IPCTNL_MSG_CT_GET => nameof(IPCTNL_MSG_CT_GET),
        IPCTNL_MSG_CT_DELETE => nameof(IPCTNL_MSG_CT_DELETE),
        _ => $"conntrack message type {type & 0xff}",
    };
}
