namespace Musubi.Linux.Nftables;

/// <summary>A set of values that rules look up; a map when it has <see cref="Data"/>, a verdict map when that is <see cref="NftDataType.Verdict"/>.</summary>
/// <param name="Table">Its table.</param>
/// <param name="Name">Its name, unique in the table.</param>
/// <param name="Key">The type of its keys.</param>
public sealed record NftSet(NftTable Table, string Name, NftDataType Key)
{
    /// <summary>The type of a map's values.</summary>
    public NftDataType? Data { get; init; }

    /// <summary>Whether keys are ranges.</summary>
    public bool Interval { get; init; }

    /// <summary>Whether its elements never change.</summary>
    public bool Constant { get; init; }

    /// <summary>Whether elements may expire; implied by <see cref="Timeout"/>.</summary>
    public bool HasTimeouts { get; init; }

    /// <summary>After what time elements expire that say nothing themselves.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How many elements it may have.</summary>
    public int? Size { get; init; }

    /// <summary>Free text.</summary>
    public string? Comment { get; init; }

    /// <summary>Whether it belongs to a rule and goes with it. Only read.</summary>
    public bool Anonymous { get; init; }

    /// <summary>The kernel's number for it. Only read.</summary>
    public ulong Handle { get; init; }

    /// <summary>The number by which rules of the same transaction refer to an anonymous set.</summary>
    internal uint Id { get; init; }

    /// <summary>As nft(8) names it.</summary>
    public override string ToString() => $"{(Data is null ? "set" : "map")} {NftTable.FamilyName(Table.Family)} {Table.Name} {Name}";
}

/// <summary>An element of a set.</summary>
/// <param name="Key">Its value; in a set of ranges the lowest.</param>
public readonly record struct NftElement(NftValue Key)
{
    /// <summary>The highest value of a range; null for one value.</summary>
    public NftValue? End { get; init; }

    /// <summary>What a map's element leads to.</summary>
    public NftValue? Value { get; init; }

    /// <summary>What a verdict map's element leads to.</summary>
    public NftVerdict? Verdict { get; init; }

    /// <summary>After what time it expires.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How long it still lives. Only read.</summary>
    public TimeSpan? ExpiresIn { get; init; }

    /// <summary>Free text.</summary>
    public string? Comment { get; init; }

    /// <summary>A network as a range, for sets of ranges.</summary>
    public static NftElement Of(Addresses.Cidr network) => new(network.Network.Address) { End = NftValue.Of(network.Broadcast) };

    /// <summary>An element of a verdict map.</summary>
    public static NftElement Of(NftValue key, NftVerdict verdict) => new(key) { Verdict = verdict };

    /// <summary>An element of a map.</summary>
    public static NftElement Of(NftValue key, NftValue value) => new(key) { Value = value };
}
