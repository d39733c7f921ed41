using Musubi.Linux;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>
/// Rules whose tag is the key of the attachment they were made for: comments belong to the reference plugins, whose tell less,
/// and other tools neither show nor heed tags.
/// </summary>
internal static class OwnedRules
{
    private const int Attempts = 5;

    /// <summary>Finds the rules of attachments of a network that are not valid any more.</summary>
    public static Func<NftRule, bool> Stale(string network, IReadOnlySet<(string ContainerId, string IfName)> valid)
    {
        string begin = Attachment.NetworkKey(network) + "-";
        HashSet<string> keys = [.. valid.Select(v => new Attachment(network, v.ContainerId, v.IfName).Key)];
        return rule => rule.Tag is { } tag && tag.StartsWith(begin, StringComparison.Ordinal) && !keys.Contains(tag);
    }

    /// <summary>Removes the rules of some tables for which the condition holds, in one transaction; none is no error.</summary>
    public static void Remove(NftSocket nft, IReadOnlyList<NftTable> tables, Func<NftRule, bool> condition) =>
        Remove(nft, () => tables.SelectMany(nft.ListRules).Where(condition));

    /// <summary>Removes the rules of some chains for which the condition holds, in one transaction; none is no error.</summary>
    public static void Remove(NftSocket nft, IReadOnlyList<NftChain> chains, Func<NftRule, bool> condition) =>
        Remove(nft, () => chains.SelectMany(nft.ListRules).Where(condition));

    /// <summary>Removes what is found in one transaction, and looks again when somebody else was faster with a part of it.</summary>
    /// <param name="nft">The host's socket.</param>
    /// <param name="find">Adds what is there to the transaction; nothing is no error.</param>
    public static void Remove(NftSocket nft, Action<NftTransaction> find)
    {
        for (int attempt = 1; ; attempt++)
        {
            NftTransaction transaction = nft.Begin();
            find(transaction);
            try
            {
                if (!transaction.IsEmpty)
                {
                    transaction.Commit();
                }

                return;
            }
            catch (NetlinkException e) when (e.Errno == Errno.ENOENT && attempt < Attempts)
            {
                // Another DEL or GC removed one of them meanwhile: look again.
            }
        }
    }

    private static void Remove(NftSocket nft, Func<IEnumerable<NftRule>> find) => Remove(nft, transaction =>
    {
        foreach (NftRule rule in find())
        {
            transaction.DeleteRule(rule);
        }
    });
}
