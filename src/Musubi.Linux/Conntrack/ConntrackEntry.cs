using System.Net;
using Musubi.Linux.Addresses;

namespace Musubi.Linux.Conntrack;

/// <summary>A connection that the kernel remembers, as its first packet was: before any translation.</summary>
/// <param name="Protocol">IP protocol number.</param>
/// <param name="Source">Who began it.</param>
/// <param name="Destination">Whom it was sent to.</param>
public sealed record ConntrackEntry(byte Protocol, IPAddress Source, IPAddress Destination)
{
    /// <summary>UDP's protocol number.</summary>
    public const byte Udp = 17;

    /// <summary>The source port; 0 for protocols without ports.</summary>
    public ushort SourcePort { get; init; }

    /// <summary>The destination port; 0 for protocols without ports.</summary>
    public ushort DestinationPort { get; init; }

    /// <summary>The zone, which keeps equal addresses of different networks apart.</summary>
    public ushort Zone { get; init; }

    /// <summary>The kernel's number for it, by which a new connection of the same addresses is told from this one.</summary>
    public uint Id { get; init; }

    /// <summary>As <c>conntrack -L</c> begins it.</summary>
    public override string ToString() =>
        $"connection {Protocol} {IpText.Format(Source)}:{SourcePort} to {IpText.Format(Destination)}:{DestinationPort}";
}
