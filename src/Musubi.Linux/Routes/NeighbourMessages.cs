using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Interop;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Routes;

/// <summary>Writes requests about neighbours and reads the answers.</summary>
internal static class NeighbourMessages
{
    private const byte NTF_PROXY = 0x08;
    private const byte NTF_ROUTER = 0x80;

    internal static void Set(ref MessageWriter writer, Neighbour neighbour)
    {
        writer.Begin(Rtnl.RTM_NEWNEIGH, NetlinkProtocol.NLM_F_ACK | NetlinkProtocol.NLM_F_CREATE | NetlinkProtocol.NLM_F_REPLACE);
        Body(ref writer, neighbour);
        if (neighbour.Mac is { } mac)
        {
            writer.Mac(Rtnl.NDA_LLADDR, mac);
        }

        writer.End();
    }

    internal static void Delete(ref MessageWriter writer, Neighbour neighbour)
    {
        writer.Begin(Rtnl.RTM_DELNEIGH, NetlinkProtocol.NLM_F_ACK);
        Body(ref writer, neighbour);
        writer.End();
    }

    internal static void List(ref MessageWriter writer, LinkIndex? link, AddressFamily? family)
    {
        writer.Begin(Rtnl.RTM_GETNEIGH, NetlinkProtocol.NLM_F_DUMP);
        writer.Struct(new Rtnl.NeighbourHeader { Family = AddressMessages.Family(family) });
        if (link is { } index)
        {
            writer.Int32(Rtnl.NDA_IFINDEX, index.Value);
        }

        writer.End();
    }

    internal static bool TryRead(in NetlinkMessage message, [MaybeNullWhen(false)] out Neighbour neighbour)
    {
        neighbour = null;
        if (message.Type is not (Rtnl.RTM_NEWNEIGH or Rtnl.RTM_DELNEIGH))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Rtnl.NeighbourHeader header);
        if (header.Family is not (Libc.AF_INET or Libc.AF_INET6))
        {
            return false;
        }

        IPAddress? address = null;
        MacAddress? mac = null;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Rtnl.NDA_DST: address = value.Address; break;
                case Rtnl.NDA_LLADDR: mac = value.Mac; break;
            }
        }

        if (address is null)
        {
            return false;
        }

        neighbour = new Neighbour(new LinkIndex(header.Index), address)
        {
            Mac = mac,
            State = (NeighbourState)header.State,
            IsProxy = (header.Flags & NTF_PROXY) != 0,
            IsRouter = (header.Flags & NTF_ROUTER) != 0,
        };
        return true;
    }

    private static void Body(ref MessageWriter writer, Neighbour neighbour)
    {
        writer.Struct(new Rtnl.NeighbourHeader
        {
            Family = AddressMessages.Family(neighbour.Address),
            Index = neighbour.Link.Value,
            State = (ushort)neighbour.State,
            Flags = (byte)((neighbour.IsProxy ? NTF_PROXY : 0) | (neighbour.IsRouter ? NTF_ROUTER : 0)),
        });
        writer.Address(Rtnl.NDA_DST, neighbour.Address);
    }
}
