using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Routes;
using Musubi.Linux.TrafficControl;

namespace Musubi.Linux.Netlink;

/// <summary>The changes a batch can hold; each is the one of the same name on the socket's families.</summary>
public sealed partial class RouteBatch
{
    /// <summary>Creates a link; <see cref="LinkRequests.Create"/>.</summary>
    public RouteBatch CreateLink(LinkSpec spec)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Create(ref writer, spec);
        return Append(writer, spec);
    }

    /// <summary>Changes a link; <see cref="LinkRequests.Change"/>.</summary>
    public RouteBatch ChangeLink(LinkIndex link, LinkChange change)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.ChangeLink(ref writer, link, change);
        return Append(writer, link, change);
    }

    /// <summary>Gives a link its alias by its name, so that it can be one that this batch makes: no one else ever sees it without.</summary>
    public RouteBatch AliasLink(string name, string alias)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.ChangeLink(ref writer, LinkIndex.None, new LinkChange { Name = name, Alias = alias });
        return Append(writer, name);
    }

    /// <summary>Changes the options of a link's kind; <see cref="LinkRequests.ChangeOptions"/>.</summary>
    public RouteBatch ChangeLinkOptions(LinkIndex link, LinkSpec options)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.ChangeOptions(ref writer, link, options);
        return Append(writer, link);
    }

    /// <summary>Changes a bridge port's options; <see cref="BridgePortRequests.Change"/>.</summary>
    public RouteBatch ChangeBridgePort(LinkIndex port, BridgePortChange change)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.ChangePort(ref writer, port, change);
        return Append(writer, port);
    }

    /// <summary>Deletes a link; <see cref="LinkRequests.Delete"/>.</summary>
    public RouteBatch DeleteLink(LinkIndex link)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Delete(ref writer, link);
        return Append(writer, link);
    }

    /// <summary>Makes a port a member of VLANs; <see cref="BridgeVlanRequests.Add"/>.</summary>
    public RouteBatch AddBridgeVlans(LinkIndex link, ReadOnlySpan<BridgeVlan> vlans, bool isBridge = false)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        BridgeVlanMessages.Change(ref writer, Rtnl.RTM_SETLINK, link, vlans, isBridge);
        return Append(writer, link);
    }

    /// <summary>Ends a port's membership of VLANs; <see cref="BridgeVlanRequests.Delete"/>.</summary>
    public RouteBatch DeleteBridgeVlans(LinkIndex link, ReadOnlySpan<BridgeVlan> vlans, bool isBridge = false)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        BridgeVlanMessages.Change(ref writer, Rtnl.RTM_DELLINK, link, vlans, isBridge);
        return Append(writer, link);
    }

    /// <summary>Gives an interface an address; <see cref="AddressRequests.Add(LinkIndex, InterfaceAddress)"/>.</summary>
    public RouteBatch AddAddress(LinkIndex link, InterfaceAddress address)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        AddressMessages.Add(ref writer, link, address, replace: false);
        return Append(writer, address.Cidr);
    }

    /// <summary>Takes an address away; <see cref="AddressRequests.Delete(LinkIndex, InterfaceAddress)"/>.</summary>
    public RouteBatch DeleteAddress(LinkIndex link, InterfaceAddress address)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        AddressMessages.Delete(ref writer, link, address);
        return Append(writer, address.Cidr);
    }

    /// <summary>Adds a route; <see cref="RouteRequests.Add"/>.</summary>
    public RouteBatch AddRoute(Route route, RouteAddition addition = RouteAddition.Exclusive)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RouteMessages.Add(ref writer, route, addition);
        return Append(writer, route);
    }

    /// <summary>Deletes a route; <see cref="RouteRequests.Delete"/>.</summary>
    public RouteBatch DeleteRoute(Route route)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RouteMessages.Delete(ref writer, route);
        return Append(writer, route);
    }

    /// <summary>Adds a routing rule; <see cref="RuleRequests.Add"/>.</summary>
    public RouteBatch AddRule(RouteRule rule)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RuleMessages.Change(ref writer, Rtnl.RTM_NEWRULE, rule);
        return Append(writer, rule);
    }

    /// <summary>Deletes a routing rule; <see cref="RuleRequests.Delete"/>.</summary>
    public RouteBatch DeleteRule(RouteRule rule)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        RuleMessages.Change(ref writer, Rtnl.RTM_DELRULE, rule);
        return Append(writer, rule);
    }

    /// <summary>Sets who has an address; <see cref="NeighbourRequests.Set"/>.</summary>
    public RouteBatch SetNeighbour(Neighbour neighbour)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NeighbourMessages.Set(ref writer, neighbour);
        return Append(writer, neighbour);
    }

    /// <summary>Adds a queueing discipline; <c>tc qdisc add</c>.</summary>
    public RouteBatch AddQdisc(Qdisc qdisc)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        TcMessages.Add(ref writer, qdisc);
        return Append(writer, qdisc);
    }

    /// <summary>Deletes a queueing discipline with its classes and filters; <c>tc qdisc delete</c>.</summary>
    public RouteBatch DeleteQdisc(Qdisc qdisc)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        TcMessages.Delete(ref writer, qdisc);
        return Append(writer, qdisc);
    }

    /// <summary>Adds a class; <c>tc class add</c>.</summary>
    public RouteBatch AddClass(HtbClass shape)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        TcMessages.Add(ref writer, shape);
        return Append(writer, shape);
    }

    /// <summary>Adds a filter; <c>tc filter add</c>.</summary>
    public RouteBatch AddFilter(U32Filter filter)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        TcMessages.Add(ref writer, filter);
        return Append(writer, filter);
    }

    internal RouteBatch DeleteLinkGroup(uint group)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.DeleteGroup(ref writer, group);
        return Append(writer, group);
    }
}
