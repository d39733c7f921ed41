using System.Net;
using Musubi.Cni.Plugins.Shared;
using Musubi.Linux.Addresses;
using Musubi.Linux.Nftables;
using Musubi.Linux.Nftables.Expressions;

namespace Musubi.Cni.Plugins.Firewall;

/// <summary>
/// Lets containers' traffic pass the chain that iptables(8) keeps for forwarded packets, where an administrator or another program may drop
/// all that nobody asked for. Chains, rules and comments are those of the reference plugin, in the form that iptables writes and reads: a rule in a
/// table of our own could not take back what is dropped there, for an accepted packet still passes all other chains of its hook.
/// </summary>
internal static class FirewallRules
{
    private const string ForwardComment = "CNI firewall plugin rules";
    private const string AdminComment = "CNI firewall plugin admin overrides";
    private const int Attempts = 5;

    /// <summary>The chains of containers' rules, of both families.</summary>
    public static IReadOnlyList<NftChain> Chains { get; } = [ContainersOf(TableOf(isIPv6: false)), ContainersOf(TableOf(isIPv6: true))];

    /// <summary>Adds the rules of an attachment, all in one transaction that adds only.</summary>
    /// <param name="nft">The host's firewall.</param>
    /// <param name="attachment">The attachment.</param>
    /// <param name="config">The configuration.</param>
    /// <param name="addresses">The container's addresses.</param>
    /// <param name="bridge">The bridge that an ingress policy is about; empty for the open policy.</param>
    public static void Add(NftSocket nft, Attachment attachment, FirewallConfig config, IReadOnlyList<IPAddress> addresses, string bridge)
    {
        for (int attempt = 1; ; attempt++)
        {
            uint generation = nft.GetGeneration();
            NftTransaction transaction = nft.Begin();
            bool first = false;
            foreach (IGrouping<bool, IPAddress> family in addresses.GroupBy(IsIPv6))
            {
                NftTable table = TableOf(family.Key);
                IReadOnlyList<NftRule> forward = nft.ListRules(ForwardOf(table));
                first |= AddEntry(nft, transaction, table, forward, config.AdminChain);
                first |= config.Policy != IngressPolicy.Open && Isolation.Add(nft, transaction, ForwardOf(table), forward, config.Policy, bridge);
                foreach (IPAddress address in family)
                {
                    AddContainer(transaction, ContainersOf(table), address, attachment.Key);
                }
            }

            try
            {
                // What is shared is made by one of several concurrent plugins: the others must not repeat it.
                transaction.Commit(first ? generation : null);
                return;
            }
            catch (NftGenerationChangedException) when (attempt < Attempts)
            {
                // Somebody else changed the ruleset meanwhile: look again.
            }
        }
    }

    /// <summary>Removes the rules of an attachment, and those that the reference plugin, whose rules name nobody, made for its addresses.</summary>
    public static void Remove(NftSocket nft, Attachment attachment, IReadOnlyList<IPAddress> addresses)
    {
        string key = attachment.Key;
        OwnedRules.Remove(nft, Chains, rule => rule.Tag is { } tag ? tag == key : addresses.Any(a => IsAbout(rule, a)));
    }

    /// <summary>What is missing of an attachment's rules; null when nothing is.</summary>
    public static string? FindMissing(NftSocket nft, FirewallConfig config, IReadOnlyList<IPAddress> addresses, string bridge)
    {
        foreach (IGrouping<bool, IPAddress> family in addresses.GroupBy(IsIPv6))
        {
            NftTable table = TableOf(family.Key);
            NftChain containers = ContainersOf(table);
            IReadOnlyList<NftRule> forward = nft.ListRules(ForwardOf(table));
            IReadOnlyList<NftRule> rules = nft.ListRules(containers);
            if (!forward.Any(r => JumpsTo(r, containers.Name)))
            {
                return $"a rule in chain FORWARD that leads to {containers.Name}";
            }

            if (!rules.Any(r => JumpsTo(r, config.AdminChain)))
            {
                return $"a rule in chain {containers.Name} that leads to {config.AdminChain}";
            }

            if (family.FirstOrDefault(a => rules.Count(r => IsAbout(r, a)) < 2) is { } address)
            {
                return $"rules for {IpText.Format(address)} in chain {containers.Name}";
            }

            if (config.Policy != IngressPolicy.Open && !Isolation.IsThere(nft, ForwardOf(table), forward, bridge))
            {
                return $"the ingress policy of bridge {bridge}";
            }
        }

        return null;
    }

    public static bool JumpsTo(NftRule rule, string chain) =>
        rule.Expressions.Any(e => e is NftVerdictExpression { Verdict.Code: NftVerdictCode.Jump } verdict && verdict.Verdict.Chain == chain);

    /// <summary>Makes the chains and the rules that lead to them, as far as they are missing; answers whether any was.</summary>
    private static bool AddEntry(NftSocket nft, NftTransaction transaction, NftTable table, IReadOnlyList<NftRule> forward, string adminChain)
    {
        NftChain containers = ContainersOf(table);
        NftChain admin = new(table, adminChain);
        bool isEntered = forward.Any(r => JumpsTo(r, containers.Name));
        bool hasAdmin = nft.ListRules(containers).Any(r => JumpsTo(r, adminChain));
        if (!isEntered)
        {
            transaction.AddTable(table);
            if (forward.Count == 0 && nft.FindChain(table, ForwardOf(table).Name) is null)
            {
                transaction.AddChain(ForwardOf(table));
            }

            transaction.AddChain(containers);
            transaction.InsertRule(ForwardOf(table), r => r.Counter().Jump(containers), ForwardComment);
        }

        if (!hasAdmin)
        {
            transaction.AddChain(admin);
            transaction.InsertRule(containers, r => r.Counter().Jump(admin), AdminComment);
        }

        return !isEntered || !hasAdmin;
    }

    private static void AddContainer(NftTransaction transaction, NftChain chain, IPAddress address, string tag)
    {
        transaction.AddRule(
            chain,
            r => r.Destination(address).IptablesConntrackState(NftConntrackStates.Established | NftConntrackStates.Related).Counter().Accept(),
            tag: tag);
        transaction.AddRule(chain, r => r.Source(address).Counter().Accept(), tag: tag);
    }

    private static bool IsAbout(NftRule rule, IPAddress address) => rule.Expressions.Any(e => e is NftCompare compare && compare.Value == NftValue.Of(address));

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == IPAddress.IPv6Any.AddressFamily;

    private static NftTable TableOf(bool isIPv6) => new(isIPv6 ? NftFamily.IPv6 : NftFamily.IPv4, "filter");

    private static NftChain ForwardOf(NftTable table) => new(table, "FORWARD") { Hook = NftHook.Forward, Priority = NftPriority.Filter };

    private static NftChain ContainersOf(NftTable table) => new(table, "CNI-FORWARD");
}
