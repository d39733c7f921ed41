using Musubi.Linux.Addresses;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Nftables;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>
/// Drops frames that a container sends from another hardware address than its own. Objects and comments are those of the
/// reference plugin: a jump in the bridge family's <c>nat PREROUTING</c> to two chains of the attachment's own.
/// </summary>
internal static class MacSpoofCheck
{
    private static readonly NftTable _table = new(NftFamily.Bridge, "nat");
    private static readonly NftChain _prerouting =
        new(_table, "PREROUTING") { Type = NftChainType.Filter, Hook = NftHook.PreRouting, Priority = NftPriority.Raw, Policy = NftVerdictCode.Accept };

    /// <summary>Adds the rules of an attachment, all in one transaction.</summary>
    public static void Add(NetworkNamespace? host, Attachment attachment, string hostInterface, MacAddress mac)
    {
        string comment = CommentOf(attachment);
        string tag = attachment.Key;
        NftChain interfaceChain = InterfaceChainOf(attachment);
        NftChain macChain = MacChainOf(attachment);
        using NftSocket nft = NftSocket.Open(host);
        NftTransaction transaction = nft.Begin();
        transaction.AddTable(_table);
        if (nft.FindChain(_table, _prerouting.Name) is null)
        {
            // Not when it is there: that changes nothing, but closing the socket would wait for a grace period.
            transaction.AddChain(_prerouting);
        }

        transaction.AddChain(macChain);
        transaction.AddChain(interfaceChain);
        transaction.FlushChain(macChain);
        transaction.FlushChain(interfaceChain);
        transaction.AddRule(macChain, r => r.EtherSource().Is(mac).Return(), comment, tag: tag);
        transaction.AddRule(macChain, r => r.Drop(), comment, tag: tag);
        transaction.AddRule(interfaceChain, r => r.Jump(macChain), comment, tag: tag);
        transaction.AddRule(_prerouting, r => r.InputInterface(hostInterface).Jump(interfaceChain), comment, tag: tag);
        transaction.Commit();
    }

    /// <summary>Removes the rules of an attachment; none is no error.</summary>
    public static void Remove(NftSocket nft, Attachment attachment) => OwnedRules.Remove(nft, transaction =>
    {
        if (nft.FindChain(_table, InterfaceChainOf(attachment).Name) is not { } interfaceChain)
        {
            return;
        }

        string comment = CommentOf(attachment);
        foreach (NftRule rule in nft.ListRules(_prerouting))
        {
            if (rule.Comment == comment)
            {
                transaction.DeleteRule(rule);
            }
        }

        transaction.FlushChain(interfaceChain);
        transaction.DeleteChain(interfaceChain);
        if (nft.FindChain(_table, MacChainOf(attachment).Name) is { } macChain)
        {
            transaction.FlushChain(macChain);
            transaction.DeleteChain(macChain);
        }
    });

    /// <summary>
    /// Removes what was made for attachments of a network that are not valid any more. The reference plugin's names do not tell the network:
    /// its rules have no tag, and are left to DEL.
    /// </summary>
    public static void RemoveInvalid(NetworkNamespace? host, string network, IReadOnlySet<(string ContainerId, string IfName)> valid)
    {
        Func<NftRule, bool> isStale = OwnedRules.Stale(network, valid);
        using NftSocket nft = NftSocket.Open(host);
        OwnedRules.Remove(nft, transaction => Collect(nft, transaction, isStale));
    }

    private static void Collect(NftSocket nft, NftTransaction transaction, Func<NftRule, bool> isStale)
    {
        HashSet<string> chains = [];
        foreach (NftRule rule in nft.ListRules(_table).Where(isStale))
        {
            if (rule.Chain.Name == _prerouting.Name)
            {
                transaction.DeleteRule(rule);
            }
            else
            {
                chains.Add(rule.Chain.Name);
            }
        }

        // Emptied first, so that none is jumped to when it is deleted.
        foreach (string chain in chains)
        {
            transaction.FlushChain(new NftChain(_table, chain));
        }

        foreach (string chain in chains)
        {
            transaction.DeleteChain(new NftChain(_table, chain));
        }
    }

    private static string ReferenceOf(Attachment attachment) => $"{attachment.ContainerId}-{attachment.IfName}";

    private static string CommentOf(Attachment attachment) => $"macspoofchk-{ReferenceOf(attachment)}";

    private static NftChain InterfaceChainOf(Attachment attachment) => new(_table, $"cni-br-iface-{ReferenceOf(attachment)}");

    private static NftChain MacChainOf(Attachment attachment) => new(_table, $"cni-br-iface-{ReferenceOf(attachment)}-mac");
}
