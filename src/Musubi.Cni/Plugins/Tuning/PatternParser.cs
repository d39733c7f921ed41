namespace Musubi.Cni.Plugins.Tuning;

/// <summary>A part of a regular expression.</summary>
internal abstract record PatternNode
{
    public sealed record Character(PatternClass Class) : PatternNode;

    public sealed record Anchor(bool AtEnd) : PatternNode;

    public sealed record Sequence(List<PatternNode> Parts) : PatternNode;

    public sealed record Choice(PatternNode First, PatternNode Second) : PatternNode;

    public sealed record Repetition(PatternNode What, int Least, int? Most) : PatternNode;
}

/// <summary>A set of characters.</summary>
/// <param name="Ranges">Ranges, both ends included.</param>
/// <param name="Negated">Whether those not in the ranges are meant.</param>
internal sealed record PatternClass(List<(char First, char Last)> Ranges, bool Negated = false)
{
    public bool Contains(char c) => Ranges.Any(r => r.First <= c && c <= r.Last) != Negated;
}

/// <summary>Reads a regular expression.</summary>
/// <param name="text">The expression.</param>
internal sealed class PatternParser(string text)
{
    private const int MostDepth = 50;
    private const int MostRepetitions = 1000; // as in Go's regular expressions

    private static readonly List<(char, char)> _digits = [('0', '9')];
    private static readonly List<(char, char)> _word = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
    private static readonly List<(char, char)> _space = [('\t', '\n'), ('\f', '\r'), (' ', ' ')];

    private int _position;
    private int _depth;

    public PatternNode Parse()
    {
        PatternNode node = ReadChoice();
        return _position == text.Length ? node : throw new FormatException("a parenthesis is closed that was not opened");
    }

    private PatternNode ReadChoice()
    {
        PatternNode first = ReadSequence();
        return Accept('|') ? new PatternNode.Choice(first, ReadChoice()) : first;
    }

    private PatternNode.Sequence ReadSequence()
    {
        List<PatternNode> parts = [];
        while (_position < text.Length && text[_position] is not ('|' or ')'))
        {
            parts.Add(ReadRepetition(ReadAtom()));
        }

        return new PatternNode.Sequence(parts);
    }

    private PatternNode ReadRepetition(PatternNode what)
    {
        (int Least, int? Most)? count = _position == text.Length ? null : text[_position] switch
        {
            '*' => (0, null),
            '+' => (1, null),
            '?' => (0, 1),
            '{' => ReadCount(),
            _ => null,
        };
        if (count is not { } times)
        {
            return what;
        }

        _position++;
        Accept('?'); // how much is taken does not matter for whether it matches
        return _position < text.Length && text[_position] is '*' or '+'
            ? throw new FormatException("a repetition is repeated")
            : new PatternNode.Repetition(what, times.Least, times.Most);
    }

    /// <summary>A count in braces; null when what stands in them is none, which makes the brace a character like others.</summary>
    private (int, int?)? ReadCount()
    {
        int end = text.IndexOf('}', _position);
        string[] numbers = end < 0 ? [] : text[(_position + 1)..end].Split(',');
        if (numbers.Length is not (1 or 2) || !TryNumber(numbers[0], out int least) || (numbers.Length == 2 && numbers[1].Length > 0 && !TryNumber(numbers[1], out _)))
        {
            return null;
        }

        int? most = numbers.Length == 1 ? least : TryNumber(numbers[1], out int number) ? number : null;
        _position = end;
        return most < least || least > MostRepetitions || most > MostRepetitions
            ? throw new FormatException($"a count is out of order or above {MostRepetitions}")
            : (least, most);
    }

    private static bool TryNumber(string digits, out int number)
    {
        number = 0;
        return digits.Length is > 0 and < 6 && digits.All(char.IsAsciiDigit) && int.TryParse(digits, out number);
    }

    private PatternNode ReadAtom()
    {
        char c = text[_position++];
        return c switch
        {
            '^' => new PatternNode.Anchor(AtEnd: false),
            '$' => new PatternNode.Anchor(AtEnd: true),
            '.' => new PatternNode.Character(new PatternClass([('\n', '\n')], Negated: true)),
            '(' => ReadGroup(),
            '[' => new PatternNode.Character(ReadClass()),
            '\\' => new PatternNode.Character(ReadEscape()),
            '*' or '+' or '?' => throw new FormatException($"there is nothing before \"{c}\" to repeat"),
            _ => new PatternNode.Character(One(c)),
        };
    }

    private PatternNode ReadGroup()
    {
        if (Accept('?') && !Accept(':'))
        {
            throw new FormatException("of groups that begin with \"(?\" only \"(?:\" is supported");
        }

        if (++_depth > MostDepth)
        {
            throw new FormatException($"more than {MostDepth} groups are nested");
        }

        PatternNode inside = ReadChoice();
        _depth--;
        return Accept(')') ? inside : throw new FormatException("a parenthesis is not closed");
    }

    private PatternClass ReadClass()
    {
        bool negated = Accept('^');
        List<(char First, char Last)> ranges = [];
        bool first = true;
        while (first || !Accept(']'))
        {
            first = false;
            PatternClass item = ReadClassItem();
            bool isRange = item is { Negated: false, Ranges: [var (low, same)] } && low == same
                && _position + 1 < text.Length && text[_position] == '-' && text[_position + 1] != ']';
            if (!isRange)
            {
                ranges.AddRange(item.Negated ? throw new FormatException("\\D, \\W and \\S are not supported within brackets") : item.Ranges);
                continue;
            }

            _position++;
            PatternClass last = ReadClassItem();
            ranges.Add(last.Ranges is [var (end, _)] && end >= item.Ranges[0].First
                ? (item.Ranges[0].First, end)
                : throw new FormatException("a range of characters is out of order"));
        }

        return new PatternClass(ranges, negated);
    }

    private PatternClass ReadClassItem()
    {
        if (_position >= text.Length)
        {
            throw new FormatException("a bracket is not closed");
        }

        char c = text[_position++];
        bool isNamed = c == '[' && _position < text.Length && text[_position] == ':';
        return isNamed ? throw new FormatException("classes by name are not supported") : c == '\\' ? ReadEscape() : One(c);
    }

    private PatternClass ReadEscape()
    {
        if (_position >= text.Length)
        {
            throw new FormatException("a backslash stands at the end");
        }

        char c = text[_position++];
        return c switch
        {
            'd' => new PatternClass(_digits),
            'D' => new PatternClass(_digits, Negated: true),
            'w' => new PatternClass(_word),
            'W' => new PatternClass(_word, Negated: true),
            's' => new PatternClass(_space),
            'S' => new PatternClass(_space, Negated: true),
            _ when char.IsAsciiLetterOrDigit(c) => throw new FormatException($"\"\\{c}\" is not supported"),
            _ => One(c),
        };
    }

    private static PatternClass One(char c) => new([(c, c)]);

    private bool Accept(char c)
    {
        bool accepted = _position < text.Length && text[_position] == c;
        _position += accepted ? 1 : 0;
        return accepted;
    }
}
