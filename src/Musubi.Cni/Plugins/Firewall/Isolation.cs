using Musubi.Linux.Nftables;
using Musubi.Linux.Nftables.Expressions;

namespace Musubi.Cni.Plugins.Firewall;

/// <summary>
/// Ingress policies: what comes from a bridge that has one and goes to another that has one is dropped, in two stages, as the reference plugin
/// does it. The rules belong to the bridge, not to a container, and stay when its last container goes.
/// </summary>
internal static class Isolation
{
    private const string StageOne = "CNI-ISOLATION-STAGE-1";
    private const string StageTwo = "CNI-ISOLATION-STAGE-2";

    /// <summary>Adds what is missing of a bridge's policy; answers whether anything was.</summary>
    public static bool Add(NftSocket nft, NftTransaction transaction, NftChain forward, IReadOnlyList<NftRule> forwardRules, IngressPolicy policy, string bridge)
    {
        NftChain one = new(forward.Table, StageOne);
        NftChain two = new(forward.Table, StageTwo);
        string comment = $"CNI firewall plugin rules (ingressPolicy: {(policy == IngressPolicy.Isolated ? "isolated" : "same-bridge")})";
        bool isEntered = forwardRules.Any(r => FirewallRules.JumpsTo(r, StageOne));
        bool isThere = nft.ListRules(one).Any(r => IsAbout(r, bridge));
        if (!isEntered)
        {
            // Before the containers' chain, which accepts.
            transaction.AddChain(two);
            transaction.AddChain(one);
            transaction.InsertRule(forward, r => r.Counter().Jump(one), comment);
            AddReturn(nft, transaction, one, comment);
            AddReturn(nft, transaction, two, comment);
        }

        if (!isThere)
        {
            transaction.InsertRule(one, r => From(r, policy, bridge).Counter().Jump(two), comment);
            transaction.InsertRule(two, r => r.OutputInterface(bridge).Counter().Drop(), comment);
        }

        return !isEntered || !isThere;
    }

    /// <summary>Whether a bridge has a policy.</summary>
    public static bool IsThere(NftSocket nft, NftChain forward, IReadOnlyList<NftRule> forwardRules, string bridge) =>
        forwardRules.Any(r => FirewallRules.JumpsTo(r, StageOne))
        && nft.ListRules(new NftChain(forward.Table, StageOne)).Any(r => IsAbout(r, bridge))
        && nft.ListRules(new NftChain(forward.Table, StageTwo)).Any(r => IsAbout(r, bridge));

    /// <summary>Within the same bridge packets come here only while bridges hand them to the firewall (br_netfilter).</summary>
    private static NftRuleBuilder From(NftRuleBuilder rule, IngressPolicy policy, string bridge)
    {
        NftRuleBuilder from = rule.InputInterface(bridge);
        return policy == IngressPolicy.Isolated ? from : from.OutputInterface().IsNot(NftValue.OfInterface(bridge));
    }

    private static void AddReturn(NftSocket nft, NftTransaction transaction, NftChain chain, string comment)
    {
        if (nft.ListRules(chain).Count == 0)
        {
            transaction.AddRule(chain, r => r.Counter().Return(), comment);
        }
    }

    private static bool IsAbout(NftRule rule, string bridge)
    {
        ReadOnlySpan<byte> name = NftValue.OfInterface(bridge).Bytes;
        foreach (NftExpression expression in rule.Expressions)
        {
            // iptables compares a name as far as it goes, with the zero after it.
            if (expression is NftCompare compare && compare.Value.Bytes.TrimEnd((byte)0).SequenceEqual(name.TrimEnd((byte)0)))
            {
                return true;
            }
        }

        return false;
    }
}
