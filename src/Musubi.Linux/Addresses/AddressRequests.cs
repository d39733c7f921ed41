using System.Net.Sockets;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Addresses;

/// <summary>Addresses of the namespace's interfaces; <c>ip address</c>.</summary>
public sealed class AddressRequests
{
    private readonly RouteSocket _route;

    internal AddressRequests(RouteSocket route) => _route = route;

    private NetlinkSocket Socket => _route.Socket;

    /// <summary>Gives an interface an address; <c>ip address add A/P dev LINK</c>.</summary>
    /// <exception cref="NetlinkException">EEXIST: it has it already.</exception>
    public void Add(LinkIndex link, Cidr address) => Add(link, new InterfaceAddress(address));

    /// <summary>Gives an interface an address; <c>ip address add A/P dev LINK [nodad] …</c>.</summary>
    /// <exception cref="NetlinkException">EEXIST: it has it already.</exception>
    public void Add(LinkIndex link, InterfaceAddress address)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        AddressMessages.Add(ref writer, link, address, replace: false);
        Socket.Execute(ref writer, address.Cidr);
    }

    /// <summary>Gives an interface an address, or changes flags and lifetimes of the one it has; <c>ip address replace</c>.</summary>
    public void Replace(LinkIndex link, InterfaceAddress address)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        AddressMessages.Add(ref writer, link, address, replace: true);
        Socket.Execute(ref writer, address.Cidr);
    }

    /// <summary>Takes an address away; <c>ip address delete</c>.</summary>
    /// <exception cref="NetlinkException">EADDRNOTAVAIL: it has not this address.</exception>
    public void Delete(LinkIndex link, Cidr address) => Delete(link, new InterfaceAddress(address));

    /// <summary>Takes an address away as it was read.</summary>
    /// <exception cref="NetlinkException">EADDRNOTAVAIL: it has not this address.</exception>
    public void Delete(LinkIndex link, InterfaceAddress address)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        AddressMessages.Delete(ref writer, link, address);
        Socket.Execute(ref writer, address.Cidr);
    }

    /// <summary>Addresses of one interface or all, of one family or both; <c>ip address show</c>.</summary>
    public IReadOnlyList<InterfaceAddress> List(LinkIndex? link = null, AddressFamily? family = null)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        AddressMessages.List(ref writer, link, family);
        return Socket.Dump<InterfaceAddress>(ref writer, AddressMessages.TryRead, link);
    }

    /// <summary>Watches addresses; <c>ip monitor address</c>. First all there are, then each change until the token is cancelled.</summary>
    public IAsyncEnumerable<RouteEvent<InterfaceAddress>> WatchAsync(CancellationToken ct) =>
        RouteMonitor.WatchAsync<InterfaceAddress>(
            Socket, [Rtnl.RTNLGRP_IPV4_IFADDR, Rtnl.RTNLGRP_IPV6_IFADDR], () => List(), AddressMessages.TryRead, Rtnl.RTM_DELADDR, ct);
}
