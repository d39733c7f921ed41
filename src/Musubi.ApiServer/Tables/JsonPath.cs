using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;

namespace Musubi.ApiServer.Tables;

/// <summary>
/// The JSONPath of printer columns: <c>.a.b</c>, <c>['x.y/z']</c>, <c>.x\.y</c>, <c>[0]</c>, <c>[*]</c> and filters that compare one
/// member, as <c>[?(@.type=="Ready")].status</c>. A path that cannot be understood finds nothing.
/// </summary>
internal sealed class JsonPath
{
    private readonly List<Step> _steps;

    private JsonPath(List<Step> steps) => _steps = steps;

    public static JsonPath Parse(string text) => new(new PathParser(text).Parse() ?? [new Nothing()]);

    /// <summary>Whether a path can be understood.</summary>
    public static bool IsValid(string text) => new PathParser(text).Parse() is not null;

    /// <summary>The first thing found.</summary>
    public JsonNode? First(JsonNode? root)
    {
        IEnumerable<JsonNode?> found = [root];
        foreach (Step step in _steps) found = found.SelectMany(step.From);
        return found.FirstOrDefault();
    }

    private abstract record Step
    {
        public abstract IEnumerable<JsonNode?> From(JsonNode? node);
    }

    private sealed record Nothing : Step
    {
        public override IEnumerable<JsonNode?> From(JsonNode? node) => [];
    }

    private sealed record Member(string Name) : Step
    {
        public override IEnumerable<JsonNode?> From(JsonNode? node) =>
            node is JsonObject map && map.TryGetPropertyValue(Name, out JsonNode? value) ? [value] : [];
    }

    private sealed record Index(int Position) : Step
    {
        public override IEnumerable<JsonNode?> From(JsonNode? node)
        {
            if (node is not JsonArray list) return [];
            int position = Position < 0 ? list.Count + Position : Position;
            return position >= 0 && position < list.Count ? [list[position]] : [];
        }
    }

    private sealed record Every : Step
    {
        public override IEnumerable<JsonNode?> From(JsonNode? node) => node switch
        {
            JsonArray list => list,
            JsonObject map => map.Select(p => p.Value),
            _ => [],
        };
    }

    private sealed record Filter(JsonPath Left, bool Equal, string Right) : Step
    {
        public override IEnumerable<JsonNode?> From(JsonNode? node)
        {
            IEnumerable<JsonNode?> items = node switch
            {
                JsonArray list => list,
                JsonObject map => map.Select(p => p.Value),
                _ => [],
            };
            return items.Where(item => Left.First(item) is { } value && ((value.AsText() ?? value.ToJsonString()) == Right) == Equal);
        }
    }

    private sealed class PathParser(string text)
    {
        private readonly string _text = text.Trim().TrimStart('{').TrimEnd('}').TrimStart('$');
        private int _at;

        public List<Step>? Parse()
        {
            var steps = new List<Step>();
            while (_at < _text.Length)
            {
                Step? step = _text[_at] switch
                {
                    '.' => ParseMember(),
                    '[' => ParseBracket(),
                    _ when steps.Count == 0 => ParseName(),
                    _ => null,
                };
                if (step is null) return null;
                steps.Add(step);
            }
            return steps;
        }

        private Step? ParseMember()
        {
            _at++;
            if (_at < _text.Length && _text[_at] == '[') return ParseBracket();
            if (_at < _text.Length && _text[_at] == '*')
            {
                _at++;
                return new Every();
            }
            return ParseName();
        }

        private Member? ParseName()
        {
            var name = new System.Text.StringBuilder();
            for (; _at < _text.Length && _text[_at] is not ('.' or '['); _at++)
            {
                if (_text[_at] == '\\' && _at + 1 < _text.Length) _at++;
                name.Append(_text[_at]);
            }
            return name.Length == 0 ? null : new Member(name.ToString());
        }

        private Step? ParseBracket()
        {
            int end = FindEnd();
            if (end < 0) return null;
            string inside = _text[(_at + 1)..end].Trim();
            _at = end + 1;
            if (inside == "*") return new Every();
            if (inside.Length >= 2 && inside[0] is '\'' or '"' && inside[^1] == inside[0]) return new Member(inside[1..^1]);
            if (int.TryParse(inside, out int index)) return new Index(index);
            return inside.StartsWith("?(", StringComparison.Ordinal) && inside[^1] == ')' ? ParseFilter(inside[2..^1]) : null;
        }

        /// <summary>The bracket that closes the one here; brackets inside quotes do not count.</summary>
        private int FindEnd()
        {
            char quote = '\0';
            int depth = 0;
            for (int i = _at; i < _text.Length; i++)
            {
                char c = _text[i];
                if (quote != '\0')
                {
                    if (c == quote) quote = '\0';
                }
                else if (c is '\'' or '"') quote = c;
                else if (c == '[') depth++;
                else if (c == ']' && --depth == 0) return i;
            }
            return -1;
        }

        private static Filter? ParseFilter(string condition)
        {
            bool equal = true;
            int op = condition.IndexOf("==", StringComparison.Ordinal);
            if (op < 0)
            {
                op = condition.IndexOf("!=", StringComparison.Ordinal);
                equal = false;
            }
            if (op < 0) return null;
            string left = condition[..op].Trim(), right = condition[(op + 2)..].Trim();
            if (!left.StartsWith('@')) return null;
            if (right.Length >= 2 && right[0] is '\'' or '"' && right[^1] == right[0]) right = right[1..^1];
            return new PathParser(left[1..]).Parse() is { } steps ? new Filter(new JsonPath(steps), equal, right) : null;
        }
    }
}
