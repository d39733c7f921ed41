using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Reconciling;

/// <summary>Makes the world match one object. Is given only the key: it reads the whole state each time, whatever it did before.</summary>
/// <typeparam name="T">Kind of the object that the key names.</typeparam>
public interface IReconciler<T>
    where T : KubeObject, IKubeObject<T>
{
    /// <summary>Reads, decides, acts. An exception means: again, after a pause that grows.</summary>
    /// <exception cref="TerminalException">Only a change of the object can help.</exception>
    ValueTask<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct);
}

/// <summary>How a reconciliation ended well.</summary>
/// <param name="After">When to look again without a change; null means not at all.</param>
public readonly record struct ReconcileResult(TimeSpan? After)
{
    /// <summary>Nothing to do until something changes.</summary>
    public static ReconcileResult Done => default;

    /// <summary>Look again after a time.</summary>
    public static ReconcileResult Again(TimeSpan after) => new(after);

    /// <summary>Both: look again at the earlier of the two times.</summary>
    public ReconcileResult Sooner(TimeSpan? other) => After is not { } a ? new(other) : other is not { } b ? this : new(a < b ? a : b);
}

/// <summary>Trying again cannot help; only a change of the object can.</summary>
public sealed class TerminalException : Exception
{
    /// <summary>Says what would have to change.</summary>
    public TerminalException(string message)
        : base(message)
    {
    }
}
