using System.Buffers;

namespace Musubi.Kubernetes.Objects;

/// <summary>Reads the text form of label selectors in one pass.</summary>
internal sealed class LabelSelectorParser(string text)
{
    private int _at;

    public LabelSelector Parse()
    {
        List<LabelRequirement> all = [];
        SkipSpace();
        while (_at < text.Length)
        {
            all.Add(ParseRequirement());
            SkipSpace();
            if (_at == text.Length)
            {
                break;
            }

            if (text[_at] != ',')
            {
                throw Unexpected("','");
            }

            _at++;
            SkipSpace();
            if (_at == text.Length)
            {
                throw Unexpected("a label name after ','");
            }
        }

        return LabelSelector.OfParsed(all);
    }

    private LabelRequirement ParseRequirement()
    {
        if (text[_at] == '!')
        {
            _at++;
            SkipSpace();
            return new LabelRequirement(ParseKey(), LabelOperator.DoesNotExist, []);
        }

        string key = ParseKey();
        SkipSpace();
        if (_at == text.Length || text[_at] == ',')
        {
            return new LabelRequirement(key, LabelOperator.Exists, []);
        }

        switch (text[_at])
        {
            case '=':
                _at += At(1) == '=' ? 2 : 1;
                return new LabelRequirement(key, LabelOperator.In, [ParseValue()]);
            case '!' when At(1) == '=':
                _at += 2;
                return new LabelRequirement(key, LabelOperator.NotIn, [ParseValue()]);
            case '>' or '<':
                LabelOperator op = text[_at++] == '>' ? LabelOperator.GreaterThan : LabelOperator.LessThan;
                string number = ParseValue();
                if (!long.TryParse(number, System.Globalization.NumberStyles.AllowLeadingSign, null, out _))
                {
                    throw new FormatException($"unable to parse label selector \"{text}\": \"{number}\" is not an integer, and {key}> or {key}< needs one");
                }

                return new LabelRequirement(key, op, [number]);
            default:
                return new LabelRequirement(key, ParseSetOperator(), ParseValues());
        }
    }

    private LabelOperator ParseSetOperator()
    {
        int start = _at;
        while (_at < text.Length && char.IsAsciiLetter(text[_at]))
        {
            _at++;
        }

        switch (text.AsSpan(start, _at - start))
        {
            case "in":
                return LabelOperator.In;
            case "notin":
                return LabelOperator.NotIn;
            default:
                _at = start;
                throw Unexpected("'=', '!=', 'in', 'notin', '>' or '<'");
        }
    }

    private string[] ParseValues()
    {
        SkipSpace();
        if (At(0) != '(')
        {
            throw Unexpected("'('");
        }

        List<string> values = [];
        do
        {
            _at++;
            values.Add(ParseValue());
            SkipSpace();
        }
        while (At(0) == ',');

        if (At(0) != ')')
        {
            throw Unexpected("',' or ')'");
        }

        _at++;
        return [.. values];
    }

    private string ParseKey()
    {
        int start = _at;
        while (_at < text.Length && LabelSyntax.IsNameCharacter(text[_at], slashToo: true))
        {
            _at++;
        }

        string key = text[start.._at];
        if (key.Length == 0)
        {
            throw Unexpected("a label name");
        }

        return LabelSyntax.KeyError(key) is { } error
            ? throw new FormatException($"unable to parse label selector \"{text}\": label name \"{key}\": {error}")
            : key;
    }

    private string ParseValue()
    {
        SkipSpace();
        int start = _at;
        while (_at < text.Length && LabelSyntax.IsNameCharacter(text[_at], slashToo: false))
        {
            _at++;
        }

        string value = text[start.._at];
        return LabelSyntax.ValueError(value) is { } error
            ? throw new FormatException($"unable to parse label selector \"{text}\": label value \"{value}\": {error}")
            : value;
    }

    private char At(int ahead) => _at + ahead < text.Length ? text[_at + ahead] : '\0';

    private void SkipSpace()
    {
        while (_at < text.Length && text[_at] is ' ' or '\t' or '\n' or '\r')
        {
            _at++;
        }
    }

    private FormatException Unexpected(string expected)
    {
        string found = _at < text.Length ? $"'{text[_at]}'" : "the end";
        return new FormatException($"unable to parse label selector \"{text}\": at column {_at + 1} found {found}, expected {expected}");
    }
}

/// <summary>Syntax of label names and values.</summary>
public static class LabelSyntax
{
    private const int MaxNameLength = 63;
    private const int MaxPrefixLength = 253;
    private static readonly SearchValues<char> _dnsLabel = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>Why a text is no label (or annotation) name; null when it is one.</summary>
    public static string? KeyError(string key)
    {
        int slash = key.IndexOf('/', StringComparison.Ordinal);
        string name = key[(slash + 1)..];
        if (slash == 0 || (slash > 0 && (slash > MaxPrefixLength || !IsDnsSubdomain(key.AsSpan(0, slash)))))
        {
            return "prefix part must be a DNS subdomain in lower case of at most 253 characters";
        }

        return name.Length is > 0 and <= MaxNameLength && IsQualified(name)
            ? null
            : "name part must be 1 to 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit";
    }

    /// <summary>Why a text is no label value; null when it is one.</summary>
    public static string? ValueError(string value) => value.Length == 0 || (value.Length <= MaxNameLength && IsQualified(value))
        ? null
        : "must be at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit, or empty";

    internal static bool IsNameCharacter(char c, bool slashToo) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' || (slashToo && c == '/');

    private static bool IsQualified(string text) =>
        char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1]) && text.All(c => IsNameCharacter(c, slashToo: false));

    private static bool IsDnsSubdomain(ReadOnlySpan<char> text)
    {
        foreach (Range part in text.Split('.'))
        {
            ReadOnlySpan<char> label = text[part];
            if (label.Length is 0 or > MaxNameLength || label[0] == '-' || label[^1] == '-' || label.ContainsAnyExcept(_dnsLabel))
            {
                return false;
            }
        }

        return true;
    }
}
