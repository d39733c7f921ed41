namespace Musubi.Cni.Plugins.Tuning;

/// <summary>
/// A regular expression as allowlists of kernel parameters have them: characters, <c>.</c>, classes, groups, alternatives, repetitions, anchors.
/// Matching takes time in proportion to the text, whatever the expression. The framework's own would make the executable a fifth larger.
/// </summary>
internal sealed class SysctlPattern
{
    private const int MostSteps = 10_000;

    private readonly List<Step> _program = [];

    private SysctlPattern()
    {
    }

    private enum Operation
    {
        Character,
        Split,
        Jump,
        Begin,
        End,
        Match,
    }

    /// <summary>Reads an expression.</summary>
    /// <exception cref="FormatException">It is malformed, or uses what is not supported; the message says what.</exception>
    public static SysctlPattern Parse(string text)
    {
        SysctlPattern pattern = new();
        PatternNode node = new PatternParser(text).Parse();
        pattern.Emit(node);
        pattern._program.Add(new Step(Operation.Match));
        return pattern;
    }

    /// <summary>Whether a part of the text matches.</summary>
    public bool IsMatch(string text)
    {
        // All ways through the program at once, one character after the other; at each character a new one begins.
        List<int> current = [];
        List<int> next = [];
        HashSet<int> seen = [];
        for (int position = 0; position <= text.Length; position++)
        {
            if (Follow(current, seen, 0, position, text.Length))
            {
                return true;
            }

            next.Clear();
            seen.Clear();
            bool done = false;
            for (int i = 0; position < text.Length && i < current.Count && !done; i++)
            {
                done = _program[current[i]].Class!.Contains(text[position]) && Follow(next, seen, current[i] + 1, position + 1, text.Length);
            }

            if (done)
            {
                return true;
            }

            (current, next) = (next, current);
        }

        return false;
    }

    /// <summary>Adds the characters that a place in the program waits for; true when the place is its end.</summary>
    private bool Follow(List<int> waiting, HashSet<int> seen, int start, int position, int length)
    {
        Stack<int> open = new([start]);
        while (open.TryPop(out int at))
        {
            if (!seen.Add(at))
            {
                continue;
            }

            Step step = _program[at];
            switch (step.Operation)
            {
                case Operation.Match:
                    return true;
                case Operation.Character:
                    waiting.Add(at);
                    break;
                case Operation.Split:
                    open.Push(step.Other);
                    open.Push(at + 1);
                    break;
                case Operation.Jump:
                    open.Push(step.Other);
                    break;
                case Operation.Begin when position == 0:
                case Operation.End when position == length:
                    open.Push(at + 1);
                    break;
            }
        }

        return false;
    }

    private void Emit(PatternNode node)
    {
        if (_program.Count > MostSteps)
        {
            throw new FormatException("it repeats too much");
        }

        switch (node)
        {
            case PatternNode.Character character:
                _program.Add(new Step(Operation.Character) { Class = character.Class });
                break;
            case PatternNode.Anchor anchor:
                _program.Add(new Step(anchor.AtEnd ? Operation.End : Operation.Begin));
                break;
            case PatternNode.Sequence sequence:
                sequence.Parts.ForEach(Emit);
                break;
            case PatternNode.Choice choice:
                EmitChoice(choice.First, choice.Second);
                break;
            case PatternNode.Repetition repetition:
                EmitRepetition(repetition);
                break;
        }
    }

    private void EmitChoice(PatternNode first, PatternNode second)
    {
        int split = Reserve();
        Emit(first);
        int jump = Reserve();
        _program[split] = new Step(Operation.Split) { Other = _program.Count };
        Emit(second);
        _program[jump] = new Step(Operation.Jump) { Other = _program.Count };
    }

    private void EmitRepetition(PatternNode.Repetition repetition)
    {
        for (int i = 0; i < repetition.Least; i++)
        {
            Emit(repetition.What);
        }

        if (repetition.Most is not { } most)
        {
            int split = Reserve();
            Emit(repetition.What);
            _program.Add(new Step(Operation.Jump) { Other = split });
            _program[split] = new Step(Operation.Split) { Other = _program.Count };
            return;
        }

        List<int> splits = [];
        for (int i = repetition.Least; i < most; i++)
        {
            splits.Add(Reserve());
            Emit(repetition.What);
        }

        foreach (int split in splits)
        {
            _program[split] = new Step(Operation.Split) { Other = _program.Count };
        }
    }

    private int Reserve()
    {
        _program.Add(default);
        return _program.Count - 1;
    }

    private readonly record struct Step(Operation Operation)
    {
        public PatternClass? Class { get; init; }

        public int Other { get; init; }
    }
}
