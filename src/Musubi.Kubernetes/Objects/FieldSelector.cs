using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Musubi.Kubernetes.Objects;

/// <summary>One term of a field selector.</summary>
/// <param name="Path">Field path, as <c>spec.nodeName</c>.</param>
/// <param name="Equal">True for <c>=</c>, false for <c>!=</c>.</param>
/// <param name="Value">Value to compare with.</param>
public sealed record FieldRequirement(string Path, bool Equal, string Value)
{
    /// <summary>Whether a field value (null counts as empty) satisfies this term.</summary>
    public bool Matches(string? value) => string.Equals(value ?? "", Value, StringComparison.Ordinal) == Equal;

    /// <inheritdoc/>
    public override string ToString()
    {
        string value = Value.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace(",", "\\,", StringComparison.Ordinal).Replace("=", "\\=", StringComparison.Ordinal);
        return $"{Path}{(Equal ? "=" : "!=")}{value}";
    }
}

/// <summary>Chooses objects by the values of some fields; all terms must hold. Which paths a kind has is for the server to say.</summary>
public sealed class FieldSelector
{
    private FieldSelector(IReadOnlyList<FieldRequirement> requirements) => Requirements = requirements;

    /// <summary>Matches every object.</summary>
    public static FieldSelector Everything { get; } = new([]);

    /// <summary>The terms, in the order they were written.</summary>
    public IReadOnlyList<FieldRequirement> Requirements { get; }

    /// <summary>Whether this matches every object.</summary>
    public bool IsEverything => Requirements.Count == 0;

    /// <summary>Reads <c>path=value,path!=value</c>; a backslash escapes comma, equals sign and backslash.</summary>
    /// <exception cref="FormatException">Says which term is wrong.</exception>
    public static FieldSelector Parse(string text)
    {
        List<FieldRequirement> all = [];
        foreach (string term in SplitTerms(text))
        {
            all.Add(ParseTerm(term));
        }

        return all.Count == 0 ? Everything : new FieldSelector(all);
    }

    /// <summary>Reads the text form.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out FieldSelector? selector, [NotNullWhen(false)] out string? error)
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

    /// <summary>Whether all terms hold; <paramref name="field"/> gives the value of a path, null when absent.</summary>
    public bool Matches(Func<string, string?> field)
    {
        foreach (FieldRequirement r in Requirements)
        {
            if (!r.Matches(field(r.Path)))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', Requirements);

    private static IEnumerable<string> SplitTerms(string text)
    {
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == ',')
            {
                if (i > start)
                {
                    yield return text[start..i];
                }

                start = i + 1;
            }
        }

        if (start < text.Length)
        {
            yield return text[start..];
        }
    }

    private static FieldRequirement ParseTerm(string term)
    {
        int op = term.IndexOf('=', StringComparison.Ordinal);
        if (op <= 0)
        {
            throw new FormatException($"invalid selector: '{term}'; can't understand '{term}': expected path=value or path!=value");
        }

        bool equal = term[op - 1] != '!';
        string path = term[..(equal ? op : op - 1)].Trim();
        int valueAt = op + (equal && op + 1 < term.Length && term[op + 1] == '=' ? 2 : 1);
        StringBuilder value = new();
        for (int i = valueAt; i < term.Length; i++)
        {
            char c = term[i];
            if (c == '\\')
            {
                c = ++i < term.Length && term[i] is '\\' or ',' or '='
                    ? term[i]
                    : throw new FormatException($"invalid field selector: invalid escape sequence in '{term}': only \\\\, \\, and \\= are known");
            }
            else if (c == '=')
            {
                throw new FormatException($"invalid field selector: unescaped character in value of '{term}': write \\= for '='");
            }

            value.Append(c);
        }

        return path.Length == 0
            ? throw new FormatException($"invalid selector: '{term}'; the field path is missing")
            : new FieldRequirement(path, equal, value.ToString());
    }
}
