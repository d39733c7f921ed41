namespace Musubi.Linux.Nftables;

/// <summary>A chain of rules: a base chain when it has a hook, by which packets come in, otherwise a target of jumps.</summary>
/// <param name="Table">Its table.</param>
/// <param name="Name">Its name, unique in the table.</param>
public sealed record NftChain(NftTable Table, string Name)
{
    /// <summary>Where packets come in; null for chains that are only jumped to.</summary>
    public NftHook? Hook { get; init; }

    /// <summary>What a base chain is for.</summary>
    public NftChainType Type { get; init; }

    /// <summary>Chains of one hook run in the order of their priorities; <see cref="NftPriority"/> has the usual ones.</summary>
    public int Priority { get; init; }

    /// <summary>What becomes of packets at the end of a base chain; null: they pass.</summary>
    public NftVerdictCode? Policy { get; init; }

    /// <summary>The device of a chain in the netdev family.</summary>
    public string? Device { get; init; }

    /// <summary>Free text.</summary>
    public string? Comment { get; init; }

    /// <summary>The kernel's number for it. Only read.</summary>
    public ulong Handle { get; init; }

    /// <summary>As nft(8) names it.</summary>
    public override string ToString() => $"chain {NftTable.FamilyName(Table.Family)} {Table.Name} {Name}";
}

/// <summary>What a base chain is for.</summary>
public enum NftChainType
{
    /// <summary>Any test of packets.</summary>
    Filter,

    /// <summary>Address translation; sees the first packet of each connection.</summary>
    Nat,

    /// <summary>Changes that need a new routing decision.</summary>
    Route,
}

/// <summary>Where packets come into a base chain; the numbers are those of the IP and bridge families.</summary>
public enum NftHook
{
    /// <summary>Just received.</summary>
    PreRouting = 0,

    /// <summary>For this host.</summary>
    Input = 1,

    /// <summary>Passed on.</summary>
    Forward = 2,

    /// <summary>Of this host.</summary>
    Output = 3,

    /// <summary>About to leave.</summary>
    PostRouting = 4,

    /// <summary>Received by a device, before all else (netdev and inet).</summary>
    Ingress = 5,
}

/// <summary>The usual priorities of base chains; nft(8).</summary>
public static class NftPriority
{
    /// <summary>Before connections are tracked.</summary>
    public const int Raw = -300;

    /// <summary>Changes of packets.</summary>
    public const int Mangle = -150;

    /// <summary>Destination address translation.</summary>
    public const int DestinationNat = -100;

    /// <summary>Filters.</summary>
    public const int Filter = 0;

    /// <summary>Source address translation.</summary>
    public const int SourceNat = 100;

    /// <summary>Filters of a bridge.</summary>
    public const int BridgeFilter = -200;
}
