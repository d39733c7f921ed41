using System.Net.Sockets;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Host.Commands.Try;

/// <summary>One thing the kernel has: what kind of thing, by which it is known again, and how it is.</summary>
internal readonly record struct KernelItem(string Kind, string Name, string State);

/// <summary>What a namespace has of what plugins make: links, addresses, routes, rules, VLANs of ports, nftables, and kernel parameters.</summary>
internal static class KernelSnapshot
{
    private static readonly string[] _parameters =
        ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/bridge/bridge-nf-call-iptables", "net/ipv4/vs/conntrack"];

    private static readonly string[] _linkParameters =
    [
        "ipv4/conf/*/arp_notify", "ipv4/conf/*/forwarding", "ipv4/conf/*/proxy_arp", "ipv4/conf/*/rp_filter", "ipv4/conf/*/route_localnet",
        "ipv6/conf/*/accept_dad", "ipv6/conf/*/accept_ra", "ipv6/conf/*/disable_ipv6", "ipv6/conf/*/forwarding", "ipv6/conf/*/ndisc_notify",
    ];

    /// <summary>Reads a namespace, or the caller's own.</summary>
    /// <param name="network">The namespace.</param>
    /// <param name="parameters">Kernel parameters to look at besides the usual ones.</param>
    public static IReadOnlyList<KernelItem> Take(NetworkNamespace? network, IReadOnlyList<string> parameters)
    {
        List<KernelItem> items = [];
        using RouteSocket route = RouteSocket.Open(network);
        IReadOnlyList<LinkInfo> links = route.Links.List();
        Dictionary<LinkIndex, string> names = links.ToDictionary(l => l.Index, l => l.Name);
        items.AddRange(links.Select(l => new KernelItem("link", l.Name, Describe(l, names))));
        foreach (InterfaceAddress address in route.Addresses.List())
        {
            if (!address.Cidr.Address.IsIPv6LinkLocal)
            {
                items.Add(new KernelItem("address", $"{address.Cidr} dev {names.GetValueOrDefault(address.Link)}", ""));
            }
        }

        foreach (Route entry in route.Routes.List().Where(r => r.Table != Route.LocalTable && r.Destination is not { Address.IsIPv6LinkLocal: true }))
        {
            items.Add(Describe(entry, names));
        }

        foreach (AddressFamily family in (ReadOnlySpan<AddressFamily>)[AddressFamily.InterNetwork, AddressFamily.InterNetworkV6])
        {
            items.AddRange(route.Rules.List(family).Select(r => new KernelItem("rule", Describe(r, family), "")));
        }

        AddVlans(items, route, names);
        AddNftables(items, network);
        AddParameters(items, network, links, parameters);
        return items;
    }

    private static string Describe(LinkInfo link, Dictionary<LinkIndex, string> names)
    {
        List<string> parts = [link.Kind ?? "device", link.AdminUp ? "up" : "down", $"mtu {link.MtuBytes}"];
        Add(link.Mac?.ToString());
        Add(link.Master is { IsNone: false } master ? $"port of {names.GetValueOrDefault(master)}" : null);
        Add(link.PeerIndex is { } peer && link.PeerNamespaceId is null && link.Kind is not null ? $"on {names.GetValueOrDefault(peer)}" : null);
        Add(link.Promiscuity > 0 ? "promiscuous" : null);
        Add(link.Flags.HasFlag(LinkFlags.AllMulticast) ? "all multicast" : null);
        Add(link.TxQueueLength > 0 ? $"queue {link.TxQueueLength}" : null);
        Add(link.Bridge is { VlanFiltering: true } ? "VLAN filtering" : null);
        return string.Join(", ", parts);

        void Add(string? part)
        {
            if (part is not null)
            {
                parts.Add(part);
            }
        }
    }

    private static KernelItem Describe(Route route, Dictionary<LinkIndex, string> names)
    {
        string name = route.Destination is { PrefixLength: > 0 } destination ? destination.ToString() : route.Family == AddressFamily.InterNetworkV6 ? "default (IPv6)" : "default";
        name += route.Gateway is null ? "" : $" via {IpText.Format(route.Gateway)}";
        name += route.Link is { } link ? $" dev {names.GetValueOrDefault(link)}" : "";
        foreach (NextHop hop in route.NextHops)
        {
            name += $" nexthop via {(hop.Gateway is null ? "-" : IpText.Format(hop.Gateway))} dev {(hop.Link is { } via ? names.GetValueOrDefault(via) : "-")}";
        }

        name += route.Table is null or Route.MainTable ? "" : $" table {route.Table}";
        name += route.Metric is null or 0 ? "" : $" metric {route.Metric}";
        name += route.Type == RouteType.Unicast ? "" : $" ({route.Type.ToString().ToLowerInvariant()})";
        List<string> state = [];
        if (route.MtuBytes is { } mtu)
        {
            state.Add($"mtu {mtu}");
        }

        if (route.AdvertisedMssBytes is { } mss)
        {
            state.Add($"advmss {mss}");
        }

        return new KernelItem("route", name, string.Join(", ", state));
    }

    private static string Describe(RouteRule rule, AddressFamily family)
    {
        string name = $"{rule.Priority}: from {rule.Source?.ToString() ?? "all"}";
        name += rule.Destination is { } to ? $" to {to}" : "";
        name += rule.InputInterface is { } input ? $" iif {input}" : "";
        name += rule.OutputInterface is { } output ? $" oif {output}" : "";
        name += rule.Mark is { } mark ? $" fwmark {mark:x}" : "";
        return $"{name} table {rule.Table}{(family == AddressFamily.InterNetworkV6 ? " (IPv6)" : "")}";
    }

    private static void AddVlans(List<KernelItem> items, RouteSocket route, Dictionary<LinkIndex, string> names)
    {
        try
        {
            foreach (BridgeVlans port in route.BridgeVlans.List())
            {
                items.AddRange(port.Vlans.Select(v => new KernelItem("bridge vlan", $"{names.GetValueOrDefault(port.Link)} {v}", "")));
            }
        }
        catch (LinuxException e) when (e.Errno is Errno.EOPNOTSUPP)
        {
            // A kernel without VLAN filtering has none.
        }
    }

    private static void AddNftables(List<KernelItem> items, NetworkNamespace? network)
    {
        try
        {
            using NftSocket nft = NftSocket.Open(network);
            items.AddRange(nft.ReadConsistently(ReadNftables).Value);
        }
        catch (LinuxException e) when (e.Errno is Errno.EPROTONOSUPPORT or Errno.EOPNOTSUPP or Errno.EINVAL)
        {
            // A kernel without nf_tables has none.
        }
    }

    private static List<KernelItem> ReadNftables(NftSocket nft)
    {
        List<KernelItem> items = [];
        foreach (NftTable table in nft.ListTables())
        {
            items.Add(new KernelItem("nft", table.ToString(), ""));
            items.AddRange(nft.ListChains(table).Select(c => new KernelItem("nft", c.ToString(), c.Hook is null ? "" : $"{c.Type.ToString().ToLowerInvariant()} hook {c.Hook.ToString()!.ToLowerInvariant()} priority {c.Priority}")));
            items.AddRange(nft.ListRules(table).Select(r => new KernelItem("nft", r.ToString(), Describe(r))));
            foreach (NftSet set in nft.ListSets(table).Where(s => !s.Anonymous))
            {
                items.Add(new KernelItem("nft", set.ToString(), ""));
                items.AddRange(nft.ListElements(set).Select(e => new KernelItem("nft", $"element {e.Key} of {set}", e.Comment is null ? "" : $"\"{e.Comment}\"")));
            }
        }

        return items;
    }

    /// <summary>What a rule is for, by its comment, and the kernel's names of its steps.</summary>
    private static string Describe(NftRule rule)
    {
        string steps = string.Join(' ', rule.Expressions.Select(e => e.Name));
        return rule.Comment is null ? steps : $"\"{rule.Comment}\": {steps}";
    }

    /// <summary>Parameters of the whole namespace, and those of links that differ from what a new link gets.</summary>
    private static void AddParameters(List<KernelItem> items, NetworkNamespace? network, IReadOnlyList<LinkInfo> links, IReadOnlyList<string> more)
    {
        foreach (string name in _parameters.Concat(more).Distinct())
        {
            if (Read(network, name) is { } value)
            {
                items.Add(new KernelItem("sysctl", name, value));
            }
        }

        foreach (string pattern in _linkParameters)
        {
            string? usual = Read(network, "net/" + pattern.Replace("*", "default", StringComparison.Ordinal));
            foreach (LinkInfo link in links)
            {
                string name = "net/" + pattern.Replace("*", link.Name, StringComparison.Ordinal);
                if (usual is not null && Read(network, name) is { } value && value != usual)
                {
                    items.Add(new KernelItem("sysctl", name, value));
                }
            }
        }
    }

    private static string? Read(NetworkNamespace? network, string name)
    {
        try
        {
            return Sysctl.Read(network, name);
        }
        catch (Exception e) when (e is LinuxException or ArgumentException)
        {
            return null;
        }
    }
}
