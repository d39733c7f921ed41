using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;
using Musubi.Kubernetes.Reconciling;
using Musubi.Kubernetes.Tests.Client;

namespace Musubi.Kubernetes.Tests.Reconciling;

public class ControllerTests
{
    [Fact]
    public async Task RunAsync_ReconcilerFails_IsCalledAgainUntilItSucceeds()
    {
        await using World world = await World.StartAsync(calls => calls < 3 ? throw new InvalidOperationException("boom") : ReconcileResult.Done, "a");
        await world.WaitAsync(() => world.Calls.Count >= 3);
    }

    [Fact]
    public async Task RunAsync_TerminalFailure_IsNotRepeated()
    {
        await using World world = await World.StartAsync(_ => throw new TerminalException("only an edit helps"), "a");
        await world.WaitAsync(() => !world.Calls.IsEmpty);
        world.Controller.Enqueue(new ObjectKey("ns", "probe"));
        await world.WaitAsync(() => world.Calls.Contains("probe"));
        Assert.Equal(["a", "probe"], world.Calls);
    }

    [Fact]
    public async Task RunAsync_AgainAsked_ComesAgain()
    {
        await using World world = await World.StartAsync(calls => calls < 2 ? ReconcileResult.Again(TimeSpan.FromMilliseconds(20)) : ReconcileResult.Done, "a");
        await world.WaitAsync(() => world.Calls.Count == 2);
    }

    [Fact]
    public async Task RunAsync_ManyKeys_NeverTwoWorkersOnOne()
    {
        await using World world = await World.StartAsync(_ => ReconcileResult.Done, [.. Enumerable.Range(0, 50).Select(i => $"w{i}")]);
        await world.WaitAsync(() => world.Calls.Distinct().Count() == 50);
        Assert.False(world.Overlapped);
    }

    [Fact]
    public async Task Record_SameEventAgain_RaisesItsCount()
    {
        ConcurrentQueue<string> bodies = new();
        await using StubServer server = await StubServer.StartAsync(async (_, c) =>
        {
            using StreamReader reader = new(c.Request.Body);
            bodies.Enqueue($"{c.Request.Method} {await reader.ReadToEndAsync()}");
            await StubServer.JsonAsync(c, "{}");
        });
        using ApiClient api = server.Client();
        EventRecorder recorder = new(api, "test-controller", NullLogger.Instance);
        Widget widget = new() { Metadata = new() { Name = "w", Namespace = "ns", Uid = "u" } };
        recorder.Record(widget, EventType.Warning, "FailedCreate", "no room");
        recorder.Record(widget, EventType.Warning, "FailedCreate", "no room");
        for (int i = 0; i < 20; i++)
        {
            recorder.Record(widget, EventType.Normal, "Chatty", $"text {i}");
        }

        using CancellationTokenSource stop = new();
        Task running = recorder.RunAsync(stop.Token);
        await Poll.UntilAsync(() => bodies.Count >= 22, () => string.Join('\n', bodies));
        await stop.CancelAsync();
        await running;
        Assert.StartsWith("POST", bodies.First(), StringComparison.Ordinal);
        Assert.Contains("\"kind\":\"Widget\"", bodies.First(), StringComparison.Ordinal);
        Assert.Contains("\"count\":2", bodies.ElementAt(1), StringComparison.Ordinal);
        Assert.Equal(10, bodies.Count(b => b.Contains("\"message\":\"text ", StringComparison.Ordinal)));
        Assert.Single(bodies, b => b.Contains("combined from similar events", StringComparison.Ordinal));
    }

    private sealed class World : IReconciler<Widget>, IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Func<int, ReconcileResult> _outcome;
        private readonly StubServer _server;
        private readonly ApiClient _api;
        private readonly Task _running;
        private readonly ConcurrentDictionary<ObjectKey, int> _active = [];

        private World(StubServer server, Func<int, ReconcileResult> outcome)
        {
            (_server, _outcome) = (server, outcome);
            _api = server.Client();
            Manager manager = new(_api, NullLoggerFactory.Instance);
            Controller = manager.AddController<Widget>("test").MaxParallel(8).ReconcileWith(this);
            _running = manager.RunAsync(_stop.Token);
        }

        public Controller<Widget> Controller { get; }

        public ConcurrentQueue<string> Calls { get; } = new();

        public bool Overlapped { get; private set; }

        public static async Task<World> StartAsync(Func<int, ReconcileResult> outcome, params string[] names)
        {
            StubServer server = await StubServer.StartAsync(async (s, c) =>
            {
                foreach (string name in names)
                {
                    await c.Response.WriteAsync($$$"""{"type":"ADDED","object":{{{Widget.Json(name, 1)}}}}""" + "\n");
                }

                await c.Response.WriteAsync("""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"2","annotations":{"k8s.io/initial-events-end":"true"}}}}""" + "\n");
                await c.Response.Body.FlushAsync();
                await Task.Delay(Timeout.Infinite, s.Stopping);
            });
            return new World(server, outcome);
        }

        public async ValueTask<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
        {
            Overlapped |= _active.AddOrUpdate(key, 1, (_, n) => n + 1) > 1;
            await Task.Yield();
            _active.AddOrUpdate(key, 0, (_, n) => n - 1);
            Calls.Enqueue(key.Name);
            return _outcome(Calls.Count);
        }

        public Task WaitAsync(Func<bool> reached) => Poll.UntilAsync(reached, () => string.Join(' ', Calls));

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _api.Dispose();
            await _server.DisposeAsync();
            _stop.Dispose();
        }
    }
}
