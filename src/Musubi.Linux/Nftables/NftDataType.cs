namespace Musubi.Linux.Nftables;

/// <summary>The type of a set's keys or a map's values, with the number by which nft(8) knows it; or several types one after another.</summary>
public sealed class NftDataType : IEquatable<NftDataType>
{
    private const int BitsPerType = 6;

    private readonly NftDataType[] _parts;

    private NftDataType(string name, uint id, int length, bool isNetworkOrder)
    {
        Name = name;
        Id = id;
        Length = length;
        IsNetworkOrder = isNetworkOrder;
        _parts = [];
    }

    private NftDataType(NftDataType[] parts)
    {
        _parts = parts;
        Name = string.Join(" . ", (object[])parts);
        foreach (NftDataType part in parts)
        {
            Id = (Id << BitsPerType) | part.Id;
            Length += NftValue.Padded(part.Length);
        }
    }

    /// <summary><c>ipv4_addr</c></summary>
    public static NftDataType IPv4Address { get; } = new("ipv4_addr", 7, 4, isNetworkOrder: true);

    /// <summary><c>ipv6_addr</c></summary>
    public static NftDataType IPv6Address { get; } = new("ipv6_addr", 8, 16, isNetworkOrder: true);

    /// <summary><c>ether_addr</c></summary>
    public static NftDataType EtherAddress { get; } = new("ether_addr", 9, 6, isNetworkOrder: true);

    /// <summary><c>ether_type</c></summary>
    public static NftDataType EtherType { get; } = new("ether_type", 10, 2, isNetworkOrder: true);

    /// <summary><c>inet_proto</c></summary>
    public static NftDataType Protocol { get; } = new("inet_proto", 12, 1, isNetworkOrder: true);

    /// <summary><c>inet_service</c>: a port.</summary>
    public static NftDataType Service { get; } = new("inet_service", 13, 2, isNetworkOrder: true);

    /// <summary><c>mark</c></summary>
    public static NftDataType Mark { get; } = new("mark", 19, 4, isNetworkOrder: false);

    /// <summary><c>iface_index</c></summary>
    public static NftDataType InterfaceIndex { get; } = new("iface_index", 20, 4, isNetworkOrder: false);

    /// <summary><c>ifname</c></summary>
    public static NftDataType InterfaceName { get; } = new("ifname", 41, 16, isNetworkOrder: false);

    /// <summary><c>ct_state</c></summary>
    public static NftDataType ConntrackState { get; } = new("ct_state", 26, 4, isNetworkOrder: false);

    /// <summary><c>integer</c> of four bytes.</summary>
    public static NftDataType Integer { get; } = new("integer", 4, 4, isNetworkOrder: false);

    /// <summary><c>verdict</c>: the values of a verdict map.</summary>
    public static NftDataType Verdict { get; } = new("verdict", Nft.NFT_DATA_VERDICT, 16, isNetworkOrder: false);

    /// <summary>The name nft(8) uses.</summary>
    public string Name { get; }

    /// <summary>Bytes of a value; in a concatenation each part is filled up to four bytes.</summary>
    public int Length { get; }

    /// <summary>The parts of a concatenation; empty for others.</summary>
    public IReadOnlyList<NftDataType> Parts => _parts;

    internal uint Id { get; }

    internal bool IsNetworkOrder { get; }

    /// <summary>Several types one after another, such as <c>ipv4_addr . inet_service</c>.</summary>
    public static NftDataType Concat(params NftDataType[] parts) => new(parts);

    /// <summary>Whether both are the same type.</summary>
    public static bool operator ==(NftDataType? left, NftDataType? right) => left is null ? right is null : left.Equals(right);

    /// <summary>Whether the types differ.</summary>
    public static bool operator !=(NftDataType? left, NftDataType? right) => !(left == right);

    /// <inheritdoc/>
    public bool Equals(NftDataType? other) => other is not null && Id == other.Id && Length == other.Length;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as NftDataType);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Id, Length);

    /// <summary>The name nft(8) uses.</summary>
    public override string ToString() => Name;

    /// <summary>The type of a number and length as the kernel reports them.</summary>
    internal static NftDataType Of(uint id, int length)
    {
        if (id == Nft.NFT_DATA_VERDICT)
        {
            return Verdict;
        }

        if (id >> BitsPerType == 0)
        {
            return Known(id, length) ?? new NftDataType($"type {id}", id, length, isNetworkOrder: false);
        }

        List<NftDataType> parts = [];
        for (uint rest = id; rest != 0; rest >>= BitsPerType)
        {
            uint part = rest & ((1u << BitsPerType) - 1);
            parts.Insert(0, Known(part, length: null) ?? new NftDataType($"type {part}", part, 4, isNetworkOrder: false));
        }

        return new NftDataType([.. parts]);
    }

    private static NftDataType? Known(uint id, int? length)
    {
        NftDataType? type = id switch
        {
            4 => Integer,
            7 => IPv4Address,
            8 => IPv6Address,
            9 => EtherAddress,
            10 => EtherType,
            12 => Protocol,
            13 => Service,
            19 => Mark,
            20 => InterfaceIndex,
            26 => ConntrackState,
            41 => InterfaceName,
            _ => null,
        };
        return type is not null && (length is null || type.Length == length) ? type : null;
    }
}
