namespace Musubi.ApiServer.Storage;

/// <summary>
/// A persistent map from ordinal-sorted keys: changing it yields a new map that shares all but one path with the old one, so that a
/// snapshot costs nothing and a reader never waits. Balanced by subtree weights, which also count ranges in logarithmic time.
/// </summary>
internal sealed class SortedTree<TValue>
    where TValue : class
{
    // Adams' parameters as corrected by Hirai and Yamamoto (2011).
    private const int Delta = 3;
    private const int Gamma = 2;

    private readonly Node? _root;

    private SortedTree(Node? root) => _root = root;

    public static SortedTree<TValue> Empty { get; } = new(root: null);

    public int Count => Size(_root);

    /// <summary>Builds a map from values whose keys are already in order and unique.</summary>
    public static SortedTree<TValue> FromSorted(IReadOnlyList<KeyValuePair<string, TValue>> items)
    {
        return new(Build(0, items.Count));

        Node? Build(int from, int to)
        {
            if (from == to) return null;
            int middle = (from + to) / 2;
            return new Node(items[middle].Key, items[middle].Value, Build(from, middle), Build(middle + 1, to));
        }
    }

    public TValue? Find(string key)
    {
        Node? node = _root;
        while (node is not null)
        {
            int order = string.CompareOrdinal(key, node.Key);
            if (order == 0) return node.Value;
            node = order < 0 ? node.Left : node.Right;
        }
        return null;
    }

    public SortedTree<TValue> Set(string key, TValue value) => new(Set(_root, key, value));

    public SortedTree<TValue> Remove(string key) => Find(key) is null ? this : new(Remove(_root!, key));

    /// <summary>How many keys sort before <paramref name="key"/>.</summary>
    public int Rank(string key)
    {
        int rank = 0;
        Node? node = _root;
        while (node is not null)
        {
            if (string.CompareOrdinal(key, node.Key) <= 0) node = node.Left;
            else
            {
                rank += Size(node.Left) + 1;
                node = node.Right;
            }
        }
        return rank;
    }

    /// <summary>The values whose keys start with <paramref name="prefix"/> and are not before <paramref name="start"/>, in key order.</summary>
    public IEnumerable<TValue> Range(string prefix = "", string start = "")
    {
        string from = string.CompareOrdinal(start, prefix) > 0 ? start : prefix;
        var path = new Stack<Node>();
        for (Node? node = _root; node is not null;)
        {
            if (string.CompareOrdinal(node.Key, from) >= 0)
            {
                path.Push(node);
                node = node.Left;
            }
            else node = node.Right;
        }
        while (path.TryPop(out Node? next))
        {
            if (!next.Key.StartsWith(prefix, StringComparison.Ordinal)) yield break;
            yield return next.Value;
            for (Node? node = next.Right; node is not null; node = node.Left) path.Push(node);
        }
    }

    private static int Size(Node? node) => node?.Size ?? 0;

    private static Node Set(Node? node, string key, TValue value)
    {
        if (node is null) return new Node(key, value, null, null);
        int order = string.CompareOrdinal(key, node.Key);
        if (order == 0) return new Node(key, value, node.Left, node.Right);
        return order < 0
            ? Balance(node.Key, node.Value, Set(node.Left, key, value), node.Right)
            : Balance(node.Key, node.Value, node.Left, Set(node.Right, key, value));
    }

    private static Node? Remove(Node node, string key)
    {
        int order = string.CompareOrdinal(key, node.Key);
        if (order < 0) return Balance(node.Key, node.Value, Remove(node.Left!, key), node.Right);
        if (order > 0) return Balance(node.Key, node.Value, node.Left, Remove(node.Right!, key));
        if (node.Left is null) return node.Right;
        if (node.Right is null) return node.Left;
        Node next = node.Right;
        while (next.Left is not null) next = next.Left;
        return Balance(next.Key, next.Value, node.Left, Remove(node.Right, next.Key));
    }

    private static Node Balance(string key, TValue value, Node? left, Node? right)
    {
        int leftWeight = Size(left) + 1, rightWeight = Size(right) + 1;
        if (rightWeight > Delta * leftWeight)
        {
            Node r = right!;
            if (Size(r.Left) + 1 < Gamma * (Size(r.Right) + 1))
                return new Node(r.Key, r.Value, new Node(key, value, left, r.Left), r.Right);
            Node m = r.Left!;
            return new Node(m.Key, m.Value, new Node(key, value, left, m.Left), new Node(r.Key, r.Value, m.Right, r.Right));
        }
        if (leftWeight > Delta * rightWeight)
        {
            Node l = left!;
            if (Size(l.Right) + 1 < Gamma * (Size(l.Left) + 1))
                return new Node(l.Key, l.Value, l.Left, new Node(key, value, l.Right, right));
            Node m = l.Right!;
            return new Node(m.Key, m.Value, new Node(l.Key, l.Value, l.Left, m.Left), new Node(key, value, m.Right, right));
        }
        return new Node(key, value, left, right);
    }

    private sealed class Node(string key, TValue value, Node? left, Node? right)
    {
        public readonly string Key = key;
        public readonly TValue Value = value;
        public readonly Node? Left = left;
        public readonly Node? Right = right;
        public readonly int Size = 1 + (left?.Size ?? 0) + (right?.Size ?? 0);
    }
}
