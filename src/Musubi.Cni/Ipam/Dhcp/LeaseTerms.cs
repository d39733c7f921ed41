using System.Net;
using System.Text;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>What a server grants: an address for a time, and what goes with it.</summary>
internal sealed record LeaseTerms
{
    private const int LinkScope = 253;

    /// <summary>Prolonging a shorter one would be all that is ever done.</summary>
    private static readonly TimeSpan _shortest = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _usualLifetime = TimeSpan.FromHours(1);
    private static readonly Cidr _everywhere = Cidr.Parse("0.0.0.0/0");

    public required Cidr Address { get; init; }

    /// <summary>The server, as its option 54 says.</summary>
    public required IPAddress Server { get; init; }

    /// <summary>The first router of option 3.</summary>
    public IPAddress? Router { get; init; }

    /// <summary>Routes of option 121, or else of option 33 with the default route.</summary>
    public IReadOnlyList<CniRoute> Routes { get; init; } = [];

    public CniDns Dns { get; init; } = CniDns.Empty;

    /// <summary>Time until the lease is prolonged at its server (T1).</summary>
    public required TimeSpan RenewAfter { get; init; }

    /// <summary>Time until the lease is prolonged at any server (T2).</summary>
    public required TimeSpan RebindAfter { get; init; }

    /// <summary>Time until the address may not be used any more.</summary>
    public required TimeSpan Lifetime { get; init; }

    /// <summary>Reads an offer or an acknowledgement.</summary>
    /// <param name="message">The message.</param>
    /// <param name="problem">Why null is answered.</param>
    public static LeaseTerms? Read(DhcpMessage message, out string problem)
    {
        problem = "";
        if (message.FindAddress(DhcpOption.ServerId) is not { } server)
        {
            problem = "the server does not say who it is (option 54)";
            return null;
        }

        if (message.YourAddress.Equals(IPAddress.Any))
        {
            problem = $"server {IpText.Format(server)} names no address";
            return null;
        }

        if (message.FindAddress(DhcpOption.SubnetMask) is not { } mask || PrefixLength(mask) is not { } prefix)
        {
            problem = $"server {IpText.Format(server)} gives no subnet mask (option 1)";
            return null;
        }

        IPAddress? router = FirstAddress(message.Find(DhcpOption.Router));
        TimeSpan lifetime = message.FindSeconds(DhcpOption.LeaseTime) ?? _usualLifetime;
        if (lifetime < _shortest)
        {
            problem = $"server {IpText.Format(server)} gives the address for {lifetime.TotalSeconds:0} s only";
            return null;
        }

        TimeSpan renew = message.FindSeconds(DhcpOption.RenewalTime) ?? lifetime / 2;
        TimeSpan rebind = message.FindSeconds(DhcpOption.RebindingTime) ?? lifetime * 0.85;
        bool ordered = renew >= _shortest / 2 && renew <= rebind && rebind <= lifetime;
        return new LeaseTerms
        {
            Address = new Cidr(message.YourAddress, prefix),
            Server = server,
            Router = router,
            Routes = ReadRoutes(message, router),
            Dns = ReadDns(message),
            RenewAfter = ordered ? renew : lifetime / 2,
            RebindAfter = ordered ? rebind : lifetime * 0.85,
            Lifetime = lifetime,
        };
    }

    /// <summary>The result that a main plugin gets.</summary>
    /// <param name="priority">Metric of every route; 0 for none.</param>
    public CniResult ToResult(int priority) => new()
    {
        Addresses = [new CniAddress(Address) { Gateway = Router }],
        Routes = [.. Routes.Select(r => r with { Priority = priority == 0 ? null : priority })],
        Dns = Dns,
    };

    /// <summary>Option 121 replaces options 33 and 3 (RFC 3442).</summary>
    private static List<CniRoute> ReadRoutes(DhcpMessage message, IPAddress? router)
    {
        if (message.Find(DhcpOption.ClasslessRoutes) is { Length: > 0 } classless
            && DhcpRoute.TryReadClassless(classless, out IReadOnlyList<DhcpRoute>? told))
        {
            return [.. told.Select(r => new CniRoute(r.Destination) { Gateway = r.Gateway, Scope = r.Gateway.Equals(IPAddress.Any) ? LinkScope : null })];
        }

        List<CniRoute> routes = [];
        if (message.Find(DhcpOption.StaticRoutes) is { } classful && DhcpRoute.TryReadClassful(classful, out told))
        {
            routes.AddRange(told.Select(r => new CniRoute(r.Destination) { Gateway = r.Gateway }));
        }

        if (router is not null)
        {
            routes.Add(new CniRoute(_everywhere) { Gateway = router });
        }

        return routes;
    }

    private static CniDns ReadDns(DhcpMessage message)
    {
        List<string> servers = [];
        byte[] addresses = message.Find(DhcpOption.DnsServers) ?? [];
        for (int i = 0; i + 4 <= addresses.Length; i += 4)
        {
            servers.Add(IpText.Format(new IPAddress(addresses.AsSpan(i, 4))));
        }

        string? domain = message.Find(DhcpOption.DomainName) is { } name ? Encoding.ASCII.GetString(name).TrimEnd('\0') : null;
        return new CniDns
        {
            Nameservers = servers,

            // It becomes a line of a file, so it may not hold the end of one.
            Domain = domain is { Length: > 0 } && domain.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? domain : null,
            Search = DhcpDomainSearch.Read(message.Find(DhcpOption.DomainSearch)),
        };
    }

    private static IPAddress? FirstAddress(byte[]? list) =>
        list is { Length: >= 4 } && new IPAddress(list.AsSpan(0, 4)) is var first && !first.Equals(IPAddress.Any) ? first : null;

    private static int? PrefixLength(IPAddress mask)
    {
        uint bits = (uint)IpText.ToNumber(mask);
        int length = System.Numerics.BitOperations.LeadingZeroCount(~bits);
        return bits == (length == 0 ? 0 : uint.MaxValue << (32 - length)) ? length : null;
    }
}
