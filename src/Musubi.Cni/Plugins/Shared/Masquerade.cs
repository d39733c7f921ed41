using Musubi.Linux.Addresses;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Nftables;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>
/// Hides containers' addresses behind the host's when they leave their network. Table, chains, rules and comments are those of the
/// reference library's nftables backend, so that either finds the other's rules.
/// </summary>
internal static class Masquerade
{
    private const int LongestComment = 127; // what nft(8) shows; the reference cuts one byte later
    private const int Attempts = 5;

    private static readonly NftTable _table = new(NftFamily.Inet, "cni_plugins_masquerade");
    private static readonly NftChain _checks = new(_table, "masq_checks");
    private static readonly NftChain[] _chainsWithRules = [_checks];
    private static readonly NftChain _postrouting =
        new(_table, "postrouting") { Type = NftChainType.Nat, Hook = NftHook.PostRouting, Priority = NftPriority.SourceNat };

    /// <summary>Adds a rule for each address.</summary>
    public static void Add(NetworkNamespace? host, Attachment attachment, IEnumerable<Cidr> addresses)
    {
        using NftSocket nft = NftSocket.Open(host);
        for (int attempt = 1; ; attempt++)
        {
            uint generation = nft.GetGeneration();
            NftTransaction transaction = nft.Begin();
            bool first = nft.FindChain(_table, _postrouting.Name) is null;
            if (first)
            {
                AddChains(transaction);
            }

            foreach (Cidr address in addresses)
            {
                transaction.AddRule(
                    _checks,
                    r => r.Source(address.Address).DestinationIsNot(address.Network).Masquerade(),
                    CommentOf(attachment));
            }

            try
            {
                // The chains are made by one of several concurrent plugins: the others must not repeat their rules.
                transaction.Commit(first ? generation : null);
                return;
            }
            catch (NftGenerationChangedException) when (attempt < Attempts)
            {
                // Somebody else changed the ruleset meanwhile: look again.
            }
        }
    }

    /// <summary>Removes every rule of an attachment; none is no error.</summary>
    public static void Remove(NftSocket nft, Attachment attachment) =>
        RemoveWhere(nft, comment => comment.StartsWith(attachment.Key, StringComparison.Ordinal));

    /// <summary>Removes the rules of a network's attachments that are not valid any more.</summary>
    public static void RemoveInvalid(NetworkNamespace? host, string network, IReadOnlySet<(string ContainerId, string IfName)> valid)
    {
        string networkKey = Attachment.NetworkKey(network) + "-";
        HashSet<string> keys = [.. valid.Select(v => new Attachment(network, v.ContainerId, v.IfName).Key)];
        using NftSocket nft = NftSocket.Open(host);
        RemoveWhere(nft, comment => comment.StartsWith(networkKey, StringComparison.Ordinal) && !keys.Contains(comment[..Math.Min(comment.Length, networkKey.Length * 2 - 1)]));
    }

    private static void AddChains(NftTransaction transaction)
    {
        transaction.AddTable(_table);
        transaction.AddChain(_checks);
        transaction.AddChain(_postrouting);
        transaction.AddRule(_postrouting, r => r.Destination(Cidr.Parse("224.0.0.0/4")).Return());
        transaction.AddRule(_postrouting, r => r.Destination(Cidr.Parse("ff00::/8")).Return());
        transaction.AddRule(_postrouting, r => r.Goto(_checks));
    }

    private static void RemoveWhere(NftSocket nft, Func<string, bool> matches) =>
        OwnedRules.Remove(nft, _chainsWithRules, rule => rule.Comment is { } comment && matches(comment));

    private static string CommentOf(Attachment attachment)
    {
        string text = $"{attachment.Key}, net: {attachment.Network}, if: {attachment.IfName}, id: {attachment.ContainerId}".Replace("\"", "", StringComparison.Ordinal);
        return text.Length <= LongestComment ? text : text[..LongestComment];
    }
}
