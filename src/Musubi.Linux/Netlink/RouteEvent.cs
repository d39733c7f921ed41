namespace Musubi.Linux.Netlink;

/// <summary>What happened to what is watched.</summary>
public enum RouteEventKind
{
    /// <summary>All there is, when the watch starts, and again when changes were lost: whatever is not in it is gone.</summary>
    Snapshot,

    /// <summary>One is new or has changed.</summary>
    Changed,

    /// <summary>One is gone.</summary>
    Removed,
}

/// <summary>A change of links, addresses, routes or neighbours.</summary>
/// <typeparam name="T">What is watched.</typeparam>
/// <param name="Kind">What happened.</param>
/// <param name="Items">All there is, or the one.</param>
public readonly record struct RouteEvent<T>(RouteEventKind Kind, IReadOnlyList<T> Items)
{
    /// <summary>The one that changed or is gone.</summary>
    /// <exception cref="InvalidOperationException">The event is a snapshot.</exception>
    public T Item => Kind != RouteEventKind.Snapshot ? Items[0] : throw new InvalidOperationException("A snapshot has Items, not one Item.");
}
