using Musubi.Linux.Netlink;

namespace Musubi.Linux.Nftables;

/// <summary>Reads the ruleset.</summary>
public sealed partial class NftSocket
{
    private const int MostAttempts = 10;

    /// <summary>The ruleset's generation, which every transaction raises.</summary>
    public uint GetGeneration()
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Begin(ref writer, Nft.NFT_MSG_GETGEN, NftFamily.Unspecified, flags: 0);
        writer.End();
        return _socket.Get<uint>(ref writer, NftReader.TryReadGeneration, subject: null);
    }

    /// <summary>Runs several reads until no other program changed the ruleset meanwhile; answers with the generation they are of.</summary>
    /// <exception cref="NetlinkException">EINTR: the ruleset changes too often.</exception>
    public (T Value, uint Generation) ReadConsistently<T>(Func<NftSocket, T> read)
    {
        uint before = GetGeneration();
        for (int attempt = 0; attempt < MostAttempts; attempt++)
        {
            T value = read(this);
            uint after = GetGeneration();
            if (before == after)
            {
                return (value, after);
            }

            before = after;
        }

        throw new NetlinkException("read the ruleset", subject: null, Errno.EINTR, $"it changed during each of {MostAttempts} attempts");
    }

    /// <summary>The tables of a family, or all; <c>list tables</c>.</summary>
    public IReadOnlyList<NftTable> ListTables(NftFamily family = NftFamily.Unspecified)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Begin(ref writer, Nft.NFT_MSG_GETTABLE, family, NetlinkProtocol.NLM_F_DUMP);
        writer.End();
        return _socket.Dump<NftTable>(ref writer, NftReader.TryReadTable, subject: null);
    }

    /// <summary>A table, or null.</summary>
    public NftTable? FindTable(NftFamily family, string name)
    {
        NftTable table = new(family, name);
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Table(ref writer, Nft.NFT_MSG_GETTABLE, table, flags: 0);
        return Find<NftTable>(ref writer, NftReader.TryReadTable, table);
    }

    /// <summary>The chains of a table; <c>list chains</c>.</summary>
    public IReadOnlyList<NftChain> ListChains(NftTable table)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Begin(ref writer, Nft.NFT_MSG_GETCHAIN, table.Family, NetlinkProtocol.NLM_F_DUMP);
        writer.End();
        List<NftChain> chains = _socket.Dump<NftChain>(ref writer, NftReader.TryReadChain, table);
        chains.RemoveAll(chain => chain.Table.Name != table.Name || chain.Table.Family != table.Family);
        return chains;
    }

    /// <summary>A chain, or null.</summary>
    public NftChain? FindChain(NftTable table, string name)
    {
        NftChain chain = new(table, name);
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Chain(ref writer, Nft.NFT_MSG_GETCHAIN, chain, flags: 0);
        return Find<NftChain>(ref writer, NftReader.TryReadChain, chain);
    }

    /// <summary>The rules of a chain in their order; <c>list chain</c>. A chain that is missing has none.</summary>
    public IReadOnlyList<NftRule> ListRules(NftChain chain) => ListRules(chain.Table, chain.Name);

    /// <summary>The rules of all chains of a table; <c>list table</c>. A table that is missing has none.</summary>
    public IReadOnlyList<NftRule> ListRules(NftTable table) => ListRules(table, chain: null);

    /// <summary>The sets and maps of a table; <c>list sets</c>.</summary>
    public IReadOnlyList<NftSet> ListSets(NftTable table)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Begin(ref writer, Nft.NFT_MSG_GETSET, table.Family, NetlinkProtocol.NLM_F_DUMP);
        writer.Text(Nft.NFTA_SET_TABLE, table.Name);
        writer.End();
        return Dump<NftSet>(ref writer, NftSetReader.TryReadSet, table);
    }

    /// <summary>The elements of a set or map; <c>list set</c>. A set that is missing has none.</summary>
    public IReadOnlyList<NftElement> ListElements(NftSet set)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftSetMessages.Elements(ref writer, Nft.NFT_MSG_GETSETELEM, set with { Id = 0 }, [], NetlinkProtocol.NLM_F_DUMP);
        List<NftSetReader.RawElement> raw = [];
        foreach (List<NftSetReader.RawElement> part in Dump<List<NftSetReader.RawElement>>(ref writer, NftSetReader.TryReadElements, set))
        {
            raw.AddRange(part);
        }

        return NftSetReader.Join(set, raw);
    }

    private List<NftRule> ListRules(NftTable table, string? chain)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Rules(ref writer, Nft.NFT_MSG_GETRULE, table, chain, handle: null, NetlinkProtocol.NLM_F_DUMP);
        return Dump<NftRule>(ref writer, NftReader.TryReadRule, table);
    }

    private List<T> Dump<T>(ref MessageWriter writer, MessageParser<T> parse, object subject)
    {
        try
        {
            return _socket.Dump(ref writer, parse, subject);
        }
        catch (NetlinkException e) when (e.Errno == Errno.ENOENT)
        {
            return [];
        }
    }

    private T? Find<T>(ref MessageWriter writer, MessageParser<T> parse, object subject)
        where T : class
    {
        if (_socket.TryGet(ref writer, parse, subject, out T? value, out NetlinkAcknowledgement failure, out ushort type))
        {
            return value;
        }

        return failure.Errno == Errno.ENOENT ? null : throw failure.ToException(_socket.Protocol, type, subject);
    }
}
