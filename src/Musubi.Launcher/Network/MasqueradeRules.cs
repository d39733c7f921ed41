using System.Net;
using Musubi.Linux.Nftables;
using Musubi.Machines;

namespace Musubi.Launcher.Network;

/// <summary>What the NAT of one guest interface is made from.</summary>
/// <param name="PodInterface">Where traffic arrives.</param>
/// <param name="Bridge">The bridge to the guest.</param>
/// <param name="IPv4">The guest's IPv4 network; null when the pod has none.</param>
/// <param name="IPv6">The guest's IPv6 network; null when the pod has none.</param>
/// <param name="Ports">Ports let in; empty lets everything in.</param>
/// <param name="ReserveMigrationPorts">Drop what arrives on the platform's own ports.</param>
internal sealed record MasqueradeRuleSet(
    string PodInterface, string Bridge, GuestNetworkPlan? IPv4, GuestNetworkPlan? IPv6, IReadOnlyList<MachinePort> Ports, bool ReserveMigrationPorts);

/// <summary>
/// NAT between a pod interface and the guest behind it, in a table <c>nat</c> per family with the chains KubeVirt's users know.
/// Every rule counts, so that <c>nft list ruleset</c> shows where packets go.
/// </summary>
internal static class MasqueradeRules
{
    private const string TableName = "nat";
    private const string PreInbound = "KUBEVIRT_PREINBOUND";
    private const string PostInbound = "KUBEVIRT_POSTINBOUND";
    private const int DestinationNatOutput = -100;

    // Kept for the platform's own use, as KubeVirt's documentation has it.
    private static readonly ushort[] _migrationPorts = [49152, 49153];

    /// <summary>Adds the rules, one atomic transaction for both families.</summary>
    public static void Add(MasqueradeRuleSet rules)
    {
        using NftSocket nft = NftSocket.Open();
        NftTransaction transaction = nft.Begin();
        if (rules.IPv4 is { } v4)
        {
            Add(transaction, NftFamily.IPv4, rules, v4, IPAddress.Loopback);
        }

        if (rules.IPv6 is { } v6)
        {
            Add(transaction, NftFamily.IPv6, rules, v6, IPAddress.IPv6Loopback);
        }

        transaction.Commit();
    }

    /// <summary>Removes the tables; none is no error.</summary>
    public static void Remove()
    {
        using NftSocket nft = NftSocket.Open();
        NftTransaction transaction = nft.Begin();
        foreach (NftFamily family in (ReadOnlySpan<NftFamily>)[NftFamily.IPv4, NftFamily.IPv6])
        {
            if (nft.FindTable(family, TableName) is { } table)
            {
                transaction.DeleteTable(table);
            }
        }

        if (!transaction.IsEmpty)
        {
            transaction.Commit();
        }
    }

    private static void Add(NftTransaction transaction, NftFamily family, MasqueradeRuleSet rules, GuestNetworkPlan plan, IPAddress loopback)
    {
        IPAddress guest = plan.Guest.Address;
        IPAddress gateway = plan.Gateway.Address;
        NftTable table = transaction.AddTable(family, TableName);
        NftChain preInbound = transaction.AddChain(table, PreInbound);
        NftChain postInbound = transaction.AddChain(table, PostInbound);
        NftChain prerouting = transaction.AddChain(Nat(table, "prerouting", NftHook.PreRouting, NftPriority.DestinationNat));
        transaction.AddChain(Nat(table, "input", NftHook.Input, NftPriority.SourceNat));
        NftChain output = transaction.AddChain(Nat(table, "output", NftHook.Output, DestinationNatOutput));
        NftChain postrouting = transaction.AddChain(Nat(table, "postrouting", NftHook.PostRouting, NftPriority.SourceNat));

        transaction.AddRule(postrouting, r => r.Source(guest).Counter().Masquerade());
        transaction.AddRule(prerouting, r => r.InputInterface(rules.PodInterface).Counter().Jump(preInbound));
        transaction.AddRule(postrouting, r => r.OutputInterface(rules.Bridge).Counter().Jump(postInbound));
        if (rules.ReserveMigrationPorts)
        {
            foreach (NftTransport transport in (ReadOnlySpan<NftTransport>)[NftTransport.Tcp, NftTransport.Udp])
            {
                transaction.AddRule(preInbound, r => r.DestinationPort(transport).IsOneOf(_migrationPorts[0], _migrationPorts[1]).Counter().Drop());
            }
        }

        if (rules.Ports.Count == 0)
        {
            transaction.AddRule(preInbound, r => r.Counter().Dnat(guest));
            transaction.AddRule(postInbound, r => r.Source(loopback).Counter().Snat(gateway));
            transaction.AddRule(output, r => r.Destination(loopback).Counter().Dnat(guest));
            return;
        }

        foreach (MachinePort port in rules.Ports)
        {
            NftTransport transport = port.Protocol == "UDP" ? NftTransport.Udp : NftTransport.Tcp;
            ushort number = checked((ushort)port.Port);
            transaction.AddRule(preInbound, r => r.DestinationPort(transport).Is(number).Counter().Dnat(guest));
            transaction.AddRule(postInbound, r => r.DestinationPort(transport).Is(number).Source(loopback).Counter().Snat(gateway));
            transaction.AddRule(output, r => r.Destination(loopback).DestinationPort(transport).Is(number).Counter().Dnat(guest));
        }
    }

    private static NftChain Nat(NftTable table, string name, NftHook hook, int priority) =>
        new(table, name) { Type = NftChainType.Nat, Hook = hook, Priority = priority };
}
