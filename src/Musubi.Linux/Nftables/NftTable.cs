namespace Musubi.Linux.Nftables;

/// <summary>A table: a name space for chains and sets of one family.</summary>
/// <param name="Family">The packets it sees.</param>
/// <param name="Name">Its name, unique in the family.</param>
public sealed record NftTable(NftFamily Family, string Name)
{
    /// <summary>Free text.</summary>
    public string? Comment { get; init; }

    /// <summary>Whether its chains are switched off.</summary>
    public bool Dormant { get; init; }

    /// <summary>The kernel's number for it. Only read.</summary>
    public ulong Handle { get; init; }

    /// <summary>As nft(8) names it.</summary>
    public override string ToString() => $"table {FamilyName(Family)} {Name}";

    internal static string FamilyName(NftFamily family) => family switch
    {
        NftFamily.Inet => "inet",
        NftFamily.IPv4 => "ip",
        NftFamily.IPv6 => "ip6",
        NftFamily.Arp => "arp",
        NftFamily.Netdev => "netdev",
        NftFamily.Bridge => "bridge",
        _ => family.ToString(),
    };
}

/// <summary>Which packets a table sees; the kernel's numbers.</summary>
public enum NftFamily : byte
{
    /// <summary>Of all families.</summary>
    Unspecified = 0,

    /// <summary>IPv4 and IPv6.</summary>
    Inet = 1,

    /// <summary>IPv4 (<c>ip</c>).</summary>
    IPv4 = 2,

    /// <summary>ARP.</summary>
    Arp = 3,

    /// <summary>All packets of one device.</summary>
    Netdev = 5,

    /// <summary>Frames that bridges pass on.</summary>
    Bridge = 7,

    /// <summary>IPv6 (<c>ip6</c>).</summary>
    IPv6 = 10,
}
