using System.Runtime.InteropServices;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables.Expressions;

/// <summary>A test of the older packet filter, which nf_tables runs for iptables(8) (nft_compat): <c>-m NAME …</c>. Read back it is <see cref="NftOther"/>.</summary>
/// <param name="Match">Its name.</param>
/// <param name="Revision">Which form of its parameters.</param>
/// <param name="Parameters">The parameters, as the kernel's header lays them out.</param>
public sealed record NftIptablesMatch(string Match, uint Revision, NftValue Parameters) : NftExpression
{
    private const ushort NFTA_MATCH_NAME = 1;
    private const ushort NFTA_MATCH_REV = 2;
    private const ushort NFTA_MATCH_INFO = 3;

    /// <inheritdoc/>
    public override string Name => "match";

    internal override void WriteData(ref MessageWriter writer)
    {
        writer.Text(NFTA_MATCH_NAME, Match);
        writer.UInt32BigEndian(NFTA_MATCH_REV, Revision);
        writer.Bytes(NFTA_MATCH_INFO, Parameters.Bytes);
    }

    /// <summary><c>-m conntrack --ctstate</c>; struct xt_conntrack_mtinfo3 of linux/netfilter/xt_conntrack.h, whose states have the numbers of <c>ct state</c>.</summary>
    internal static NftIptablesMatch ConntrackState(NftConntrackStates states)
    {
        const int Size = 168; // the structure, filled up to eight bytes
        const int MatchFlags = 146;
        const int StateMask = 150;
        const ushort XT_CONNTRACK_STATE = 1;
        Span<byte> parameters = stackalloc byte[Size];
        parameters.Clear();
        MemoryMarshal.Write(parameters[MatchFlags..], XT_CONNTRACK_STATE);
        MemoryMarshal.Write(parameters[StateMask..], (ushort)states);
        return new NftIptablesMatch("conntrack", 3, NftValue.Of(parameters));
    }
}
