using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Musubi.Kubernetes.Objects;

/// <summary>How one requirement of a label selector compares.</summary>
public enum LabelOperator
{
    /// <summary>The value is one of the listed (<c>a=b</c>, <c>a in (b,c)</c>).</summary>
    In,

    /// <summary>The value is none of the listed, or the label is absent.</summary>
    NotIn,

    /// <summary>The label is there.</summary>
    Exists,

    /// <summary>The label is absent.</summary>
    DoesNotExist,

    /// <summary>The value is an integer above the given one.</summary>
    GreaterThan,

    /// <summary>The value is an integer below the given one.</summary>
    LessThan,
}

/// <summary>One requirement of a selector.</summary>
public sealed record LabelRequirement(string Key, LabelOperator Operator, IReadOnlyList<string> Values)
{
    /// <summary>Whether a label value (null when the label is absent) satisfies this requirement.</summary>
    public bool Matches(string? value) => Operator switch
    {
        LabelOperator.In => value is not null && Values.Contains(value, StringComparer.Ordinal),
        LabelOperator.NotIn => value is null || !Values.Contains(value, StringComparer.Ordinal),
        LabelOperator.Exists => value is not null,
        LabelOperator.DoesNotExist => value is null,
        LabelOperator.GreaterThan => Number(value) is { } a && Number(Values[0]) is { } b && a > b,
        LabelOperator.LessThan => Number(value) is { } a && Number(Values[0]) is { } b && a < b,
        _ => false,
    };

    /// <summary>The form that <see cref="LabelSelector.Parse"/> reads.</summary>
    public override string ToString() => Operator switch
    {
        LabelOperator.In when Values.Count == 1 => $"{Key}={Values[0]}",
        LabelOperator.In => $"{Key} in ({string.Join(',', Values)})",
        LabelOperator.NotIn when Values.Count == 1 => $"{Key}!={Values[0]}",
        LabelOperator.NotIn => $"{Key} notin ({string.Join(',', Values)})",
        LabelOperator.Exists => Key,
        LabelOperator.DoesNotExist => $"!{Key}",
        LabelOperator.GreaterThan => $"{Key}>{Values[0]}",
        _ => $"{Key}<{Values[0]}",
    };

    private static long? Number(string? text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long n) ? n : null;
}

/// <summary>Chooses objects by their labels; all requirements must hold.</summary>
public sealed class LabelSelector
{
    private LabelSelector(IReadOnlyList<LabelRequirement> requirements, bool matchesNothing = false)
    {
        Requirements = requirements;
        MatchesNothing = matchesNothing;
    }

    /// <summary>Matches every object.</summary>
    public static LabelSelector Everything { get; } = new([]);

    /// <summary>Matches no object.</summary>
    public static LabelSelector Nothing { get; } = new([], matchesNothing: true);

    /// <summary>The requirements, in the order they were written.</summary>
    public IReadOnlyList<LabelRequirement> Requirements { get; }

    /// <summary>Whether this is <see cref="Nothing"/>.</summary>
    public bool MatchesNothing { get; }

    /// <summary>Whether this matches every object.</summary>
    public bool IsEverything => !MatchesNothing && Requirements.Count == 0;

    /// <summary>All of the given labels with their values.</summary>
    public static LabelSelector Of(IEnumerable<KeyValuePair<string, string>> labels) =>
        new([.. labels.Select(l => new LabelRequirement(l.Key, LabelOperator.In, [l.Value]))]);

    /// <summary>From requirements.</summary>
    public static LabelSelector Of(IReadOnlyList<LabelRequirement> requirements) => new(requirements);

    /// <summary>From <c>matchLabels</c> and <c>matchExpressions</c>. By the API's convention a null selector matches nothing, an empty one everything.</summary>
    /// <exception cref="FormatException">An expression has an unknown operator or the wrong number of values.</exception>
    public static LabelSelector Of(LabelSelectorSpec? spec)
    {
        if (spec is null)
        {
            return Nothing;
        }

        List<LabelRequirement> all = [.. (spec.MatchLabels ?? []).Select(l => new LabelRequirement(l.Key, LabelOperator.In, [l.Value]))];
        foreach (LabelExpression e in spec.MatchExpressions ?? [])
        {
            LabelOperator op = e.Operator switch
            {
                "In" => LabelOperator.In,
                "NotIn" => LabelOperator.NotIn,
                "Exists" => LabelOperator.Exists,
                "DoesNotExist" => LabelOperator.DoesNotExist,
                "Gt" => LabelOperator.GreaterThan,
                "Lt" => LabelOperator.LessThan,
                _ => throw new FormatException($"\"{e.Operator}\" is not a valid label selector operator: expected In, NotIn, Exists or DoesNotExist"),
            };
            int count = e.Values?.Count ?? 0;
            bool fits = op switch
            {
                LabelOperator.In or LabelOperator.NotIn => count > 0,
                LabelOperator.GreaterThan or LabelOperator.LessThan => count == 1,
                _ => count == 0,
            };
            if (!fits)
            {
                throw new FormatException($"label selector operator {e.Operator} of \"{e.Key}\" does not go with {count} values");
            }

            all.Add(new LabelRequirement(e.Key, op, e.Values ?? []));
        }

        return new LabelSelector(all);
    }

    /// <summary>Reads the text form, as <c>app=web,tier in (a,b),!debug</c>; empty matches everything.</summary>
    /// <exception cref="FormatException">Says what was found where.</exception>
    public static LabelSelector Parse(string text) => new LabelSelectorParser(text).Parse();

    /// <summary>Reads the text form.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out LabelSelector? selector, [NotNullWhen(false)] out string? error)
    {
        try
        {
            (selector, error) = (Parse(text), null);
            return true;
        }
        catch (FormatException e)
        {
            (selector, error) = (null, e.Message);
            return false;
        }
    }

    /// <summary>Whether a set of labels satisfies all requirements.</summary>
    public bool Matches(IReadOnlyDictionary<string, string>? labels)
    {
        if (MatchesNothing)
        {
            return false;
        }

        foreach (LabelRequirement r in Requirements)
        {
            if (!r.Matches(labels is not null && labels.TryGetValue(r.Key, out string? v) ? v : null))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether the <c>metadata.labels</c> of an object in JSON satisfies all requirements.</summary>
    public bool Matches(JsonObject? labels)
    {
        if (MatchesNothing)
        {
            return false;
        }

        foreach (LabelRequirement r in Requirements)
        {
            string? value = labels is not null && labels.TryGetPropertyValue(r.Key, out JsonNode? node) && node is JsonValue v && v.TryGetValue(out string? s)
                ? s
                : null;
            if (!r.Matches(value))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The form that <see cref="Parse"/> reads.</summary>
    public override string ToString() => string.Join(',', Requirements);

    internal static LabelSelector OfParsed(IReadOnlyList<LabelRequirement> requirements) => new(requirements);
}

/// <summary>A label selector as objects hold it.</summary>
public sealed record LabelSelectorSpec : KubePart
{
    /// <summary>Labels that must have exactly these values.</summary>
    public Dictionary<string, string>? MatchLabels { get; set; }

    /// <summary>Further requirements.</summary>
    public List<LabelExpression>? MatchExpressions { get; set; }
}

/// <summary>One element of <c>matchExpressions</c>, in label selectors and node selectors alike.</summary>
public sealed record LabelExpression : KubePart
{
    /// <summary>Label name.</summary>
    public string Key { get; set; } = "";

    /// <summary>In, NotIn, Exists, DoesNotExist; Gt and Lt in node selectors.</summary>
    public string Operator { get; set; } = "";

    /// <summary>Values the operator compares with.</summary>
    public List<string>? Values { get; set; }
}
