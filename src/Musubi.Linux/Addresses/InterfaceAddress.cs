using System.Net;
using Musubi.Linux.Links;

namespace Musubi.Linux.Addresses;

/// <summary>An address of an interface; <c>ip address</c>. For adding, members that are null or default are left to the kernel.</summary>
/// <param name="Cidr">The address and the prefix of the network it is on.</param>
public sealed record InterfaceAddress(Cidr Cidr)
{
    /// <summary>The interface that has it. Only read.</summary>
    public LinkIndex Link { get; init; }

    /// <summary>Where it is valid.</summary>
    public AddressScope Scope { get; init; }

    /// <summary>Its state, and how it is to be treated.</summary>
    public AddressFlags Flags { get; init; }

    /// <summary>Whether an IPv6 address is used without looking first whether someone else has it.</summary>
    public bool NoDad
    {
        get => (Flags & AddressFlags.NoDad) != AddressFlags.None;
        init => Flags = value ? Flags | AddressFlags.NoDad : Flags & ~AddressFlags.NoDad;
    }

    /// <summary>Whether duplicate address detection still runs.</summary>
    public bool IsTentative => (Flags & AddressFlags.Tentative) != AddressFlags.None;

    /// <summary>Whether duplicate address detection found someone else who has it.</summary>
    public bool IsDuplicate => (Flags & AddressFlags.DadFailed) != AddressFlags.None;

    /// <summary>Label of an IPv4 address; begins with the interface's name.</summary>
    public string? Label { get; init; }

    /// <summary>Broadcast address (IPv4).</summary>
    public IPAddress? Broadcast { get; init; }

    /// <summary>The other end of a point-to-point link.</summary>
    public IPAddress? Peer { get; init; }

    /// <summary>How long it is valid; null: for ever.</summary>
    public TimeSpan? ValidLifetime { get; init; }

    /// <summary>How long it is used for new connections; null: for ever.</summary>
    public TimeSpan? PreferredLifetime { get; init; }

    /// <summary>Metric of the route that the kernel makes for its network.</summary>
    public uint? RouteMetric { get; init; }
}

/// <summary>Where an address is valid.</summary>
public enum AddressScope : byte
{
    /// <summary>Everywhere.</summary>
    Universe = 0,

    /// <summary>Within the site.</summary>
    Site = 200,

    /// <summary>On this link.</summary>
    Link = 253,

    /// <summary>On this host.</summary>
    Host = 254,

    /// <summary>Nowhere.</summary>
    Nowhere = 255,
}

/// <summary>State of an address and how it is to be treated; linux/if_addr.h.</summary>
[Flags]
public enum AddressFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Not the first address of its network (IPv4), or a temporary one (IPv6).</summary>
    Secondary = 0x01,

    /// <summary>No duplicate address detection.</summary>
    NoDad = 0x02,

    /// <summary>Used while duplicate address detection still runs.</summary>
    Optimistic = 0x04,

    /// <summary>Someone else has it.</summary>
    DadFailed = 0x08,

    /// <summary>Mobile IPv6 home address.</summary>
    HomeAddress = 0x10,

    /// <summary>Not for new connections.</summary>
    Deprecated = 0x20,

    /// <summary>Duplicate address detection runs.</summary>
    Tentative = 0x40,

    /// <summary>Never expires.</summary>
    Permanent = 0x80,

    /// <summary>Template of temporary addresses.</summary>
    ManageTemporary = 0x100,

    /// <summary>The kernel makes no route for its network.</summary>
    NoPrefixRoute = 0x200,

    /// <summary>Multicast group joined with it.</summary>
    MulticastAutoJoin = 0x400,

    /// <summary>Made from a secret of this host.</summary>
    StablePrivacy = 0x800,
}
