using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables.Expressions;

namespace Musubi.Linux.Nftables;

/// <summary>
/// Changes of a ruleset that the kernel makes all at once or not at all. Nothing reaches the kernel before <see cref="Commit"/>; objects made earlier in the
/// transaction can be used later in it.
/// </summary>
/// <remarks>
/// This file has tables, chains and rules; NftTransaction.Sets.cs sets and elements. Methods that delete if something exists declare it first, which
/// all kernels understand. Deleting and flushing make the kernel wait for a grace period, adding does not.
/// </remarks>
public sealed partial class NftTransaction
{
    private const int Create = NetlinkProtocol.NLM_F_CREATE;

    private readonly NftSocket _socket;
    private readonly List<NftOperation> _operations = [];
    private byte[] _messages = [];
    private int _length;
    private int _rules;

    internal NftTransaction(NftSocket socket) => _socket = socket;

    /// <summary>Whether nothing was asked for yet.</summary>
    public bool IsEmpty => _operations.Count == 0;

    /// <summary>Adds a table unless it is there; <c>add table</c>.</summary>
    public NftTable AddTable(NftFamily family, string name) => AddTable(new NftTable(family, name));

    /// <summary>Adds a table unless it is there; <c>add table</c>.</summary>
    public NftTable AddTable(NftTable table)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Table(ref writer, Nft.NFT_MSG_NEWTABLE, table, Create);
        Append(writer, table);
        return table;
    }

    /// <summary>Deletes a table with all it holds; <c>delete table</c>.</summary>
    public void DeleteTable(NftTable table)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Table(ref writer, Nft.NFT_MSG_DELTABLE, table, flags: 0);
        Append(writer, table);
    }

    /// <summary>Deletes a table with all it holds, if it is there.</summary>
    public void DeleteTableIfExists(NftTable table)
    {
        AddTable(new NftTable(table.Family, table.Name));
        DeleteTable(table);
    }

    /// <summary>Adds a chain that is jumped to, unless it is there; <c>add chain</c>.</summary>
    public NftChain AddChain(NftTable table, string name) => AddChain(new NftChain(table, name));

    /// <summary>Adds a base chain of type filter, unless it is there.</summary>
    public NftChain AddChain(NftTable table, string name, NftHook hook, int priority, NftVerdictCode? policy = null) =>
        AddChain(new NftChain(table, name) { Hook = hook, Priority = priority, Policy = policy });

    /// <summary>Adds a chain unless it is there; <c>add chain</c>.</summary>
    public NftChain AddChain(NftChain chain)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Chain(ref writer, Nft.NFT_MSG_NEWCHAIN, chain, Create);
        Append(writer, chain);
        return chain;
    }

    /// <summary>Deletes a chain with its rules; <c>delete chain</c>. EBUSY while others jump to it.</summary>
    public void DeleteChain(NftChain chain)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Chain(ref writer, Nft.NFT_MSG_DELCHAIN, chain, flags: 0);
        Append(writer, chain);
    }

    /// <summary>Deletes a chain with its rules, if it is there. Its table must be there.</summary>
    public void DeleteChainIfExists(NftChain chain)
    {
        AddChain(new NftChain(chain.Table, chain.Name));
        DeleteChain(chain);
    }

    /// <summary>Deletes the rules of a chain; <c>flush chain</c>.</summary>
    public void FlushChain(NftChain chain)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Rules(ref writer, Nft.NFT_MSG_DELRULE, chain.Table, chain.Name, handle: null, flags: 0);
        Append(writer, chain);
    }

    /// <summary>Deletes the rules of all chains of a table; <c>flush table</c>.</summary>
    public void FlushTable(NftTable table)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Rules(ref writer, Nft.NFT_MSG_DELRULE, table, chain: null, handle: null, flags: 0);
        Append(writer, table);
    }

    /// <summary>Adds a rule at the end of its chain, or after another; <c>add rule</c>.</summary>
    /// <param name="chain">The chain.</param>
    /// <param name="build">Puts the rule together.</param>
    /// <param name="comment">Free text of at most 127 bytes.</param>
    /// <param name="after">The handle of the rule to go after.</param>
    /// <param name="tag">A note of the program's own, which other tools do not show; <see cref="NftRule.Tag"/>.</param>
    /// <returns>Its place in <see cref="NftCommit.RuleHandles"/>.</returns>
    public int AddRule(NftChain chain, Action<NftRuleBuilder> build, string? comment = null, ulong? after = null, string? tag = null) =>
        AddRule(chain, Build(chain, build), comment, tag, Create | NetlinkProtocol.NLM_F_APPEND, position: after, replaced: null);

    /// <summary>Adds a rule as it was read.</summary>
    /// <inheritdoc cref="AddRule(NftChain, Action{NftRuleBuilder}, string?, ulong?, string?)"/>
    public int AddRule(NftChain chain, IReadOnlyList<NftExpression> expressions, string? comment = null, ulong? after = null, string? tag = null) =>
        AddRule(chain, expressions, comment, tag, Create | NetlinkProtocol.NLM_F_APPEND, position: after, replaced: null);

    /// <summary>Adds a rule at the front of its chain, or before another; <c>insert rule</c>.</summary>
    /// <param name="chain">The chain.</param>
    /// <param name="build">Puts the rule together.</param>
    /// <param name="comment">Free text of at most 127 bytes.</param>
    /// <param name="before">The handle of the rule to go before.</param>
    /// <param name="tag">A note of the program's own, which other tools do not show; <see cref="NftRule.Tag"/>.</param>
    /// <returns>Its place in <see cref="NftCommit.RuleHandles"/>.</returns>
    public int InsertRule(NftChain chain, Action<NftRuleBuilder> build, string? comment = null, ulong? before = null, string? tag = null) =>
        AddRule(chain, Build(chain, build), comment, tag, Create, position: before, replaced: null);

    /// <summary>Puts another rule in the place of one; <c>replace rule</c>.</summary>
    /// <returns>Its place in <see cref="NftCommit.RuleHandles"/>.</returns>
    public int ReplaceRule(NftChain chain, ulong handle, Action<NftRuleBuilder> build, string? comment = null) =>
        AddRule(chain, Build(chain, build), comment, tag: null, NetlinkProtocol.NLM_F_REPLACE, position: null, replaced: handle);

    /// <summary>Deletes a rule; <c>delete rule … handle H</c>.</summary>
    public void DeleteRule(NftRule rule) => DeleteRule(rule.Chain, rule.Handle);

    /// <summary>Deletes a rule; <c>delete rule … handle H</c>.</summary>
    public void DeleteRule(NftChain chain, ulong handle)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        NftMessages.Rules(ref writer, Nft.NFT_MSG_DELRULE, chain.Table, chain.Name, handle, flags: 0);
        Append(writer, new NftRule(chain, handle, []));
    }

    /// <summary>Makes the changes.</summary>
    /// <param name="ifGeneration">The generation of the ruleset the changes are based on: refused when another program changed it since.</param>
    /// <returns>Handles of the added rules, and the new generation.</returns>
    /// <exception cref="NftGenerationChangedException">The ruleset is of another generation.</exception>
    /// <exception cref="NetlinkException">For the first change that was refused; nothing was changed.</exception>
    public NftCommit Commit(uint? ifGeneration = null)
    {
        if (IsEmpty)
        {
            return new NftCommit(ifGeneration ?? _socket.GetGeneration(), []);
        }

        NftCommit commit = _socket.Commit(_messages.AsSpan(0, _length), _operations, _rules, ifGeneration);
        _operations.Clear();
        _length = 0;
        _rules = 0;
        return commit;
    }

    private int AddRule(NftChain chain, IReadOnlyList<NftExpression> expressions, string? comment, string? tag, int flags, ulong? position, ulong? replaced)
    {
        MessageWriter writer = new(stackalloc byte[2 * MessageWriter.TypicalSize]);

        // With an echo the kernel sends the rule back, and with it its handle.
        NftMessages.Rule(ref writer, chain, expressions, comment, tag, flags | NetlinkProtocol.NLM_F_ECHO, position, replaced);
        Append(writer, chain, rule: _rules);
        return _rules++;
    }

    private IReadOnlyList<NftExpression> Build(NftChain chain, Action<NftRuleBuilder> build)
    {
        NftRuleBuilder builder = new(chain.Table.Family, this);
        _chain = chain;
        build(builder);
        _chain = null;
        return builder.Expressions;
    }

    private void Append(in MessageWriter writer, object subject, int rule = -1)
    {
        ReadOnlySpan<byte> message = writer.Written;
        if (_messages.Length - _length < message.Length)
        {
            Array.Resize(ref _messages, Math.Max(Math.Max(4 * MessageWriter.TypicalSize, 2 * _messages.Length), _length + message.Length));
        }

        message.CopyTo(_messages.AsSpan(_length));
        _operations.Add(new NftOperation(_length, subject, rule));
        _length += message.Length;
    }
}

/// <summary>A change waiting in a transaction.</summary>
/// <param name="Start">Where its message starts.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Rule">For an added rule, which one; otherwise -1.</param>
internal readonly record struct NftOperation(int Start, object Subject, int Rule);

/// <summary>What became of a transaction.</summary>
/// <param name="Generation">The ruleset's generation after it.</param>
/// <param name="RuleHandles">The handles of the added rules, in the order they were added.</param>
public sealed record NftCommit(uint Generation, IReadOnlyList<ulong> RuleHandles);

/// <summary>Another program changed the ruleset since the generation that a transaction was based on. Read it again and repeat.</summary>
public sealed class NftGenerationChangedException : LinuxException
{
    internal NftGenerationChangedException(uint expected)
        : base("commit an nf_tables transaction", Errno.ERESTART, $"the ruleset is no longer of generation {expected}") => Expected = expected;

    /// <summary>The generation the transaction was based on.</summary>
    public uint Expected { get; }
}
