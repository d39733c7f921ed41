using System.Net;
using Musubi.Cni.Plugins.Shared;
using Musubi.Linux.Addresses;
using Musubi.Linux.Nftables;
using Musubi.Linux.Nftables.Expressions;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Portmap;

/// <summary>
/// The rules that lead host ports to containers. Tables, chains and comments are those of the reference plugin's nftables backend, so that
/// either finds the other's rules: a chain for ports of one address, one for ports of all, and a rule for each mapping.
/// </summary>
internal static class PortmapRules
{
    private const int Attempts = 5;
    private const int LongestComment = 127;
    private static readonly Cidr _loopback = Cidr.Parse("127.0.0.0/8");

    /// <summary>The tables of both families.</summary>
    public static IReadOnlyList<NftTable> Tables { get; } = [TableOf(isIPv6: false), TableOf(isIPv6: true)];

    /// <summary>Adds the rules of an attachment for the container's addresses, all in one transaction that adds only.</summary>
    public static void Add(NftSocket nft, Attachment attachment, PortmapConfig config, IReadOnlyList<Cidr> addresses)
    {
        for (int attempt = 1; ; attempt++)
        {
            uint generation = nft.GetGeneration();
            NftTransaction transaction = nft.Begin();
            bool first = false;
            foreach (Cidr address in addresses)
            {
                NftTable table = TableOf(address.IsIPv6);
                if (nft.FindChain(table, Prerouting(table).Name) is null)
                {
                    first = true;
                    AddEntries(transaction, table);
                }

                // Adding a chain that is there would change nothing, but the kernel would wait for a grace period when the socket is closed.
                if (config.Snat && nft.FindChain(table, Masquerading(table).Name) is null)
                {
                    first = true;
                    transaction.AddChain(Masquerading(table));
                }

                AddMappings(transaction, table, attachment, config, address);
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

    /// <summary>Removes every rule of an attachment, and those that the reference plugin made for the container.</summary>
    public static void Remove(NftSocket nft, Attachment attachment)
    {
        string key = attachment.Key;
        string comment = CommentOf(attachment);
        OwnedRules.Remove(nft, Tables, rule => rule.Tag is { } tag ? tag == key : rule.Comment == comment);
    }

    /// <summary>The first mapping without a rule that leads it to the address; null when each has one.</summary>
    public static PortMapping? FindMissing(NftSocket nft, Attachment attachment, PortmapConfig config, Cidr address)
    {
        NftTable table = TableOf(address.IsIPv6);
        string comment = CommentOf(attachment);
        NftRule[] rules = [.. nft.ListRules(table).Where(r => r.Comment == comment)];
        return config.MappingsOf(address.IsIPv6).FirstOrDefault(mapping => !rules.Any(rule => Leads(rule, mapping, address.Address)));
    }

    /// <summary>Whether connections are masqueraded on their way to an address.</summary>
    public static bool IsMasqueraded(NftSocket nft, Attachment attachment, Cidr address)
    {
        string comment = CommentOf(attachment);
        return nft.ListRules(Masquerading(TableOf(address.IsIPv6)))
            .Any(r => r.Comment == comment && r.Expressions.Any(e => e is NftCompare compare && compare.Value == NftValue.Of(address.Address)));
    }

    private static void AddEntries(NftTransaction transaction, NftTable table)
    {
        transaction.AddTable(table);
        transaction.AddChain(HostPorts(table));
        transaction.AddChain(HostAddressPorts(table));
        foreach (NftChain entry in (NftChain[])[Prerouting(table), Output(table)])
        {
            transaction.AddChain(entry);
            transaction.AddRule(entry, r => r.Jump(HostAddressPorts(table)));

            // Only what is sent to this host: packets to others that pass it may use the same ports.
            transaction.AddRule(entry, r => r.FibAddressType(NftFibFlags.Destination, RouteType.Local).Jump(HostPorts(table)));
        }
    }

    private static void AddMappings(NftTransaction transaction, NftTable table, Attachment attachment, PortmapConfig config, Cidr address)
    {
        string comment = CommentOf(attachment);
        string tag = attachment.Key;
        IReadOnlyList<PortmapCondition> conditions = address.IsIPv6 ? config.ConditionsV6 : config.ConditionsV4;
        foreach (PortMapping mapping in config.MappingsOf(address.IsIPv6))
        {
            transaction.AddRule(
                mapping.HostAddress is null ? HostPorts(table) : HostAddressPorts(table),
                rule =>
                {
                    foreach (PortmapCondition condition in conditions)
                    {
                        condition.AppendTo(rule);
                    }

                    NftRuleBuilder tested = mapping.HostAddress is { } host ? rule.Destination(host) : rule;
                    tested.DestinationPort(mapping.Protocol).Is(mapping.HostPort).Dnat(address.Address, mapping.ContainerPort);
                },
                comment,
                tag: tag);
        }

        if (config.Snat)
        {
            AddMasquerading(transaction, Masquerading(table), comment, tag, config, address);
        }
    }

    /// <summary>
    /// The container answers a neighbour, itself, and an address it takes for its own (127.0.0.0/8) directly, and the answer would miss its
    /// way back through the translation: such connections get an address of the host.
    /// </summary>
    private static void AddMasquerading(NftTransaction transaction, NftChain chain, string comment, string tag, PortmapConfig config, Cidr address)
    {
        if (config.MasqueradeAll)
        {
            foreach (PortMapping mapping in config.MappingsOf(address.IsIPv6))
            {
                transaction.AddRule(
                    chain,
                    r => r.Destination(address.Address).DestinationPort(mapping.Protocol).Is(mapping.ContainerPort).ConntrackStatus(NftConntrackStatus.DestinationNat).Masquerade(),
                    comment,
                    tag: tag);
            }

            return;
        }

        transaction.AddRule(
            chain,
            r => r.Source(address.Network).Destination(address.Address).ConntrackStatus(NftConntrackStatus.DestinationNat).Masquerade(),
            comment,
            tag: tag);
        if (!address.IsIPv6)
        {
            transaction.AddRule(chain, r => r.Source(_loopback).Destination(address.Address).Masquerade(), comment, tag: tag);
        }
    }

    /// <summary>Whether a rule, ours or the reference plugin's, does what a mapping asks for.</summary>
    private static bool Leads(NftRule rule, PortMapping mapping, IPAddress address)
    {
        IReadOnlyList<NftExpression> steps = rule.Expressions;
        return steps.Any(e => e is NftNat { Destination: true })
            && Loads(address)
            && Loads(mapping.ContainerPort)
            && Compares(mapping.HostPort)
            && Compares(NftValue.OfByte((byte)mapping.Protocol))
            && (mapping.HostAddress is not { } host || Compares(host));

        bool Loads(NftValue value) => steps.Any(e => e is NftImmediate immediate && immediate.Value == value);
        bool Compares(NftValue value) => steps.Any(e => e is NftCompare { Operator: NftOperator.Equal } compare && compare.Value == value);
    }

    /// <summary>The reference plugin knows its rules by the container alone.</summary>
    private static string CommentOf(Attachment attachment) =>
        attachment.ContainerId.Length <= LongestComment ? attachment.ContainerId : attachment.ContainerId[..LongestComment];

    private static NftTable TableOf(bool isIPv6) => new(isIPv6 ? NftFamily.IPv6 : NftFamily.IPv4, "cni_hostport") { Comment = "CNI portmap plugin" };

    private static NftChain HostPorts(NftTable table) => new(table, "hostports");

    private static NftChain HostAddressPorts(NftTable table) => new(table, "hostip_hostports");

    private static NftChain Prerouting(NftTable table) => new(table, "prerouting") { Type = NftChainType.Nat, Hook = NftHook.PreRouting, Priority = NftPriority.DestinationNat };

    private static NftChain Output(NftTable table) => new(table, "output") { Type = NftChainType.Nat, Hook = NftHook.Output, Priority = NftPriority.DestinationNat };

    private static NftChain Masquerading(NftTable table) => new(table, "masquerading") { Type = NftChainType.Nat, Hook = NftHook.PostRouting, Priority = NftPriority.SourceNat };
}
