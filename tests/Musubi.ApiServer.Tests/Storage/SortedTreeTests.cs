using FsCheck;
using FsCheck.Fluent;
using Musubi.ApiServer.Storage;

namespace Musubi.ApiServer.Tests.Storage;

public sealed class SortedTreeTests
{
    [Fact]
    public void AnyChanges_AgreeWithASortedDictionary() => Prop.ForAll<(byte Key, bool Add)[]>(steps =>
    {
        var expected = new SortedDictionary<string, string>(StringComparer.Ordinal);
        SortedTree<string> tree = SortedTree<string>.Empty;
        var snapshots = new List<(SortedTree<string> Tree, string[] Content)>();
        foreach ((byte number, bool add) in steps)
        {
            string key = number.ToString();
            if (add)
            {
                expected[key] = key + "!";
                tree = tree.Set(key, key + "!");
            }
            else
            {
                expected.Remove(key);
                tree = tree.Remove(key);
            }
            snapshots.Add((tree, [.. expected.Values]));
        }
        // Every earlier version is still what it was.
        return snapshots.All(s => s.Tree.Range().SequenceEqual(s.Content) && s.Tree.Count == s.Content.Length);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void RangeAndRank_AgreeWithFiltering() => Prop.ForAll<byte[], byte, byte>((keys, prefix, start) =>
    {
        string[] texts = [.. keys.Select(k => k.ToString()).Distinct().Order(StringComparer.Ordinal)];
        var tree = SortedTree<string>.FromSorted([.. texts.Select(t => KeyValuePair.Create(t, t))]);
        string p = (prefix % 10).ToString(), s = start.ToString();
        return tree.Range(p, s).SequenceEqual(texts.Where(t => t.StartsWith(p, StringComparison.Ordinal) && string.CompareOrdinal(t, s) >= 0))
            && tree.Rank(s) == texts.Count(t => string.CompareOrdinal(t, s) < 0);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void ManyKeysInOrder_StayBalanced()
    {
        SortedTree<string> tree = SortedTree<string>.Empty;
        for (int i = 0; i < 100_000; i++) tree = tree.Set(i.ToString("D6"), "");
        // A degenerate tree would take minutes for this, or overflow the stack.
        for (int i = 0; i < 100_000; i++) Assert.NotNull(tree.Find(i.ToString("D6")));
        Assert.Equal(100_000, tree.Count);
    }
}
