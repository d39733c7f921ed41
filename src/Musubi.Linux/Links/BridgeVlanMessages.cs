using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Musubi.Linux.Interop;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>Writes requests about bridge VLANs and reads the answers.</summary>
internal static class BridgeVlanMessages
{
    internal static void Change(ref MessageWriter writer, ushort type, LinkIndex link, scoped ReadOnlySpan<BridgeVlan> vlans, bool isBridge)
    {
        writer.Begin(type, NetlinkProtocol.NLM_F_ACK);
        writer.Struct(new Rtnl.LinkHeader { Family = Libc.AF_BRIDGE, Index = link.Value });
        int spec = writer.BeginNest(Rtnl.IFLA_AF_SPEC);
        writer.UInt16(Rtnl.IFLA_BRIDGE_FLAGS, isBridge ? Rtnl.BRIDGE_FLAGS_SELF : Rtnl.BRIDGE_FLAGS_MASTER);
        foreach (BridgeVlan vlan in vlans)
        {
            ushort flags = (ushort)((vlan.Pvid ? Rtnl.BRIDGE_VLAN_INFO_PVID : 0) | (vlan.Untagged ? Rtnl.BRIDGE_VLAN_INFO_UNTAGGED : 0));
            if (vlan.First == vlan.Last)
            {
                Write(ref writer, flags, vlan.First);
            }
            else
            {
                Write(ref writer, (ushort)(flags | Rtnl.BRIDGE_VLAN_INFO_RANGE_BEGIN), vlan.First);
                Write(ref writer, (ushort)(flags | Rtnl.BRIDGE_VLAN_INFO_RANGE_END), vlan.Last);
            }
        }

        writer.EndNest(spec);
        writer.End();
    }

    internal static void List(ref MessageWriter writer)
    {
        writer.Begin(Rtnl.RTM_GETLINK, NetlinkProtocol.NLM_F_DUMP);
        writer.Struct(new Rtnl.LinkHeader { Family = Libc.AF_BRIDGE });
        writer.UInt32(Rtnl.IFLA_EXT_MASK, Rtnl.RTEXT_FILTER_BRVLAN_COMPRESSED);
        writer.End();
    }

    internal static bool TryRead(in NetlinkMessage message, [MaybeNullWhen(false)] out BridgeVlans vlans)
    {
        vlans = null;
        if (message.Type != Rtnl.RTM_NEWLINK)
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Rtnl.LinkHeader header);
        List<BridgeVlan> list = [];
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type == Rtnl.IFLA_AF_SPEC)
            {
                Read(value.Nested, list);
            }
        }

        vlans = new BridgeVlans(new LinkIndex(header.Index), list);
        return true;
    }

    private static void Read(AttributeReader attributes, List<BridgeVlan> list)
    {
        VlanInfo first = default;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            if (type != Rtnl.IFLA_BRIDGE_VLAN_INFO)
            {
                continue;
            }

            VlanInfo info = value.Read<VlanInfo>();
            if ((info.Flags & Rtnl.BRIDGE_VLAN_INFO_RANGE_BEGIN) != 0)
            {
                first = info;
                continue;
            }

            ushort start = (info.Flags & Rtnl.BRIDGE_VLAN_INFO_RANGE_END) != 0 ? first.Vlan : info.Vlan;
            if (!VlanId.TryCreate(start, out VlanId from) || !VlanId.TryCreate(info.Vlan, out VlanId to))
            {
                throw NetlinkException.Malformed($"a bridge port with VLAN {start}-{info.Vlan}");
            }

            list.Add(new BridgeVlan(from, to)
            {
                Pvid = (info.Flags & Rtnl.BRIDGE_VLAN_INFO_PVID) != 0,
                Untagged = (info.Flags & Rtnl.BRIDGE_VLAN_INFO_UNTAGGED) != 0,
            });
        }
    }

    private static void Write(ref MessageWriter writer, ushort flags, VlanId vlan) =>
        writer.Attribute(Rtnl.IFLA_BRIDGE_VLAN_INFO, new VlanInfo { Flags = flags, Vlan = (ushort)vlan.Value });

    /// <summary>struct bridge_vlan_info</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct VlanInfo
    {
        internal ushort Flags;
        internal ushort Vlan;
    }
}
