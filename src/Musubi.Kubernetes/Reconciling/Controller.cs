using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Reconciling;

/// <summary>Something a <see cref="Manager"/> runs.</summary>
internal interface IController : IDisposable
{
    Task RunAsync(CancellationToken ct);
}

/// <summary>Feeds the keys of changed objects to a reconciler.</summary>
/// <remarks>Set up before the manager runs: what to watch, how many at once, and the reconciler.</remarks>
public sealed class Controller<T> : IController
    where T : KubeObject, IKubeObject<T>
{
    private static readonly Meter Meter = new("Musubi.Kubernetes");
    private static readonly Counter<long> Reconciliations = Meter.CreateCounter<long>("musubi.reconcile.count");
    private static readonly Histogram<double> Durations = Meter.CreateHistogram<double>("musubi.reconcile.duration", "s");
    private readonly Manager _manager;
    private readonly string _name;
    private readonly WorkQueue<ObjectKey> _queue;
    private readonly ILogger _log;
    private int _parallel = 1;
    private TimeSpan _limit = TimeSpan.FromMinutes(1);
    private IReconciler<T>? _reconciler;

    internal Controller(Manager manager, string name)
    {
        _manager = manager;
        _name = name;
        _queue = new WorkQueue<ObjectKey>(manager.Time);
        _log = manager.Logs.CreateLogger($"Musubi.Controller.{name}");
        manager.Informer<T>().OnChange(change => _queue.Add(change.Object.Key));
    }

    /// <summary>Also reconciles an object when one that it owns (as controller) changes.</summary>
    public Controller<T> Owns<TOwned>()
        where TOwned : KubeObject, IKubeObject<TOwned> =>
        Watches<TOwned>(o => o.Metadata.Controller is { } owner && owner.Kind == T.Resource.Kind && owner.ApiVersion == T.Resource.ApiVersion
            ? [new ObjectKey(T.Resource.Namespaced ? o.Metadata.Namespace ?? "" : "", owner.Name)]
            : []);

    /// <summary>Also reconciles the objects that <paramref name="keysOf"/> names when another object changes.</summary>
    public Controller<T> Watches<TOther>(Func<TOther, IEnumerable<ObjectKey>> keysOf)
        where TOther : KubeObject, IKubeObject<TOther> =>
        WatchesChanges<TOther>(change => new[] { change.Old, change.New }.OfType<TOther>().SelectMany(keysOf));

    /// <summary>As <see cref="Watches"/>, where it matters how the other object changed.</summary>
    public Controller<T> WatchesChanges<TOther>(Func<ObjectChange<TOther>, IEnumerable<ObjectKey>> keysOf)
        where TOther : KubeObject, IKubeObject<TOther>
    {
        _manager.Informer<TOther>().OnChange(change =>
        {
            foreach (ObjectKey key in keysOf(change))
            {
                _queue.Add(key);
            }
        });
        return this;
    }

    /// <summary>How many objects may be worked on at once. The default is one.</summary>
    public Controller<T> MaxParallel(int count)
    {
        _parallel = count;
        return this;
    }

    /// <summary>How long one reconciliation may take. The default is a minute.</summary>
    public Controller<T> Limit(TimeSpan limit)
    {
        _limit = limit;
        return this;
    }

    /// <summary>Who does the work.</summary>
    public Controller<T> ReconcileWith(IReconciler<T> reconciler)
    {
        _reconciler = reconciler;
        return this;
    }

    /// <summary>Asks for a reconciliation, as when something outside the API changed.</summary>
    public void Enqueue(ObjectKey key) => _queue.Add(key);

    async Task IController.RunAsync(CancellationToken ct)
    {
        IReconciler<T> reconciler = _reconciler ?? throw new InvalidOperationException($"controller {_name} has no reconciler");
        await Task.WhenAll(Enumerable.Range(0, _parallel).Select(_ => Task.Run(() => WorkAsync(reconciler, ct), ct)));
    }

    void IDisposable.Dispose() => _queue.Dispose();

    private async Task WorkAsync(IReconciler<T> reconciler, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            ObjectKey key;
            try
            {
                key = await _queue.TakeAsync(ct);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            long start = _manager.Time.GetTimestamp();
            string outcome = await ReconcileAsync(reconciler, key, ct);
            _queue.Done(key);
            TagList tags = new() { { "controller", _name }, { "outcome", outcome } };
            Reconciliations.Add(1, tags);
            Durations.Record(_manager.Time.GetElapsedTime(start).TotalSeconds, tags);
        }
    }

    private async Task<string> ReconcileAsync(IReconciler<T> reconciler, ObjectKey key, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_limit);
        try
        {
            ReconcileResult result = await reconciler.ReconcileAsync(key, limit.Token);
            _queue.Forget(key);
            if (result.After is { } after)
            {
                _queue.AddAfter(key, after);
            }

            return "done";
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return "cancelled";
        }
        catch (TerminalException e)
        {
            _log.ReconcileGaveUp(_name, key, e.Message);
            _queue.Forget(key);
            return "terminal";
        }
        catch (ApiException e) when (e.IsConflict || e.IsNotFound)
        {
            // The local copy lags behind; the newer state is on its way.
            _log.ReconcileConflict(_name, key, e.Message);
        }
        catch (Exception e) when (e is ApiException or ApiUnreachableException)
        {
            _log.ReconcileFailed(_name, key, e.Message);
        }
        catch (OperationCanceledException)
        {
            _log.ReconcileFailed(_name, key, $"not finished within {_limit.TotalSeconds} s");
        }
        catch (Exception e)
        {
            _log.ReconcileCrashed(e, _name, key);
        }

        _queue.AddRateLimited(key);
        return "failed";
    }
}
