using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Interop;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Routes;

/// <summary>Writes requests about rules and reads the answers.</summary>
internal static class RuleMessages
{
    internal static void Change(ref MessageWriter writer, ushort type, RouteRule rule)
    {
        int mode = type == Rtnl.RTM_NEWRULE ? NetlinkProtocol.NLM_F_CREATE | NetlinkProtocol.NLM_F_EXCL : 0;
        writer.Begin(type, (ushort)(NetlinkProtocol.NLM_F_ACK | mode));
        writer.Struct(new Rtnl.RuleHeader
        {
            Family = AddressMessages.Family(rule.Family),
            SourceLength = (byte)(rule.Source?.PrefixLength ?? 0),
            DestinationLength = (byte)(rule.Destination?.PrefixLength ?? 0),
            Action = (byte)rule.Action,
            Flags = rule.Invert ? Rtnl.FIB_RULE_INVERT : 0,
        });
        if (rule.Source is { } source)
        {
            writer.Address(Rtnl.FRA_SRC, source.Address);
        }

        if (rule.Destination is { } destination)
        {
            writer.Address(Rtnl.FRA_DST, destination.Address);
        }

        if (rule.InputInterface is { } input)
        {
            writer.Text(Rtnl.FRA_IIFNAME, input);
        }

        if (rule.OutputInterface is { } output)
        {
            writer.Text(Rtnl.FRA_OIFNAME, output);
        }

        UInt32(ref writer, Rtnl.FRA_PRIORITY, rule.Priority);
        UInt32(ref writer, Rtnl.FRA_FWMARK, rule.Mark);
        UInt32(ref writer, Rtnl.FRA_FWMASK, rule.MarkMask);
        UInt32(ref writer, Rtnl.FRA_TABLE, rule.Table);
        UInt32(ref writer, Rtnl.FRA_GOTO, rule.GotoPriority);
        UInt32(ref writer, Rtnl.FRA_SUPPRESS_PREFIXLEN, (uint?)rule.SuppressPrefixLength);
        if (rule.IpProtocol is { } protocol)
        {
            writer.UInt8(Rtnl.FRA_IP_PROTO, protocol);
        }

        if (rule.SourcePorts is { } sourcePorts)
        {
            writer.Attribute(Rtnl.FRA_SPORT_RANGE, sourcePorts);
        }

        if (rule.DestinationPorts is { } destinationPorts)
        {
            writer.Attribute(Rtnl.FRA_DPORT_RANGE, destinationPorts);
        }

        writer.UInt8(Rtnl.FRA_PROTOCOL, (byte)rule.Protocol);
        writer.End();
    }

    internal static void List(ref MessageWriter writer, AddressFamily family)
    {
        writer.Begin(Rtnl.RTM_GETRULE, NetlinkProtocol.NLM_F_DUMP);
        writer.Struct(new Rtnl.RuleHeader { Family = AddressMessages.Family(family) });
        writer.End();
    }

    internal static bool TryRead(in NetlinkMessage message, [MaybeNullWhen(false)] out RouteRule rule)
    {
        rule = null;
        if (message.Type is not (Rtnl.RTM_NEWRULE or Rtnl.RTM_DELRULE))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Rtnl.RuleHeader header);
        if (header.Family is not (Libc.AF_INET or Libc.AF_INET6))
        {
            return false;
        }

        RouteRule result = new()
        {
            Table = header.Table == 0 ? null : header.Table,
            Action = (RuleAction)header.Action,
            Invert = (header.Flags & Rtnl.FIB_RULE_INVERT) != 0,

            // The kernel does not send a priority of 0.
            Priority = 0,
        };
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            Cidr prefix = default;
            if ((type == Rtnl.FRA_SRC && !Netlink.Attribute.TryMakeCidr(value.Address, header.SourceLength, out prefix))
                || (type == Rtnl.FRA_DST && !Netlink.Attribute.TryMakeCidr(value.Address, header.DestinationLength, out prefix)))
            {
                return false;
            }

            result = type switch
            {
                Rtnl.FRA_SRC => result with { Source = prefix },
                Rtnl.FRA_DST => result with { Destination = prefix },
                Rtnl.FRA_IIFNAME => result with { InputInterface = value.Text },
                Rtnl.FRA_OIFNAME => result with { OutputInterface = value.Text },
                Rtnl.FRA_PRIORITY => result with { Priority = value.UInt32 },
                Rtnl.FRA_FWMARK => result with { Mark = value.UInt32 },
                Rtnl.FRA_FWMASK => result with { MarkMask = value.UInt32 },
                Rtnl.FRA_TABLE => result with { Table = value.UInt32 },
                Rtnl.FRA_GOTO => result with { GotoPriority = value.UInt32 },
                Rtnl.FRA_SUPPRESS_PREFIXLEN => result with { SuppressPrefixLength = value.Int32 < 0 ? null : value.Int32 },
                Rtnl.FRA_IP_PROTO => result with { IpProtocol = value.UInt8 },
                Rtnl.FRA_SPORT_RANGE => result with { SourcePorts = value.Read<PortRange>() },
                Rtnl.FRA_DPORT_RANGE => result with { DestinationPorts = value.Read<PortRange>() },
                Rtnl.FRA_PROTOCOL => result with { Protocol = (RouteProtocol)value.UInt8 },
                _ => result,
            };
        }

        bool isFamilySaid = header.Family == Libc.AF_INET || result.Source is not null || result.Destination is not null;
        rule = isFamilySaid ? result : result with { Family = AddressFamily.InterNetworkV6 };
        return true;
    }

    private static void UInt32(ref MessageWriter writer, ushort type, uint? value)
    {
        if (value is { } number)
        {
            writer.UInt32(type, number);
        }
    }
}
