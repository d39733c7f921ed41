using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Musubi.ApiServer.Storage;

/// <summary>
/// All objects. Reads are served from memory; writes are checked, numbered and made durable by one writer thread, which takes all that
/// wait at that moment into one transaction. A write is visible, and answered, only after it is durable.
/// </summary>
internal sealed partial class ObjectStore : IAsyncDisposable
{
    private static readonly TimeSpan TrimInterval = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<string, Bucket> _buckets = new(StringComparer.Ordinal);
    private readonly SqliteLog _log;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly object _gate = new();
    private readonly Thread _writer;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<PendingWrite> _pending = [];
    private bool _stopping;
    private long _version;
    private long _initialForgotten;
    private DateTimeOffset _nextTrim;

    public ObjectStore(string path, TimeProvider time, ILogger logger)
    {
        _time = time;
        _logger = logger;
        _log = new SqliteLog(path);
        try
        {
            Load();
        }
        catch
        {
            _log.Dispose();
            throw;
        }
        _nextTrim = time.GetUtcNow() + TrimInterval;
        _writer = new Thread(WriteLoop) { Name = "store writer", IsBackground = true };
        _writer.Start();
    }

    /// <summary>The newest version: everything up to it is visible.</summary>
    public long Version => Interlocked.Read(ref _version);

    /// <summary>Set before the first write. Called by the writer for every change, after it is visible and before it is answered; must be quick.</summary>
    public Action<Bucket, Change>? Committed { get; set; }

    public Bucket Bucket(string name) =>
        _buckets.GetOrAdd(name, static (n, store) => new Bucket(n, store._initialForgotten, SortedTree<StoredObject>.Empty), this);

    public IEnumerable<Bucket> Buckets => _buckets.Values;

    /// <summary>Stores a new state; refused when the stored version is not <paramref name="expected"/> (0: absent).</summary>
    /// <param name="bucket">Where.</param>
    /// <param name="key">Which object.</param>
    /// <param name="expected">The version that the caller has seen.</param>
    /// <param name="draft">The new state.</param>
    /// <param name="guard">Asked by the writer at the moment of writing; false refuses the write.</param>
    public Task<WriteResult> PutAsync(Bucket bucket, string key, long expected, ObjectDraft draft, Func<bool>? guard = null) =>
        Enqueue(new PendingWrite(bucket, key, expected, draft, guard));

    /// <summary>Removes an object; refused when the stored version is not <paramref name="expected"/>.</summary>
    public Task<WriteResult> DeleteAsync(Bucket bucket, string key, long expected) => Enqueue(new PendingWrite(bucket, key, expected, null, null));

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
        await _stopped.Task.ConfigureAwait(false);
        _log.Dispose();
    }

    private Task<WriteResult> Enqueue(PendingWrite write)
    {
        lock (_gate)
        {
            if (_stopping) return Task.FromException<WriteResult>(new StorageException("the store is closing"));
            _pending.Add(write);
            if (_pending.Count == 1) Monitor.PulseAll(_gate);
        }
        return write.Completion.Task;
    }

    private void Load()
    {
        _initialForgotten = _version = _log.ForgottenVersion;
        var states = new Dictionary<(string Bucket, string Key), StoredObject>();
        var superseded = new List<long>();
        var changes = new List<LogEntry>();
        foreach (LogEntry entry in _log.Read())
        {
            _version = Math.Max(_version, entry.Version);
            if (entry.Version > _initialForgotten)
            {
                changes.Add(entry);
                continue;
            }
            if (states.Remove((entry.Bucket, entry.Key), out StoredObject? older)) superseded.Add(older.Version);
            if (entry.Json is null) superseded.Add(entry.Version);
            else states.Add((entry.Bucket, entry.Key), StoredObject.Load(entry.Key, entry.Version, entry.Json));
        }
        foreach (var group in states.GroupBy(s => s.Key.Bucket, s => KeyValuePair.Create(s.Key.Key, s.Value)))
        {
            var content = SortedTree<StoredObject>.FromSorted([.. group.OrderBy(p => p.Key, StringComparer.Ordinal)]);
            _buckets[group.Key] = new Bucket(group.Key, _initialForgotten, content);
        }
        DateTimeOffset now = _time.GetUtcNow();
        foreach (LogEntry entry in changes)
        {
            Bucket bucket = Bucket(entry.Bucket);
            StoredObject? previous = bucket.Objects.Find(entry.Key);
            if (entry.Json is not null)
                bucket.Append(previous is null ? ChangeType.Added : ChangeType.Modified, StoredObject.Load(entry.Key, entry.Version, entry.Json), previous, now);
            else if (previous is not null)
                bucket.Append(ChangeType.Deleted, previous.WithVersion(entry.Version), previous, now);
        }
        if (superseded.Count > 0)
        {
            _log.Begin();
            foreach (long version in superseded) _log.Delete(version);
            // The versions removed may have been the highest; they must not be given out again.
            _log.SetForgotten(_initialForgotten);
            _log.Commit();
        }
    }

    private void WriteLoop()
    {
        List<PendingWrite> batch = [];
        while (true)
        {
            lock (_gate)
            {
                while (_pending.Count == 0 && !_stopping && _time.GetUtcNow() < _nextTrim)
                    Monitor.Wait(_gate, TimeSpan.FromSeconds(5));
                if (_pending.Count == 0 && _stopping) break;
                (batch, _pending) = (_pending, batch);
            }
            if (batch.Count > 0) WriteBatch(batch);
            batch.Clear();
            if (_time.GetUtcNow() >= _nextTrim) Trim();
        }
        _stopped.SetResult();
    }

    private void WriteBatch(List<PendingWrite> batch)
    {
        long version = _version;
        var accepted = new List<(PendingWrite Write, ChangeType Type, StoredObject Object, StoredObject? Previous)>(batch.Count);
        var ahead = new Dictionary<(Bucket, string), StoredObject?>();
        try
        {
            foreach (PendingWrite write in batch)
            {
                if (!ahead.TryGetValue((write.Bucket, write.Key), out StoredObject? current)) current = write.Bucket.Objects.Find(write.Key);
                if ((current?.Version ?? 0) != write.Expected || write.Guard?.Invoke() == false) continue;
                if (accepted.Count == 0) _log.Begin();
                version++;
                StoredObject next = write.Draft is null ? current!.WithVersion(version) : StoredObject.FromDraft(write.Key, write.Draft, version);
                _log.Append(new LogEntry(version, write.Bucket.Name, write.Key, write.Draft is null ? null : next.Json));
                ChangeType type = write.Draft is null ? ChangeType.Deleted : current is null ? ChangeType.Added : ChangeType.Modified;
                accepted.Add((write, type, next, current));
                ahead[(write.Bucket, write.Key)] = write.Draft is null ? null : next;
            }
            if (accepted.Count > 0) _log.Commit();
        }
        catch (Exception e)
        {
            LogWriteFailed(_logger, e, batch.Count);
            Fail(batch, e);
            return;
        }
        Publish(accepted, version);
        foreach (PendingWrite write in batch) write.Complete();
    }

    private void Publish(List<(PendingWrite Write, ChangeType Type, StoredObject Object, StoredObject? Previous)> accepted, long version)
    {
        DateTimeOffset now = _time.GetUtcNow();
        var touched = new HashSet<Bucket>();
        foreach ((PendingWrite write, ChangeType type, StoredObject obj, StoredObject? previous) in accepted)
        {
            Change change = write.Bucket.Append(type, obj, previous, now);
            write.Accepted = obj;
            touched.Add(write.Bucket);
            try
            {
                Committed?.Invoke(write.Bucket, change);
            }
            catch (Exception e)
            {
                // The write is durable whatever its listeners make of it.
                LogListenerFailed(_logger, e, write.Bucket.Name, write.Key);
            }
        }
        Interlocked.Exchange(ref _version, version);
        foreach (Bucket bucket in touched) bucket.Announce();
    }

    private void Fail(List<PendingWrite> batch, Exception cause)
    {
        try
        {
            _log.Rollback();
        }
        catch (StorageException e)
        {
            LogWriteFailed(_logger, e, 0);
        }
        foreach (PendingWrite write in batch) write.Completion.SetException(cause);
    }

    private void Trim()
    {
        _nextTrim = _time.GetUtcNow() + TrimInterval;
        var forgotten = new List<Change>();
        foreach (Bucket bucket in _buckets.Values) bucket.Trim(_time.GetUtcNow(), forgotten);
        if (forgotten.Count == 0) return;
        try
        {
            _log.Begin();
            foreach (Change change in forgotten)
            {
                if (change.Previous is { } previous) _log.Delete(previous.Version);
                if (change.Type == ChangeType.Deleted) _log.Delete(change.Version);
            }
            _log.SetForgotten(Math.Max(_log.ForgottenVersion, forgotten.Max(c => c.Version)));
            _log.Commit();
        }
        catch (StorageException e)
        {
            // What stays in the log is found superseded at the next start and removed then.
            LogWriteFailed(_logger, e, 0);
            Fail([], e);
        }
    }

    [LoggerMessage(EventId = 1601, Level = LogLevel.Error, Message = "Writing to the store failed; {Count} writes are refused")]
    private static partial void LogWriteFailed(ILogger logger, Exception e, int count);

    [LoggerMessage(EventId = 1602, Level = LogLevel.Error, Message = "A listener failed on {Bucket} {Key}")]
    private static partial void LogListenerFailed(ILogger logger, Exception e, string bucket, string key);

    private sealed class PendingWrite(Bucket bucket, string key, long expected, ObjectDraft? draft, Func<bool>? guard)
    {
        public Bucket Bucket { get; } = bucket;

        public string Key { get; } = key;

        public long Expected { get; } = expected;

        public ObjectDraft? Draft { get; } = draft;

        public Func<bool>? Guard { get; } = guard;

        public StoredObject? Accepted { get; set; }

        public TaskCompletionSource<WriteResult> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Complete() => Completion.SetResult(new WriteResult(Accepted));
    }
}

/// <summary>The new state (for a deletion the last one, under the deletion's version); null when the stored version was another.</summary>
internal readonly record struct WriteResult(StoredObject? Object)
{
    public bool Refused => Object is null;
}
