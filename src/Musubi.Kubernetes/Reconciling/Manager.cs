using Microsoft.Extensions.Logging;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Reconciling;

/// <summary>Runs controllers over shared informers: one local copy per kind, however many controllers read it.</summary>
public sealed class Manager
{
    private readonly Dictionary<Type, object> _informers = [];
    private readonly List<Func<CancellationToken, Task>> _informerLoops = [];
    private readonly List<Func<CancellationToken, Task>> _syncs = [];
    private readonly List<IController> _controllers = [];
    private readonly List<Func<CancellationToken, Task>> _loops = [];

    /// <summary>A manager that does nothing until it is run.</summary>
    public Manager(ApiClient api, ILoggerFactory logs)
    {
        Api = api;
        Logs = logs;
    }

    /// <summary>The client that everything uses.</summary>
    public ApiClient Api { get; }

    /// <summary>Makes loggers.</summary>
    public ILoggerFactory Logs { get; }

    /// <summary>The clock that everything uses.</summary>
    public TimeProvider Time => Api.Time;

    /// <summary>The shared informer of a kind, for all namespaces; made at the first call.</summary>
    public Informer<T> Informer<T>()
        where T : KubeObject, IKubeObject<T>
    {
        if (_informers.TryGetValue(typeof(T), out object? there))
        {
            return (Informer<T>)there;
        }

        return Informer<T>(Selection.All);
    }

    /// <summary>
    /// As <see cref="Informer{T}()"/>, for a part of the objects. The first call for a kind decides the part.
    /// </summary>
    public Informer<T> Informer<T>(Selection selection)
        where T : KubeObject, IKubeObject<T>
    {
        if (_informers.TryGetValue(typeof(T), out object? there))
        {
            return (Informer<T>)there;
        }

        Informer<T> informer = new(Api, selection, Logs.CreateLogger("Musubi.Informers"));
        _informers.Add(typeof(T), informer);
        _informerLoops.Add(informer.RunAsync);
        _syncs.Add(informer.WaitForSyncAsync);
        return informer;
    }

    /// <summary>Adds a controller for a kind.</summary>
    public Controller<T> AddController<T>(string name)
        where T : KubeObject, IKubeObject<T>
    {
        Controller<T> controller = new(this, name);
        _controllers.Add(controller);
        return controller;
    }

    /// <summary>Adds a loop that runs beside the controllers and ends when cancelled.</summary>
    public void AddLoop(Func<CancellationToken, Task> loop) => _loops.Add(loop);

    /// <summary>Runs everything until cancelled, or until a part fails for good.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        List<Task> running = [.. _informerLoops.Select(loop => loop(stop.Token))];
        try
        {
            Task synced = Task.WhenAll(_syncs.Select(sync => sync(stop.Token)));
            await Task.WhenAny([synced, .. running]);
            if (synced.IsCompletedSuccessfully)
            {
                running.AddRange(_loops.Select(loop => loop(stop.Token)));
                running.AddRange(_controllers.Select(controller => controller.RunAsync(stop.Token)));
                await await Task.WhenAny(running);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // asked to stop
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(running).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            _controllers.ForEach(c => c.Dispose());
        }
    }
}
