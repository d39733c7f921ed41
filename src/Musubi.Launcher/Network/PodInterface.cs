using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Launcher.Network;

/// <summary>An interface of the pod as CNI left it, before it is bound to the guest.</summary>
internal sealed record PodInterface
{
    public required LinkInfo Link { get; init; }

    /// <summary>Global addresses, IPv4 first.</summary>
    public required IReadOnlyList<Cidr> Addresses { get; init; }

    /// <summary>Routes that lead out of it.</summary>
    public required IReadOnlyList<Route> Routes { get; init; }

    public required MacAddress Mac { get; init; }

    public Cidr? IPv4 => Addresses.Where(a => !a.IsIPv6).Cast<Cidr?>().FirstOrDefault();

    public Cidr? IPv6 => Addresses.Where(a => a.IsIPv6).Cast<Cidr?>().FirstOrDefault();

    /// <summary>Reads an interface.</summary>
    public static PodInterface Read(RouteSocket route, string name)
    {
        LinkInfo link = route.Links.Find(name)
            ?? throw new InvalidOperationException($"the pod has no interface {name}: was its network attached?");
        return new PodInterface
        {
            Link = link,
            Mac = link.Mac ?? throw new InvalidOperationException($"interface {name} has no hardware address and cannot be bound to a machine"),
            Addresses = [.. route.Addresses.List(link.Index)
                .Where(a => a.Scope == AddressScope.Universe && !a.IsDuplicate)
                .Select(a => a.Cidr)
                .OrderBy(a => a.IsIPv6)],
            Routes = [.. route.Routes.List(new RouteFilter { Link = link.Index, Table = Route.MainTable })],
        };
    }

    /// <summary>Next hop of the first IPv4 default route, or else of the first IPv4 route that has one.</summary>
    public IPAddress? IPv4Gateway =>
        IPv4Routes.Where(r => r.Gateway is not null).OrderBy(r => r.IsDefault ? 0 : 1).Select(r => r.Gateway).FirstOrDefault();

    public IEnumerable<Route> IPv4Routes => Routes.Where(r => r.Family == AddressFamily.InterNetwork && r.Type == RouteType.Unicast);
}
