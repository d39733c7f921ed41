using System.Net;
using Musubi.Linux.Addresses;
using Musubi.Linux.Nftables.Expressions;

namespace Musubi.Linux.Nftables;

/// <summary>A field of the packet, or several one after another, about to be tested. Each test answers the rule's builder.</summary>
public readonly struct NftSelector
{
    private readonly NftRuleBuilder _rule;
    private readonly (NftLoad Load, NftDataType Type)[] _fields;

    internal NftSelector(NftRuleBuilder rule, NftLoad load, NftDataType type)
    {
        _rule = rule;
        _fields = [(load, type)];
    }

    private NftSelector(NftRuleBuilder rule, (NftLoad Load, NftDataType Type)[] fields)
    {
        _rule = rule;
        _fields = fields;
    }

    private NftDataType Type => _fields.Length == 1 ? _fields[0].Type : NftDataType.Concat(Array.ConvertAll(_fields, item => item.Type));

    /// <summary>This field and another after it, for sets of concatenations: <c>iifname . ether saddr</c>.</summary>
    public NftSelector With(NftSelector next) => new(_rule, [.. _fields, .. next._fields]);

    /// <summary>It has this value.</summary>
    public NftRuleBuilder Is(NftValue value) => Compare(NftOperator.Equal, value);

    /// <summary>It has not this value.</summary>
    public NftRuleBuilder IsNot(NftValue value) => Compare(NftOperator.NotEqual, value);

    /// <summary>It compares with a value as said; only for fields in network order.</summary>
    public NftRuleBuilder Compares(NftOperator comparison, NftValue value) => Compare(comparison, value);

    /// <summary>The address lies in a network.</summary>
    public NftRuleBuilder IsWithin(Cidr network) => Within(network, NftOperator.Equal);

    /// <summary>The address lies in no such network.</summary>
    public NftRuleBuilder IsNotWithin(Cidr network) => Within(network, NftOperator.NotEqual);

    /// <summary>It is one of the values from one to another; only for fields in network order.</summary>
    public NftRuleBuilder IsBetween(NftValue from, NftValue to) =>
        Load().Append(new NftCompare(default, NftOperator.GreaterOrEqual, from)).Append(new NftCompare(default, NftOperator.LessOrEqual, to));

    /// <summary>It is none of the values from one to another; only for fields in network order.</summary>
    public NftRuleBuilder IsNotBetween(NftValue from, NftValue to) => Load().Append(new NftRange(default, from, to, Negated: true));

    /// <summary>One of the flags is set.</summary>
    public NftRuleBuilder HasAny(uint flags) => Flags(flags, NftOperator.NotEqual);

    /// <summary>None of the flags is set.</summary>
    public NftRuleBuilder HasNone(uint flags) => Flags(flags, NftOperator.Equal);

    /// <summary>It is in a set.</summary>
    public NftRuleBuilder IsIn(NftSet set) => Load().Append(new NftLookup(default, set.Name) { SetId = set.Id });

    /// <summary>It is not in a set.</summary>
    public NftRuleBuilder IsNotIn(NftSet set) => Load().Append(new NftLookup(default, set.Name) { SetId = set.Id, Negated = true });

    /// <summary>It is one of these values, which become a set of the rule's own.</summary>
    public NftRuleBuilder IsOneOf(params ReadOnlySpan<NftValue> values) => IsIn(_rule.AddAnonymousSet(Type, values));

    /// <summary>It is one of these values or in one of these ranges, which become a set of the rule's own.</summary>
    public NftRuleBuilder IsOneOf(params NftElement[] elements) => IsIn(_rule.AddAnonymous(Type, data: null, elements));

    /// <summary>It is none of these values, which become a set of the rule's own.</summary>
    public NftRuleBuilder IsNoneOf(params ReadOnlySpan<NftValue> values) => IsNotIn(_rule.AddAnonymousSet(Type, values));

    /// <summary>A verdict map says what happens: <c>vmap @map</c>.</summary>
    public NftRuleBuilder VerdictFrom(NftSet map) => Load().Append(new NftLookup(default, map.Name) { SetId = map.Id, IsVerdict = true });

    /// <summary>These elements, which become a map of the rule's own, say what happens: <c>vmap { 80 : accept }</c>.</summary>
    public NftRuleBuilder VerdictFrom(params NftElement[] elements) => VerdictFrom(_rule.AddAnonymous(Type, NftDataType.Verdict, elements));

    /// <summary>Puts what a map leads to into the first register, from where actions take it.</summary>
    internal NftRuleBuilder MapWith(NftSet map) => Load().Append(new NftLookup(default, map.Name) { SetId = map.Id, Destination = default(NftRegister) });

    private NftRuleBuilder Load()
    {
        int word = 0;
        foreach ((NftLoad load, NftDataType type) in _fields)
        {
            _rule.Append(load with { Register = new NftRegister(word) });
            word += NftValue.Padded(type.Length) / 4;
        }

        return _rule;
    }

    private NftRuleBuilder Compare(NftOperator comparison, NftValue value)
    {
        // Names of interfaces are compared whole, or as far as a prefix goes; all else has its fixed size.
        bool fits = value.Length == Type.Length || (Type == NftDataType.InterfaceName && value.Length < Type.Length);
        return fits
            ? Load().Append(new NftCompare(default, comparison, value))
            : throw new ArgumentException($"A value of {value.Length} bytes is not of type {Type}, which has {Type.Length}.", nameof(value));
    }

    private NftRuleBuilder Within(Cidr network, NftOperator comparison)
    {
        if (network.PrefixLength == network.Bits)
        {
            return Compare(comparison, network.Address);
        }

        if (network.Bits / 8 != Type.Length)
        {
            throw new ArgumentException($"{network} is not of type {Type}.", nameof(network));
        }

        IPAddress none = network.IsIPv6 ? IPAddress.IPv6Any : IPAddress.Any;
        return Load()
            .Append(new NftBitwise(default, network.Mask, none))
            .Append(new NftCompare(default, comparison, network.Network.Address));
    }

    private NftRuleBuilder Flags(uint flags, NftOperator comparison) =>
        Load()
            .Append(new NftBitwise(default, NftValue.OfNumber(flags), NftValue.OfNumber(0u)))
            .Append(new NftCompare(default, comparison, NftValue.OfNumber(0u)));
}
