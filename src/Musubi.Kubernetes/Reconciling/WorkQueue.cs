using System.Threading.Channels;

namespace Musubi.Kubernetes.Reconciling;

/// <summary>
/// Keys that wait to be worked on. A key is in the queue at most once; a key that is added while it is worked on comes again afterwards,
/// so that no two workers ever have the same key.
/// </summary>
public sealed class WorkQueue<TKey> : IDisposable
    where TKey : notnull
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);
    private const double RefillPerSecond = 10;
    private const double Burst = 100;
    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Channel<TKey> _ready = Channel.CreateUnbounded<TKey>();
    private readonly HashSet<TKey> _dirty = [];
    private readonly HashSet<TKey> _processing = [];
    private readonly Dictionary<TKey, int> _failures = [];
    private readonly Dictionary<TKey, long> _due = [];
    private readonly PriorityQueue<TKey, long> _later = new();
    private double _tokens = Burst;
    private long _refilledAt;

    /// <summary>An empty queue.</summary>
    public WorkQueue(TimeProvider time)
    {
        _time = time;
        _refilledAt = time.GetTimestamp();
        _timer = time.CreateTimer(_ => MoveDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many keys wait, without those that wait for a time.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _dirty.Count;
            }
        }
    }

    /// <summary>Adds a key for work as soon as possible.</summary>
    public void Add(TKey key)
    {
        lock (_lock)
        {
            AddLocked(key);
        }
    }

    /// <summary>Adds a key at a later time; of several times for one key the earliest counts.</summary>
    public void AddAfter(TKey key, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero)
        {
            Add(key);
            return;
        }

        lock (_lock)
        {
            long due = _time.GetTimestamp() + (long)(delay.TotalSeconds * _time.TimestampFrequency);
            if (_due.TryGetValue(key, out long earlier) && earlier <= due)
            {
                return;
            }

            _due[key] = due;
            _later.Enqueue(key, due);
            SetTimer();
        }
    }

    /// <summary>Adds a key after a pause that doubles with each of its failures, and not faster over all keys than the queue allows.</summary>
    public void AddRateLimited(TKey key)
    {
        TimeSpan delay;
        lock (_lock)
        {
            int failures = _failures.GetValueOrDefault(key);
            _failures[key] = failures + 1;
            TimeSpan own = FirstPause * Math.Pow(2, Math.Min(failures, 20));
            own = own < LongestPause ? own : LongestPause;
            TimeSpan shared = TakeToken();
            delay = own > shared ? own : shared;
        }

        AddAfter(key, delay);
    }

    /// <summary>Forgets the failures of a key.</summary>
    public void Forget(TKey key)
    {
        lock (_lock)
        {
            _failures.Remove(key);
        }
    }

    /// <summary>How often a key failed since it was last forgotten.</summary>
    public int Failures(TKey key)
    {
        lock (_lock)
        {
            return _failures.GetValueOrDefault(key);
        }
    }

    /// <summary>Waits for a key; the caller must say <see cref="Done"/> afterwards.</summary>
    public async ValueTask<TKey> TakeAsync(CancellationToken ct)
    {
        TKey key = await _ready.Reader.ReadAsync(ct);
        lock (_lock)
        {
            Took(key);
        }

        return key;
    }

    /// <summary>Takes a key if one is ready.</summary>
    public bool TryTake([System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out TKey key)
    {
        lock (_lock)
        {
            if (!_ready.Reader.TryRead(out key))
            {
                return false;
            }

            Took(key);
            return true;
        }
    }

    /// <summary>Ends the work on a key; it comes again if it was added meanwhile.</summary>
    public void Done(TKey key)
    {
        lock (_lock)
        {
            _processing.Remove(key);
            if (_dirty.Contains(key))
            {
                _ready.Writer.TryWrite(key);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Took(TKey key)
    {
        _processing.Add(key);
        _dirty.Remove(key);
    }

    private void AddLocked(TKey key)
    {
        if (_dirty.Add(key) && !_processing.Contains(key))
        {
            _ready.Writer.TryWrite(key);
        }
    }

    private void MoveDue()
    {
        lock (_lock)
        {
            long now = _time.GetTimestamp();
            while (_later.TryPeek(out TKey? key, out long due) && due <= now)
            {
                _later.Dequeue();
                if (_due.TryGetValue(key, out long current) && current == due)
                {
                    _due.Remove(key);
                    AddLocked(key);
                }
            }

            SetTimer();
        }
    }

    private void SetTimer()
    {
        if (!_later.TryPeek(out _, out long due))
        {
            return;
        }

        // Rounded up to the timer's milliseconds: a timer that fires too early would only be set again.
        double milliseconds = Math.Ceiling((due - _time.GetTimestamp()) * 1000.0 / _time.TimestampFrequency);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(milliseconds, 0, 86_400_000)), Timeout.InfiniteTimeSpan);
    }

    private TimeSpan TakeToken()
    {
        long now = _time.GetTimestamp();
        _tokens = Math.Min(Burst, _tokens + (_time.GetElapsedTime(_refilledAt, now).TotalSeconds * RefillPerSecond)) - 1;
        _refilledAt = now;
        return _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / RefillPerSecond);
    }
}
