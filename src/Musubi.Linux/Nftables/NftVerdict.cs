using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables;

/// <summary>What becomes of a packet.</summary>
/// <param name="Code">What.</param>
/// <param name="Chain">The chain of a jump or goto.</param>
public readonly record struct NftVerdict(NftVerdictCode Code, string? Chain = null)
{
    /// <summary>It passes this hook.</summary>
    public static NftVerdict Accept => new(NftVerdictCode.Accept);

    /// <summary>It is dropped.</summary>
    public static NftVerdict Drop => new(NftVerdictCode.Drop);

    /// <summary>Goes back to the chain that jumped here.</summary>
    public static NftVerdict Return => new(NftVerdictCode.Return);

    /// <summary>Goes on with the next rule.</summary>
    public static NftVerdict Continue => new(NftVerdictCode.Continue);

    /// <summary>Goes on in another chain and comes back after its end.</summary>
    public static NftVerdict Jump(string chain) => new(NftVerdictCode.Jump, chain);

    /// <summary>Goes on in another chain and does not come back.</summary>
    public static NftVerdict Goto(string chain) => new(NftVerdictCode.Goto, chain);

    /// <summary>As nft(8) writes it.</summary>
    public override string ToString() => Chain is null ? Code.ToString().ToLowerInvariant() : $"{Code.ToString().ToLowerInvariant()} {Chain}";

    internal void Write(ref MessageWriter writer)
    {
        int data = writer.BeginNest(Nft.NFTA_DATA_VERDICT);
        writer.UInt32BigEndian(Nft.NFTA_VERDICT_CODE, (uint)(int)Code);
        if (Chain is not null)
        {
            writer.Text(Nft.NFTA_VERDICT_CHAIN, Chain);
        }

        writer.EndNest(data);
    }

    internal static NftVerdict Read(AttributeReader attributes)
    {
        NftVerdict verdict = default;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            verdict = type switch
            {
                Nft.NFTA_VERDICT_CODE => verdict with { Code = (NftVerdictCode)(int)value.UInt32BigEndian },
                Nft.NFTA_VERDICT_CHAIN => verdict with { Chain = value.Text },
                _ => verdict,
            };
        }

        return verdict;
    }
}

/// <summary>Kinds of verdicts; the kernel's numbers.</summary>
public enum NftVerdictCode
{
    /// <summary>The packet is dropped.</summary>
    Drop = 0,

    /// <summary>The packet passes this hook.</summary>
    Accept = 1,

    /// <summary>The packet goes to a program.</summary>
    Queue = 3,

    /// <summary>Goes on with the next rule.</summary>
    Continue = -1,

    /// <summary>Ends this rule.</summary>
    Break = -2,

    /// <summary>Goes on in another chain and comes back after its end.</summary>
    Jump = -3,

    /// <summary>Goes on in another chain and does not come back.</summary>
    Goto = -4,

    /// <summary>Goes back to the chain that jumped here.</summary>
    Return = -5,
}
