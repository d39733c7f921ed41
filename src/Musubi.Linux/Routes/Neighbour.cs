using System.Net;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;

namespace Musubi.Linux.Routes;

/// <summary>Who has an IP address on a link; <c>ip neighbour</c>.</summary>
/// <param name="Link">The link.</param>
/// <param name="Address">The IP address.</param>
public sealed record Neighbour(LinkIndex Link, IPAddress Address)
{
    /// <summary>The Ethernet address; null when it is not known.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>How sure the kernel is.</summary>
    public NeighbourState State { get; init; } = NeighbourState.Permanent;

    /// <summary>Whether this host answers for the address.</summary>
    public bool IsProxy { get; init; }

    /// <summary>Whether it is a router (IPv6).</summary>
    public bool IsRouter { get; init; }

    /// <summary>The address.</summary>
    public override string ToString() => $"neighbour {IpText.Format(Address)} dev {Link}";
}

/// <summary>How sure the kernel is of a neighbour.</summary>
[Flags]
public enum NeighbourState : ushort
{
    /// <summary>Nothing is known.</summary>
    None = 0,

    /// <summary>Asked, not yet answered.</summary>
    Incomplete = 0x01,

    /// <summary>Answered lately.</summary>
    Reachable = 0x02,

    /// <summary>Answered some time ago.</summary>
    Stale = 0x04,

    /// <summary>In use while stale; will be asked.</summary>
    Delay = 0x08,

    /// <summary>Being asked again.</summary>
    Probe = 0x10,

    /// <summary>Did not answer.</summary>
    Failed = 0x20,

    /// <summary>Needs no asking.</summary>
    NoArp = 0x40,

    /// <summary>Set by hand.</summary>
    Permanent = 0x80,
}
