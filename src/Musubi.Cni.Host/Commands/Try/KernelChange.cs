namespace Musubi.Cni.Host.Commands.Try;

/// <summary>What became different: <see cref="Before"/> is null for what is new, <see cref="After"/> for what is gone.</summary>
internal sealed record KernelChange(string Kind, string Name, string? Before, string? After)
{
    /// <summary>The differences between two snapshots of a namespace, in the order of the later one.</summary>
    public static IReadOnlyList<KernelChange> Between(IReadOnlyList<KernelItem> before, IReadOnlyList<KernelItem> after)
    {
        Dictionary<(string, string), string> old = Index(before);
        Dictionary<(string, string), string> now = Index(after);
        List<KernelChange> changes = [];
        foreach (KernelItem item in after)
        {
            string? was = old.GetValueOrDefault((item.Kind, item.Name));
            if (was != item.State)
            {
                changes.Add(new KernelChange(item.Kind, item.Name, was, item.State));
            }
        }

        changes.AddRange(before.Where(i => !now.ContainsKey((i.Kind, i.Name))).Select(i => new KernelChange(i.Kind, i.Name, i.State, null)));
        return changes;
    }

    private static Dictionary<(string, string), string> Index(IReadOnlyList<KernelItem> items)
    {
        Dictionary<(string, string), string> index = [];
        foreach (KernelItem item in items)
        {
            index[(item.Kind, item.Name)] = item.State;
        }

        return index;
    }
}
