using System.Net.Sockets;
using Musubi.Linux.Addresses;

namespace Musubi.Linux.Routes;

/// <summary>A rule that says which table routes a packet; <c>ip rule</c>. Members that are null match everything.</summary>
public sealed record RouteRule
{
    private readonly AddressFamily? _family;

    /// <summary>Rules are tried in the order of their priorities; the kernel chooses one when null.</summary>
    public uint? Priority { get; init; }

    /// <summary>Source network.</summary>
    public Cidr? Source { get; init; }

    /// <summary>Destination network.</summary>
    public Cidr? Destination { get; init; }

    /// <summary>The interface by which the packet came; <c>lo</c> for packets of this host.</summary>
    public string? InputInterface { get; init; }

    /// <summary>The interface a socket is bound to.</summary>
    public string? OutputInterface { get; init; }

    /// <summary>The packet's mark.</summary>
    public uint? Mark { get; init; }

    /// <summary>The bits of the mark that count.</summary>
    public uint? MarkMask { get; init; }

    /// <summary>The table to look up.</summary>
    public uint? Table { get; init; }

    /// <summary>The rule to go on with, for <see cref="RuleAction.Goto"/>.</summary>
    public uint? GotoPriority { get; init; }

    /// <summary>Results with prefixes of this length or shorter do not count.</summary>
    public int? SuppressPrefixLength { get; init; }

    /// <summary>IP protocol number.</summary>
    public byte? IpProtocol { get; init; }

    /// <summary>Source ports.</summary>
    public PortRange? SourcePorts { get; init; }

    /// <summary>Destination ports.</summary>
    public PortRange? DestinationPorts { get; init; }

    /// <summary>Whether it holds for packets that do not match.</summary>
    public bool Invert { get; init; }

    /// <summary>Who made it.</summary>
    public RouteProtocol Protocol { get; init; } = RouteProtocol.Boot;

    /// <summary>What to do.</summary>
    public RuleAction Action { get; init; } = RuleAction.Table;

    /// <summary>The address family: of source or destination, or as set, or IPv4.</summary>
    public AddressFamily Family
    {
        get => Source?.Address.AddressFamily ?? Destination?.Address.AddressFamily ?? _family ?? AddressFamily.InterNetwork;
        init => _family = value == AddressFamily.InterNetwork ? null : value;
    }

    /// <summary>As <c>ip rule</c> begins it.</summary>
    public override string ToString() => $"rule {Priority}: from {Source?.ToString() ?? "all"} to {Destination?.ToString() ?? "all"} table {Table}";
}

/// <summary>Ports from one to another, both included.</summary>
/// <param name="First">The lowest.</param>
/// <param name="Last">The highest.</param>
public readonly record struct PortRange(ushort First, ushort Last)
{
    /// <summary>One port.</summary>
    public PortRange(ushort port)
        : this(port, port)
    {
    }

    /// <summary><c>80</c> or <c>8000-8080</c>.</summary>
    public override string ToString() => First == Last ? $"{First}" : $"{First}-{Last}";
}

/// <summary>What a rule does.</summary>
public enum RuleAction : byte
{
    /// <summary>Not known.</summary>
    Unspecified = 0,

    /// <summary>Looks up a table.</summary>
    Table = 1,

    /// <summary>Goes on with another rule.</summary>
    Goto = 2,

    /// <summary>Nothing.</summary>
    Nop = 3,

    /// <summary>Drops silently.</summary>
    Blackhole = 6,

    /// <summary>Answers that the network is unreachable.</summary>
    Unreachable = 7,

    /// <summary>Answers that it is prohibited.</summary>
    Prohibit = 8,
}
