using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables;

namespace Musubi.Linux.Conntrack;

/// <summary>Writes requests about connections and reads the answers.</summary>
internal static class ConntrackMessages
{
    internal static void List(ref MessageWriter writer, AddressFamily family, byte protocol, ushort? destinationPort)
    {
        Begin(ref writer, Ctnl.IPCTNL_MSG_CT_GET, family, NetlinkProtocol.NLM_F_DUMP);

        // Linux 5.8 sends only what is asked for; older kernels pass over the filter and send all.
        int tuple = writer.BeginNest(Ctnl.CTA_TUPLE_ORIG);
        int proto = writer.BeginNest(Ctnl.CTA_TUPLE_PROTO);
        writer.UInt8(Ctnl.CTA_PROTO_NUM, protocol);
        if (destinationPort is { } port)
        {
            writer.UInt16BigEndian(Ctnl.CTA_PROTO_DST_PORT, port);
        }

        writer.EndNest(proto);
        writer.EndNest(tuple);
        int filter = writer.BeginNest(Ctnl.CTA_FILTER);
        writer.UInt32(Ctnl.CTA_FILTER_ORIG_FLAGS, Ctnl.CTA_FILTER_F_CTA_PROTO_NUM | (destinationPort is null ? 0 : Ctnl.CTA_FILTER_F_CTA_PROTO_DST_PORT));
        writer.EndNest(filter);
        writer.End();
    }

    internal static void Delete(ref MessageWriter writer, ConntrackEntry entry)
    {
        AddressFamily family = entry.Source.AddressFamily;
        bool isIPv6 = family == AddressFamily.InterNetworkV6;
        Begin(ref writer, Ctnl.IPCTNL_MSG_CT_DELETE, family, NetlinkProtocol.NLM_F_ACK);
        int tuple = writer.BeginNest(Ctnl.CTA_TUPLE_ORIG);
        int ip = writer.BeginNest(Ctnl.CTA_TUPLE_IP);
        writer.Address(isIPv6 ? Ctnl.CTA_IP_V6_SRC : Ctnl.CTA_IP_V4_SRC, entry.Source);
        writer.Address(isIPv6 ? Ctnl.CTA_IP_V6_DST : Ctnl.CTA_IP_V4_DST, entry.Destination);
        writer.EndNest(ip);
        int proto = writer.BeginNest(Ctnl.CTA_TUPLE_PROTO);
        writer.UInt8(Ctnl.CTA_PROTO_NUM, entry.Protocol);
        writer.UInt16BigEndian(Ctnl.CTA_PROTO_SRC_PORT, entry.SourcePort);
        writer.UInt16BigEndian(Ctnl.CTA_PROTO_DST_PORT, entry.DestinationPort);
        writer.EndNest(proto);
        writer.EndNest(tuple);
        writer.UInt32BigEndian(Ctnl.CTA_ID, entry.Id);
        if (entry.Zone != 0)
        {
            writer.UInt16BigEndian(Ctnl.CTA_ZONE, entry.Zone);
        }

        writer.End();
    }

    internal static bool TryRead(in NetlinkMessage message, [MaybeNullWhen(false)] out ConntrackEntry entry)
    {
        entry = null;
        if (message.Type != ((Ctnl.NFNL_SUBSYS_CTNETLINK << 8) | Ctnl.IPCTNL_MSG_CT_NEW))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Nft.Header _);
        ConntrackEntry result = new(0, IPAddress.None, IPAddress.None);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            result = type switch
            {
                Ctnl.CTA_TUPLE_ORIG => ReadTuple(result, value.Nested),
                Ctnl.CTA_ID => result with { Id = value.UInt32BigEndian },
                Ctnl.CTA_ZONE => result with { Zone = value.UInt16BigEndian },
                _ => result,
            };
        }

        entry = result;
        return true;
    }

    private static ConntrackEntry ReadTuple(ConntrackEntry entry, AttributeReader attributes)
    {
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            AttributeReader parts = value.Nested;
            while (type is Ctnl.CTA_TUPLE_IP or Ctnl.CTA_TUPLE_PROTO && parts.TryRead(out ushort part, out Netlink.Attribute field))
            {
                entry = (type, part) switch
                {
                    (Ctnl.CTA_TUPLE_IP, Ctnl.CTA_IP_V4_SRC or Ctnl.CTA_IP_V6_SRC) => entry with { Source = field.Address },
                    (Ctnl.CTA_TUPLE_IP, Ctnl.CTA_IP_V4_DST or Ctnl.CTA_IP_V6_DST) => entry with { Destination = field.Address },
                    (Ctnl.CTA_TUPLE_PROTO, Ctnl.CTA_PROTO_NUM) => entry with { Protocol = field.UInt8 },
                    (Ctnl.CTA_TUPLE_PROTO, Ctnl.CTA_PROTO_SRC_PORT) => entry with { SourcePort = field.UInt16BigEndian },
                    (Ctnl.CTA_TUPLE_PROTO, Ctnl.CTA_PROTO_DST_PORT) => entry with { DestinationPort = field.UInt16BigEndian },
                    _ => entry,
                };
            }
        }

        return entry;
    }

    private static void Begin(ref MessageWriter writer, ushort message, AddressFamily family, int flags)
    {
        writer.Begin((ushort)((Ctnl.NFNL_SUBSYS_CTNETLINK << 8) | message), (ushort)flags);
        writer.Struct(new Nft.Header { Family = AddressMessages.Family(family) });
    }
}
