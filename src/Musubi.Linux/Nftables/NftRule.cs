using Musubi.Linux.Nftables.Expressions;

namespace Musubi.Linux.Nftables;

/// <summary>A rule as read back: expressions that run one after another until one does not hold or gives a verdict.</summary>
/// <param name="Chain">Its chain, of which only table and name are known.</param>
/// <param name="Handle">The kernel's number, by which it is deleted.</param>
/// <param name="Expressions">What it tests and does.</param>
public sealed record NftRule(NftChain Chain, ulong Handle, IReadOnlyList<NftExpression> Expressions)
{
    /// <summary>Free text.</summary>
    public string? Comment { get; init; }

    /// <summary>A note of the program that made it, for its own use; other tools neither show nor heed it.</summary>
    public string? Tag { get; init; }

    /// <summary>The rule's counter, if it has one.</summary>
    public NftCounter? Counter
    {
        get
        {
            foreach (NftExpression expression in Expressions)
            {
                if (expression is NftCounter counter)
                {
                    return counter;
                }
            }

            return null;
        }
    }

    /// <summary>As nft(8) names it.</summary>
    public override string ToString() => $"rule {NftTable.FamilyName(Chain.Table.Family)} {Chain.Table.Name} {Chain.Name} handle {Handle}";
}
