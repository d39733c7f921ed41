using System.Net;
using Musubi.Launcher.Dhcp;
using Musubi.Launcher.GuestAgent;
using Musubi.Launcher.Qemu;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;
using Musubi.Linux.Processes;
using Musubi.Machines;

namespace Musubi.Launcher.Network;

/// <summary>
/// A guest in place of its pod interface: the interface becomes a port of a bridge whose other port is the guest. Addresses that
/// CNI gave the interface are handed to the guest by DHCP.
/// </summary>
internal static class BridgeBinding
{
    // RFC 3927 addresses that nothing else in a pod uses; the last octet is the interface's place in the machine.
    private const string ServerPrefix = "169.254.75.1";

    public static Binding SetUp(RouteSocket route, MachineSpec machine, MachineInterface spec, int position)
    {
        PodInterface pod = PodInterface.Read(route, spec.PodInterface);
        BindingNames names = new(spec.PodInterface);
        MacAddress bridgeMac = MacAddress.Random();
        LinkIndex bridge = route.Links.Create(new BridgeLink(names.Bridge)
        {
            Mac = bridgeMac,
            MtuBytes = pod.Link.MtuBytes,
            ForwardDelay = TimeSpan.Zero,
            MulticastSnooping = false,
        });
        Sysctl.TryWrite(null, $"net/ipv6/conf/{names.Bridge}/disable_ipv6", "1");
        TakeOver(route, pod, names, bridge, bridgeMac);

        DhcpLease? lease = null;
        MacAddress mac = spec.Mac is { Length: > 0 } text ? MacAddress.Parse(text) : pod.Mac;
        if (pod.IPv4 is { } address)
        {
            IPAddress server = IpText.ParseAddress($"{ServerPrefix}{position}");
            route.Addresses.Add(bridge, Cidr.Host(server));

            // The pod must not answer for an address that is the guest's now.
            Sysctl.Write(null, $"net/ipv4/conf/{names.Bridge}/arp_ignore", "1");
            lease = LeaseFor(machine, spec, pod, address, server, mac);
        }

        route.Links.Change(bridge, new LinkChange { AdminUp = true });
        GuestTap tap = GuestTap.Create(route, machine, spec, names.Tap, bridge, pod.Link.MtuBytes);
        return new Binding(
            new AttachedInterface(spec, mac, pod.IPv4 is { } v4 ? [v4.Address] : [], tap.Queues),
            new QemuNic(spec, tap.Handles.Select(ChildProcess.NumberOf).ToArray(), mac, pod.Link.MtuBytes),
            tap,
            names.Bridge,
            lease);
    }

    /// <summary>The guest may have the pod interface's own hardware address, so the interface gets another and stops learning.</summary>
    private static void TakeOver(RouteSocket route, PodInterface pod, BindingNames names, LinkIndex bridge, MacAddress bridgeMac)
    {
        LinkIndex nic = pod.Link.Index;
        RouteBatch batch = route.Batch();
        batch.ChangeLink(nic, new LinkChange { AdminUp = false });
        foreach (InterfaceAddress address in route.Addresses.List(nic))
        {
            batch.DeleteAddress(nic, address).Tolerate(Errno.EADDRNOTAVAIL);
        }

        batch.ChangeLink(nic, new LinkChange { Name = names.Nic, Mac = bridgeMac });
        batch.ChangeLink(nic, new LinkChange { Master = bridge, AdminUp = true });
        batch.ChangeBridgePort(nic, new BridgePortChange { Learning = false });
        batch.Commit();
    }

    private static DhcpLease LeaseFor(MachineSpec machine, MachineInterface spec, PodInterface pod, Cidr address, IPAddress server, MacAddress mac)
    {
        IPAddress? gateway = pod.IPv4Gateway;
        List<DhcpRoute> routes = [];
        foreach (Route r in pod.IPv4Routes.Where(r => !r.IsDefault && r.Destination is { } d && d != address.Network))
        {
            routes.Add(new DhcpRoute(r.Destination!.Value, r.Gateway ?? IPAddress.Any));
        }

        // A client that honours classless routes ignores the router option, so the default route is repeated there, last.
        if (routes.Count > 0 && gateway is not null)
        {
            routes.Add(new DhcpRoute(Cidr.Parse("0.0.0.0/0"), gateway));
        }

        return new DhcpLease
        {
            Address = address,
            ServerId = server,
            Router = gateway,
            MtuBytes = pod.Link.MtuBytes,
            HostName = machine.Hostname,
            Dns = machine.Dns,
            Routes = routes,
            Extra = spec.Dhcp,
            OnlyClient = mac,
        };
    }

}
