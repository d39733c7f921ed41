using Microsoft.Extensions.Logging;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Informers;

/// <summary>What changed in an informer's copy. An object that appears has no old state, one that vanishes no new state.</summary>
public readonly record struct ObjectChange<T>(T? Old, T? New)
    where T : KubeObject
{
    /// <summary>Whichever state there is, the newer first.</summary>
    public T Object => New ?? Old!;
}

/// <summary>
/// Keeps a local copy of the chosen objects of one type and tells handlers of every change: list and watch, again and again, over
/// broken connections, server restarts and expired versions.
/// </summary>
/// <remarks>
/// Handlers run one after another on the informer's own task, after the copy was changed. They note keys and return. An object that is not
/// of the form its type has is left out with a warning, so that it cannot keep the others from being seen.
/// </remarks>
public sealed class Informer<T> : IReader<T>
    where T : KubeObject, IKubeObject<T>
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan StreamedListLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShortWatch = TimeSpan.FromSeconds(1);
    private readonly ResourceClient<T> _client;
    private readonly Selection _selection;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ObjectStore<T> _store = new();
    private readonly List<Action<ObjectChange<T>>> _handlers = [];
    private readonly TaskCompletionSource _synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _version;
    private bool _streamedLists = true;
    private int _failures;

    /// <summary>An informer that does nothing until it is run.</summary>
    public Informer(ApiClient api, Selection selection, ILogger log)
    {
        _client = new ResourceClient<T>(api) { OnUnreadable = e => log.Unreadable(T.Resource.QualifiedName, e.Message) };
        _selection = selection;
        _time = api.Time;
        _log = log;
    }

    /// <summary>Whether the copy has been complete once.</summary>
    public bool HasSynced => _synced.Task.IsCompletedSuccessfully;

    /// <summary>Completes when the copy has been complete once.</summary>
    public Task WaitForSyncAsync(CancellationToken ct) => _synced.Task.WaitAsync(ct);

    /// <summary>Files objects under values, for <see cref="ByIndex"/>.</summary>
    public void AddIndex(string name, Func<T, IEnumerable<string>> valuesOf) => _store.AddIndex(name, valuesOf);

    /// <summary>Adds a handler; before the informer runs.</summary>
    public void OnChange(Action<ObjectChange<T>> handler) => _handlers.Add(handler);

    /// <inheritdoc/>
    public T? Find(ObjectKey key) => _store.Find(key);

    /// <inheritdoc/>
    public IReadOnlyList<T> List(string? ns = null) => _store.List(ns);

    /// <inheritdoc/>
    public IReadOnlyList<T> ByIndex(string index, string value) => _store.ByIndex(index, value);

    /// <summary>Follows the server until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await FollowOnceAsync(ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (ApiException e) when (e.IsExpired)
            {
                _log.VersionExpired(T.Resource.QualifiedName, e.Message);
                _version = null;
                _failures++;
            }
            catch (Exception e)
            {
                if (e is ApiException { Status.Code: >= 400 and < 500 })
                {
                    _version = null;
                }

                if (_failures++ is 0 or 5)
                {
                    _log.FollowFailed(T.Resource.QualifiedName, e.Message);
                }
            }

            await PauseAsync(ct);
        }
    }

    private async Task FollowOnceAsync(CancellationToken ct)
    {
        long start = _time.GetTimestamp();
        bool any;
        if (_version is not null)
        {
            any = await WatchAsync(ct);
        }
        else if (_streamedLists)
        {
            any = await ListByWatchAsync(ct);
        }
        else
        {
            await ListAsync(ct);
            any = await WatchAsync(ct);
        }

        // A server that ends watches at once without saying why must not be asked in a tight loop.
        _failures = any || _time.GetElapsedTime(start) >= ShortWatch ? 0 : _failures + 1;
    }

    private async Task PauseAsync(CancellationToken ct)
    {
        if (_failures == 0)
        {
            return;
        }

        TimeSpan pause = FirstPause * Math.Pow(2, Math.Min(_failures - 1, 10));
        pause = pause < LongestPause ? pause : LongestPause;
        try
        {
            await Task.Delay(pause * (1 + (Random.Shared.NextDouble() / 2)), _time, ct);
        }
        catch (OperationCanceledException)
        {
            // cancelled: the loop's condition ends it
        }
    }

    private async Task ListAsync(CancellationToken ct)
    {
        KubeList<T> list = await _client.ListAsync(_selection, ct);
        Replace(list.Items.ToDictionary(o => o.Key), list.ResourceVersion);
    }

    /// <summary>A watch that brings the present objects first; what a server cannot do is learnt once.</summary>
    private async Task<bool> ListByWatchAsync(CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(StreamedListLimit);
        Dictionary<ObjectKey, T>? initial = [];
        try
        {
            WatchOptions options = new() { SendInitialEvents = true, Duration = Duration() };
            await foreach (WatchEvent<T> change in _client.WatchAsync(_selection, options, limit.Token))
            {
                if (initial is null)
                {
                    Apply(change);
                }
                else if (change.EndsInitialEvents)
                {
                    Replace(initial, change.Object.Metadata.ResourceVersion ?? "");
                    initial = null;
                    limit.CancelAfter(Timeout.InfiniteTimeSpan);
                }
                else if (change.Type == WatchEventType.Deleted)
                {
                    initial.Remove(change.Object.Key);
                }
                else if (change.Type != WatchEventType.Bookmark)
                {
                    initial[change.Object.Key] = change.Object;
                }
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested && initial is not null)
        {
            _streamedLists = false; // the server ignores sendInitialEvents
        }
        catch (ApiException e) when (initial is not null && e.Status.Code is 400 or 422)
        {
            _streamedLists = false; // the server refuses sendInitialEvents
        }

        return initial is null;
    }

    private async Task<bool> WatchAsync(CancellationToken ct)
    {
        bool any = false;
        await foreach (WatchEvent<T> change in _client.WatchAsync(_selection, new() { ResourceVersion = _version, Duration = Duration() }, ct))
        {
            any = true;
            _failures = 0;
            Apply(change);
        }

        return any;
    }

    private void Apply(WatchEvent<T> change)
    {
        if (change.Type == WatchEventType.Deleted)
        {
            if (_store.Remove(change.Object.Key, out T? old))
            {
                Tell(new ObjectChange<T>(old, null));
            }
        }
        else if (change.Type != WatchEventType.Bookmark)
        {
            Tell(new ObjectChange<T>(_store.Put(change.Object), change.Object));
        }

        _version = change.Object.Metadata.ResourceVersion ?? _version;
    }

    /// <summary>Makes the copy what a list says; what vanished meanwhile is told as deleted.</summary>
    private void Replace(Dictionary<ObjectKey, T> objects, string version)
    {
        foreach (ObjectKey key in _store.Keys())
        {
            if (!objects.ContainsKey(key) && _store.Remove(key, out T? gone))
            {
                Tell(new ObjectChange<T>(gone, null));
            }
        }

        foreach (T obj in objects.Values)
        {
            T? old = _store.Find(obj.Key);
            if (old?.Metadata.ResourceVersion is { } same && same == obj.Metadata.ResourceVersion)
            {
                continue;
            }

            // A successor of the same name is another object: handlers see the first one go.
            if (old is not null && old.Metadata.Uid != obj.Metadata.Uid && _store.Remove(obj.Key, out T? replaced))
            {
                Tell(new ObjectChange<T>(replaced, null));
            }

            Tell(new ObjectChange<T>(_store.Put(obj), obj));
        }

        _version = version;
        _synced.TrySetResult();
    }

    private void Tell(ObjectChange<T> change)
    {
        foreach (Action<ObjectChange<T>> handler in _handlers)
        {
            handler(change);
        }
    }

    private static TimeSpan Duration() => TimeSpan.FromMinutes(5 + (5 * Random.Shared.NextDouble()));
}
