using System.Net;
using Musubi.Launcher.Dhcp;
using Musubi.Launcher.GuestAgent;
using Musubi.Launcher.Qemu;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Processes;
using Musubi.Machines;

namespace Musubi.Launcher.Network;

/// <summary>
/// A guest behind its pod's address: a bridge and a network of their own inside the pod, and NAT between that network and the
/// pod interface, which is left as it is.
/// </summary>
internal static class MasqueradeBinding
{
    // Fixed, so that what the guest learnt of its gateway stays true on whichever node it runs.
    private static readonly MacAddress _gatewayMac = MacAddress.Parse("02:00:00:00:00:00");

    public static Binding SetUp(RouteSocket route, MachineSpec machine, MachineInterface spec)
    {
        PodInterface pod = PodInterface.Read(route, spec.PodInterface);
        BindingNames names = new(spec.PodInterface);
        GuestNetworkPlan? v4 = pod.IPv4 is null ? null : GuestNetworkPlan.Of(spec.VmNetworkCidr, "vmNetworkCIDR", ipv6: false);
        GuestNetworkPlan? v6 = pod.IPv6 is null ? null : GuestNetworkPlan.Of(spec.VmIPv6NetworkCidr, "vmIPv6NetworkCIDR", ipv6: true);

        LinkIndex bridge = route.Links.Create(new BridgeLink(names.Bridge)
        {
            Mac = _gatewayMac,
            MtuBytes = pod.Link.MtuBytes,
            ForwardDelay = TimeSpan.Zero,
            MulticastSnooping = false,
        });
        foreach (GuestNetworkPlan? plan in (ReadOnlySpan<GuestNetworkPlan?>)[v4, v6])
        {
            if (plan is not null)
            {
                route.Addresses.Add(bridge, new InterfaceAddress(plan.Gateway) { NoDad = plan.Gateway.IsIPv6 });
            }
        }

        Sysctl.TryWrite(null, $"net/ipv6/conf/{names.Bridge}/accept_dad", "0");
        route.Links.Change(bridge, new LinkChange { AdminUp = true });
        EnableForwarding(names.Bridge, v4 is not null, v6 is not null);
        MasqueradeRules.Add(new MasqueradeRuleSet(spec.PodInterface, names.Bridge, v4, v6, spec.Ports, machine.ReservedMigrationPorts));

        GuestTap tap = GuestTap.Create(route, machine, spec, names.Tap, bridge, pod.Link.MtuBytes);
        MacAddress mac = spec.Mac is { Length: > 0 } text ? MacAddress.Parse(text) : pod.Mac;
        return new Binding(
            new AttachedInterface(spec, mac, [.. pod.Addresses.DistinctBy(a => a.IsIPv6).Select(a => a.Address)], tap.Queues),
            new QemuNic(spec, tap.Handles.Select(ChildProcess.NumberOf).ToArray(), mac, pod.Link.MtuBytes),
            tap,
            names.Bridge,
            v4 is null ? null : new DhcpLease
            {
                Address = v4.Guest,
                ServerId = v4.Gateway.Address,
                Router = v4.Gateway.Address,
                MtuBytes = pod.Link.MtuBytes,
                HostName = machine.Hostname,
                Dns = machine.Dns,
                Extra = spec.Dhcp,
            });
    }

    private static void EnableForwarding(string bridge, bool v4, bool v6)
    {
        if (v4)
        {
            Sysctl.Ensure(null, "net/ipv4/ip_forward", "1");

            // Clients inside the pod reach the guest through 127.0.0.1 (port-forward, sidecars).
            Sysctl.Write(null, $"net/ipv4/conf/{bridge}/route_localnet", "1");
        }

        if (v6)
        {
            Sysctl.Ensure(null, "net/ipv6/conf/all/forwarding", "1");
        }
    }
}

/// <summary>The two addresses of a network between pod and guest: the first is the gateway, the second the guest.</summary>
internal sealed record GuestNetworkPlan(Cidr Gateway, Cidr Guest)
{
    /// <summary>Plans a network; host bits in the text say nothing (<c>fd10:0:2::2/120</c> is <c>fd10:0:2::/120</c>).</summary>
    public static GuestNetworkPlan Of(string text, string field, bool ipv6)
    {
        if (!Cidr.TryParse(text, out Cidr cidr) || cidr.IsIPv6 != ipv6)
        {
            throw new ArgumentException($"{field} \"{text}\" is not an {(ipv6 ? "IPv6" : "IPv4")} network");
        }

        int longest = ipv6 ? 126 : 30;
        if (cidr.PrefixLength > longest)
        {
            throw new ArgumentException($"{field} \"{text}\" has no room for a gateway and a guest: the prefix can be at most /{longest}");
        }

        IPAddress network = cidr.Network.Address;
        return new GuestNetworkPlan(new Cidr(IpText.Add(network, 1), cidr.PrefixLength), new Cidr(IpText.Add(network, 2), cidr.PrefixLength));
    }
}
