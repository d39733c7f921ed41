using System.Net;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Spec;

/// <summary>What ADD made, in the shape of version 1.1.0; <see cref="CniResultJson"/> reads and writes every version.</summary>
public sealed record CniResult
{
    /// <summary>Every interface that was made, host side and container side.</summary>
    public IReadOnlyList<CniInterface> Interfaces { get; init; } = [];

    /// <summary>Addresses in the order they were assigned.</summary>
    public IReadOnlyList<CniAddress> Addresses { get; init; } = [];

    /// <summary>Routes in the order they were given.</summary>
    public IReadOnlyList<CniRoute> Routes { get; init; } = [];

    /// <summary>Name resolution for the container.</summary>
    public CniDns Dns { get; init; } = CniDns.Empty;
}

/// <summary>An interface of a <see cref="CniResult"/>.</summary>
/// <param name="Name">Interface name in its namespace.</param>
public sealed record CniInterface(string Name)
{
    /// <summary>Hardware address, as text; null when there is none to report.</summary>
    public string? Mac { get; init; }

    /// <summary>Largest packet in bytes; null when not reported.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>Path of the namespace it is in; null on the host.</summary>
    public string? Sandbox { get; init; }

    /// <summary>Socket of a user-space network stack.</summary>
    public string? SocketPath { get; init; }

    /// <summary>PCI address of the device behind it.</summary>
    public string? PciId { get; init; }
}

/// <summary>An address of a <see cref="CniResult"/>.</summary>
/// <param name="Address">Address with the network's prefix length; host bits are kept.</param>
public sealed record CniAddress(Cidr Address)
{
    /// <summary>Index into <see cref="CniResult.Interfaces"/>; null when not yet assigned to one.</summary>
    public int? Interface { get; init; }

    /// <summary>The network's gateway.</summary>
    public IPAddress? Gateway { get; init; }
}

/// <summary>A route of a <see cref="CniResult"/> or of an IPAM configuration.</summary>
/// <param name="Destination">Destination; host bits are kept as written.</param>
public sealed record CniRoute(Cidr Destination)
{
    /// <summary>Next hop; null means the network's gateway.</summary>
    public IPAddress? Gateway { get; init; }

    /// <summary>Path MTU in bytes.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>TCP segment size to announce, in bytes.</summary>
    public int? AdvMss { get; init; }

    /// <summary>Metric.</summary>
    public int? Priority { get; init; }

    /// <summary>Routing table; null means the main one.</summary>
    public int? Table { get; init; }

    /// <summary>Scope number; null means universe.</summary>
    public int? Scope { get; init; }

    /// <summary>True for 0.0.0.0/0 and ::/0.</summary>
    public bool IsDefault => Destination.PrefixLength == 0;
}

/// <summary>Name resolution of a <see cref="CniResult"/>.</summary>
public sealed record CniDns
{
    /// <summary>Nothing set.</summary>
    public static CniDns Empty { get; } = new();

    /// <summary>Servers, most wanted first.</summary>
    public IReadOnlyList<string> Nameservers { get; init; } = [];

    /// <summary>The local domain.</summary>
    public string? Domain { get; init; }

    /// <summary>Search list.</summary>
    public IReadOnlyList<string> Search { get; init; } = [];

    /// <summary>Resolver options.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>True when nothing is set.</summary>
    public bool IsEmpty => Nameservers.Count == 0 && string.IsNullOrEmpty(Domain) && Search.Count == 0 && Options.Count == 0;

    /// <summary>Reads the <c>dns</c> key of a configuration or a result.</summary>
    public static CniDns Read(ConfigObject? dns) => dns is not { } value
        ? Empty
        : new CniDns
        {
            Nameservers = value.Texts("nameservers") ?? [],
            Domain = value.Text("domain"),
            Search = value.Texts("search") ?? [],
            Options = value.Texts("options") ?? [],
        };
}
