using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>Writes the requests about links.</summary>
internal static class LinkMessages
{
    private const ushort Change = NetlinkProtocol.NLM_F_ACK;

    internal static void Create(ref MessageWriter writer, LinkSpec spec)
    {
        writer.Begin(Rtnl.RTM_NEWLINK, Change | NetlinkProtocol.NLM_F_CREATE | NetlinkProtocol.NLM_F_EXCL);
        (uint flags, uint change) = Flag(Rtnl.IFF_UP, spec.AdminUp);
        writer.Struct(new Rtnl.LinkHeader { Index = spec.Index?.Value ?? 0, Flags = flags, Change = change });
        writer.Text(Rtnl.IFLA_IFNAME, spec.Name);
        if (spec.MtuBytes is int mtu)
        {
            writer.Int32(Rtnl.IFLA_MTU, mtu);
        }

        if (spec.Mac is { } mac)
        {
            writer.Mac(Rtnl.IFLA_ADDRESS, mac);
        }

        if (spec.LowerLink is { } lower)
        {
            writer.Int32(Rtnl.IFLA_LINK, lower.Value);
        }

        if (spec.Master is { } master)
        {
            writer.Int32(Rtnl.IFLA_MASTER, master.Value);
        }

        if (spec.TxQueueLength is int length)
        {
            writer.Int32(Rtnl.IFLA_TXQLEN, length);
        }

        if (spec.Group is { } group)
        {
            writer.UInt32(Rtnl.IFLA_GROUP, group);
        }

        if (spec.Queues is int queues)
        {
            writer.Int32(Rtnl.IFLA_NUM_TX_QUEUES, queues);
            writer.Int32(Rtnl.IFLA_NUM_RX_QUEUES, queues);
        }

        if (spec.Namespace is { } target)
        {
            writer.Int32(Rtnl.IFLA_NET_NS_FD, DescriptorOf(target));
        }

        Options(ref writer, spec);
        writer.End();
    }

    internal static void ChangeOptions(ref MessageWriter writer, LinkIndex link, LinkSpec options)
    {
        // Only RTM_NEWLINK hands options to the kind's driver; without CREATE it changes what is there.
        writer.Begin(Rtnl.RTM_NEWLINK, Change);
        writer.Struct(new Rtnl.LinkHeader { Index = link.Value });
        Options(ref writer, options);
        writer.End();
    }

    internal static void ChangeLink(ref MessageWriter writer, LinkIndex link, LinkChange change)
    {
        writer.Begin(Rtnl.RTM_SETLINK, Change);
        (uint flags, uint mask) = Flag(Rtnl.IFF_UP, change.AdminUp);
        (uint promiscuous, uint promiscuousMask) = Flag(Rtnl.IFF_PROMISC, change.Promiscuous);
        (uint multicast, uint multicastMask) = Flag(Rtnl.IFF_ALLMULTI, change.AllMulticast);
        writer.Struct(new Rtnl.LinkHeader
        {
            Index = link.Value,
            Flags = flags | promiscuous | multicast,
            Change = mask | promiscuousMask | multicastMask,
        });
        if (change.Name is { } name)
        {
            writer.Text(Rtnl.IFLA_IFNAME, name);
        }

        if (change.MtuBytes is int mtu)
        {
            writer.Int32(Rtnl.IFLA_MTU, mtu);
        }

        if (change.Mac is { } mac)
        {
            writer.Mac(Rtnl.IFLA_ADDRESS, mac);
        }

        if (change.Master is { } master)
        {
            writer.Int32(Rtnl.IFLA_MASTER, master.Value);
        }

        if (change.Group is { } group)
        {
            writer.UInt32(Rtnl.IFLA_GROUP, group);
        }

        if (change.Alias is { } alias)
        {
            writer.Text(Rtnl.IFLA_IFALIAS, alias);
        }

        if (change.TxQueueLength is int length)
        {
            writer.Int32(Rtnl.IFLA_TXQLEN, length);
        }

        if (change.MoveTo is { } target)
        {
            writer.Int32(Rtnl.IFLA_NET_NS_FD, DescriptorOf(target));
        }

        writer.End();
    }

    internal static void ChangePort(ref MessageWriter writer, LinkIndex port, BridgePortChange change)
    {
        writer.Begin(Rtnl.RTM_NEWLINK, Change);
        writer.Struct(new Rtnl.LinkHeader { Index = port.Value });
        int info = writer.BeginNest(Rtnl.IFLA_LINKINFO);
        writer.Text(Rtnl.IFLA_INFO_SLAVE_KIND, "bridge");
        int data = writer.BeginNest(Rtnl.IFLA_INFO_SLAVE_DATA);
        Bool(ref writer, Rtnl.IFLA_BRPORT_MODE, change.Hairpin);
        Bool(ref writer, Rtnl.IFLA_BRPORT_ISOLATED, change.Isolated);
        Bool(ref writer, Rtnl.IFLA_BRPORT_LEARNING, change.Learning);
        Bool(ref writer, Rtnl.IFLA_BRPORT_UNICAST_FLOOD, change.UnicastFlood);
        Bool(ref writer, Rtnl.IFLA_BRPORT_MCAST_FLOOD, change.MulticastFlood);
        Bool(ref writer, Rtnl.IFLA_BRPORT_BCAST_FLOOD, change.BroadcastFlood);
        Bool(ref writer, Rtnl.IFLA_BRPORT_GUARD, change.BpduGuard);
        Bool(ref writer, Rtnl.IFLA_BRPORT_NEIGH_SUPPRESS, change.NeighbourSuppression);
        if (change.Priority is { } priority)
        {
            writer.UInt16(Rtnl.IFLA_BRPORT_PRIORITY, priority);
        }

        if (change.Cost is { } cost)
        {
            writer.UInt32(Rtnl.IFLA_BRPORT_COST, cost);
        }

        writer.EndNest(data);
        writer.EndNest(info);
        writer.End();
    }

    internal static void Delete(ref MessageWriter writer, LinkIndex link)
    {
        writer.Begin(Rtnl.RTM_DELLINK, Change);
        writer.Struct(new Rtnl.LinkHeader { Index = link.Value });
        writer.End();
    }

    internal static void Delete(ref MessageWriter writer, string name)
    {
        writer.Begin(Rtnl.RTM_DELLINK, Change);
        writer.Struct(default(Rtnl.LinkHeader));
        writer.Text(Rtnl.IFLA_IFNAME, name);
        writer.End();
    }

    internal static void DeleteGroup(ref MessageWriter writer, uint group)
    {
        writer.Begin(Rtnl.RTM_DELLINK, Change);
        writer.Struct(default(Rtnl.LinkHeader));
        writer.UInt32(Rtnl.IFLA_GROUP, group);
        writer.End();
    }

    internal static void Get(ref MessageWriter writer, string name, uint filter = 0)
    {
        writer.Begin(Rtnl.RTM_GETLINK, 0);
        writer.Struct(default(Rtnl.LinkHeader));

        // Names beyond the classic 15 bytes can only be alternative names.
        writer.Text(name.Length > 15 ? Rtnl.IFLA_ALT_IFNAME : Rtnl.IFLA_IFNAME, name);
        Filter(ref writer, filter);
        writer.End();
    }

    internal static void Get(ref MessageWriter writer, LinkIndex link, uint filter = 0)
    {
        writer.Begin(Rtnl.RTM_GETLINK, 0);
        writer.Struct(new Rtnl.LinkHeader { Index = link.Value });
        Filter(ref writer, filter);
        writer.End();
    }

    internal static void List(ref MessageWriter writer, LinkIndex? master = null)
    {
        writer.Begin(Rtnl.RTM_GETLINK, NetlinkProtocol.NLM_F_DUMP);
        writer.Struct(default(Rtnl.LinkHeader));
        if (master is { } bridge)
        {
            writer.Int32(Rtnl.IFLA_MASTER, bridge.Value);
        }

        writer.End();
    }

    /// <summary>The number by which the kernel finds the namespace while it handles the request.</summary>
    internal static int DescriptorOf(NetworkNamespace network)
    {
        ObjectDisposedException.ThrowIf(network.Handle.IsClosed, network);
        return (int)network.Handle.DangerousGetHandle();
    }

    private static void Options(ref MessageWriter writer, LinkSpec spec)
    {
        int info = writer.BeginNest(Rtnl.IFLA_LINKINFO);
        writer.Text(Rtnl.IFLA_INFO_KIND, spec.Kind);
        int data = writer.BeginNest(Rtnl.IFLA_INFO_DATA);
        spec.WriteOptions(ref writer);
        writer.EndNest(data);
        writer.EndNest(info);
    }

    private static void Filter(ref MessageWriter writer, uint filter)
    {
        if (filter != 0)
        {
            writer.UInt32(Rtnl.IFLA_EXT_MASK, filter);
        }
    }

    private static void Bool(ref MessageWriter writer, ushort type, bool? value)
    {
        if (value is { } set)
        {
            writer.Bool(type, set);
        }
    }

    private static (uint Flags, uint Change) Flag(uint bit, bool? value) => value is { } set ? (set ? bit : 0, bit) : (0u, 0u);
}
