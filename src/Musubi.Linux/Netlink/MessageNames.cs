namespace Musubi.Linux.Netlink;

/// <summary>The C names of message types, for errors.</summary>
internal static class MessageNames
{
    internal static string Of(ushort protocol, ushort type) => protocol == NetlinkProtocol.NETLINK_NETFILTER ? OfNetfilter(type) : OfRoute(type);

    private static string OfRoute(ushort type) => type switch
    {
        Rtnl.RTM_NEWLINK => nameof(Rtnl.RTM_NEWLINK),
        Rtnl.RTM_DELLINK => nameof(Rtnl.RTM_DELLINK),
        Rtnl.RTM_GETLINK => nameof(Rtnl.RTM_GETLINK),
        Rtnl.RTM_SETLINK => nameof(Rtnl.RTM_SETLINK),
        Rtnl.RTM_NEWADDR => nameof(Rtnl.RTM_NEWADDR),
        Rtnl.RTM_DELADDR => nameof(Rtnl.RTM_DELADDR),
        Rtnl.RTM_GETADDR => nameof(Rtnl.RTM_GETADDR),
        Rtnl.RTM_NEWROUTE => nameof(Rtnl.RTM_NEWROUTE),
        Rtnl.RTM_DELROUTE => nameof(Rtnl.RTM_DELROUTE),
        Rtnl.RTM_GETROUTE => nameof(Rtnl.RTM_GETROUTE),
        Rtnl.RTM_NEWNEIGH => nameof(Rtnl.RTM_NEWNEIGH),
        Rtnl.RTM_DELNEIGH => nameof(Rtnl.RTM_DELNEIGH),
        Rtnl.RTM_GETNEIGH => nameof(Rtnl.RTM_GETNEIGH),
        Rtnl.RTM_NEWRULE => nameof(Rtnl.RTM_NEWRULE),
        Rtnl.RTM_DELRULE => nameof(Rtnl.RTM_DELRULE),
        Rtnl.RTM_GETRULE => nameof(Rtnl.RTM_GETRULE),
        Rtnl.RTM_NEWQDISC => nameof(Rtnl.RTM_NEWQDISC),
        Rtnl.RTM_DELQDISC => nameof(Rtnl.RTM_DELQDISC),
        Rtnl.RTM_GETQDISC => nameof(Rtnl.RTM_GETQDISC),
        Rtnl.RTM_NEWTCLASS => nameof(Rtnl.RTM_NEWTCLASS),
        Rtnl.RTM_GETTCLASS => nameof(Rtnl.RTM_GETTCLASS),
        Rtnl.RTM_NEWTFILTER => nameof(Rtnl.RTM_NEWTFILTER),
        Rtnl.RTM_GETTFILTER => nameof(Rtnl.RTM_GETTFILTER),
        _ => $"message type {type}",
    };

    private static string OfNetfilter(ushort type) => type >> 8 == Conntrack.Ctnl.NFNL_SUBSYS_CTNETLINK ? Conntrack.Ctnl.NameOf(type) : Nftables.Nft.NameOf(type);
}
