namespace Musubi.ApiServer.Storage;

/// <summary>How a stored object changed.</summary>
internal enum ChangeType
{
    Added,
    Modified,
    Deleted,
}

/// <summary>
/// One change of one bucket. Changes form a chain that readers follow at their own pace; the bucket only remembers where the part it
/// still vouches for begins.
/// </summary>
internal sealed class Change(ChangeType type, long version, StoredObject? obj, StoredObject? previous, SortedTree<StoredObject> after, DateTimeOffset at)
{
    private volatile Change? _next;

    public ChangeType Type { get; } = type;

    public long Version { get; } = version;

    /// <summary>The new state; for a deletion the last state under the deletion's version.</summary>
    public StoredObject Object => obj!;

    public StoredObject? Previous { get; } = previous;

    /// <summary>The whole bucket after this change.</summary>
    public SortedTree<StoredObject> After { get; } = after;

    public DateTimeOffset At { get; } = at;

    public Change? Next
    {
        get => _next;
        set => _next = value;
    }

    /// <summary>A link that changes nothing: where a chain starts.</summary>
    public static Change Start(long version, SortedTree<StoredObject> content) => new(ChangeType.Modified, version, null, null, content, default);
}

/// <summary>All objects of one resource, and their recent history. Written by the store's writer alone, read by anyone.</summary>
internal sealed class Bucket
{
    private const int MaxChanges = 50_000;
    private const long MaxHistoryBytes = 32 << 20;
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private readonly Queue<Change> _history = new();
    private Change[] _index = [];
    private long _historyBytes;
    private Change _beforeHistory;
    private volatile Change _latest;
    private volatile TaskCompletionSource _pulse = NewPulse();

    public Bucket(string name, long version, SortedTree<StoredObject> content)
    {
        Name = name;
        _beforeHistory = _latest = Change.Start(version, content);
    }

    public string Name { get; }

    /// <summary>The newest change; the content is what is there after it.</summary>
    public Change Latest => _latest;

    public SortedTree<StoredObject> Objects => _latest.After;

    /// <summary>Completes at the next change. Take it before looking for one.</summary>
    public Task Pulse => _pulse.Task;

    /// <summary>Changes up to this version are forgotten.</summary>
    public long ForgottenVersion
    {
        get
        {
            lock (_gate) return _beforeHistory.Version;
        }
    }

    /// <summary>Makes a change visible; <see cref="Announce"/> wakes those who wait for it.</summary>
    public Change Append(ChangeType type, StoredObject obj, StoredObject? previous, DateTimeOffset now)
    {
        SortedTree<StoredObject> after = type == ChangeType.Deleted ? Objects.Remove(obj.Key) : Objects.Set(obj.Key, obj);
        var change = new Change(type, obj.Version, obj, previous, after, now);
        lock (_gate)
        {
            _history.Enqueue(change);
            _index = [];
            _historyBytes += obj.Json.Length;
            _latest.Next = change;
            _latest = change;
        }
        return change;
    }

    public void Announce()
    {
        TaskCompletionSource pulse = _pulse;
        _pulse = NewPulse();
        pulse.SetResult();
    }

    /// <summary>Forgets what is too old or too much.</summary>
    /// <param name="now">The time.</param>
    /// <param name="forgotten">Receives what was forgotten, oldest first.</param>
    public void Trim(DateTimeOffset now, ICollection<Change> forgotten)
    {
        lock (_gate)
        {
            while (_history.TryPeek(out Change? oldest)
                && (_history.Count > MaxChanges || (_historyBytes > MaxHistoryBytes && _history.Count > 100) || now - oldest.At > MaxAge))
            {
                _history.Dequeue();
                _historyBytes -= oldest.Object.Json.Length;
                _beforeHistory = oldest;
                _index = [];
                forgotten.Add(oldest);
            }
        }
    }

    /// <summary>
    /// The newest change up to <paramref name="version"/>: its content is the bucket's at that version, and the changes that follow it
    /// are those a watcher from that version has not seen. Null when that part is forgotten.
    /// </summary>
    public Change? At(long version)
    {
        lock (_gate)
        {
            if (version < _beforeHistory.Version) return null;
            if (version >= _latest.Version) return _latest;
            if (_index.Length == 0) _index = [.. _history];
            int low = 0, high = _index.Length;
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (_index[middle].Version <= version) low = middle + 1;
                else high = middle;
            }
            return low > 0 ? _index[low - 1] : _beforeHistory;
        }
    }

    private static TaskCompletionSource NewPulse() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
