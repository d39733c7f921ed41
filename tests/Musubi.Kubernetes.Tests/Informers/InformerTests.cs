using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;
using Musubi.Kubernetes.Tests.Client;

namespace Musubi.Kubernetes.Tests.Informers;

public class InformerTests
{
    [Fact]
    public async Task RunAsync_StreamedList_FillsThenFollows()
    {
        await using Script script = await Script.StartAsync(
            (c, _) => Script.WatchAsync(c, true, Added("a", 1), Added("b", 2), End(5), Modified("a", 6, "blue"), Deleted("b", 7)));
        await script.WaitAsync(() => script.Changes.Count == 4);
        Assert.Equal(["+a red", "+b red", "~a blue", "-b red"], script.Changes);
        Assert.Equal("blue", script.Informer.Find(new ObjectKey("ns", "a"))!.Color);
        Assert.Null(script.Informer.Find(new ObjectKey("ns", "b")));
        Assert.Contains("sendInitialEvents=true", script.Server.Requests.First(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_ServerRefusesStreamedLists_ListsAndWatches()
    {
        await using Script script = await Script.StartAsync(
            (c, _) => StubServer.JsonAsync(c, StubServer.Status(422, "Invalid", "sendInitialEvents is forbidden"), 422),
            (c, _) => StubServer.JsonAsync(c, List(9, Widget.Json("a", 1))),
            (c, q) => q.Contains("resourceVersion=9", StringComparison.Ordinal) ? Script.WatchAsync(c, true, Added("b", 10)) : throw new InvalidOperationException(q));
        await script.WaitAsync(() => script.Informer.List().Count == 2);
        Assert.True(script.Informer.HasSynced);
    }

    [Fact]
    public async Task RunAsync_StreamEnds_WatchesAgainFromLastVersion()
    {
        await using Script script = await Script.StartAsync(
            (c, _) => Script.WatchAsync(c, false, Added("a", 1), End(5), """{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"42"}}}"""),
            (c, q) => q.Contains("resourceVersion=42", StringComparison.Ordinal) ? Script.WatchAsync(c, true, Added("b", 43)) : throw new InvalidOperationException(q));
        await script.WaitAsync(() => script.Informer.List().Count == 2);
        Assert.Equal(["+a red", "+b red"], script.Changes);
    }

    [Fact]
    public async Task RunAsync_VersionExpired_ListsAgainAndTellsWhatVanished()
    {
        await using Script script = await Script.StartAsync(
            (c, _) => Script.WatchAsync(c, false, Added("a", 1), Added("b", 2), Added("c", 3), End(5)),
            (c, _) => Script.WatchAsync(c, false, $$$"""{"type":"ERROR","object":{{{StubServer.Status(410, "Expired", "too old")}}}}"""),
            (c, _) => Script.WatchAsync(c, true, Added("a", 1), Added("b", 8, "blue"), Added("c", 9, uid: "successor"), End(20)));
        await script.WaitAsync(() => script.Changes.Count >= 6);
        Assert.Equal(["+a red", "+b red", "+c red", "~b blue", "-c red", "+c red"], script.Changes);
    }

    [Fact]
    public async Task RunAsync_ConnectionBreaks_KeepsWhatItHas()
    {
        TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Script script = await Script.StartAsync(
            async (c, _) =>
            {
                await Script.WatchAsync(c, false, Added("a", 1), End(5));
                await arrived.Task.WaitAsync(TimeSpan.FromSeconds(10));
                c.Abort();
            },
            (c, _) => StubServer.JsonAsync(c, "broken", 500),
            (c, _) => Script.WatchAsync(c, true, Added("b", 43)));
        await script.WaitAsync(() => script.Informer.HasSynced);
        arrived.SetResult();
        await script.WaitAsync(() => script.Informer.List().Count == 2);
        Assert.Equal(["+a red", "+b red"], script.Changes);
    }

    [Fact]
    public async Task ByIndex_ObjectsChange_FilesFollow()
    {
        await using Script script = await Script.StartAsync(
            (c, _) => Script.WatchAsync(c, true, Added("a", 1), Added("b", 2), End(5), Modified("a", 6, "blue"), Deleted("b", 7)));
        await script.WaitAsync(() => script.Changes.Count == 4);
        Assert.Equal(["a"], script.Informer.ByIndex("color", "blue").Select(w => w.Metadata.Name));
        Assert.Empty(script.Informer.ByIndex("color", "red"));
    }

    [Fact]
    public async Task RunAsync_UnreadableObject_IsLeftOut()
    {
        const string Odd = """{"metadata":{"name":"odd","labels":{"a":true}}}""";
        await using Script script = await Script.StartAsync(
            (c, _) => StubServer.JsonAsync(c, StubServer.Status(422, "Invalid", "no"), 422),
            (c, _) => StubServer.JsonAsync(c, List(9, Odd, Widget.Json("a", 1))),
            (c, _) => Script.WatchAsync(c, true, $$"""{"type":"ADDED","object":{{Odd}} }""", Added("b", 10)));
        await script.WaitAsync(() => script.Changes.Count == 2);
        Assert.Equal(["+a red", "+b red"], script.Changes);
    }

    private static string Added(string name, int version, string color = "red", string uid = "u") => Event("ADDED", name, version, color, uid);

    private static string Modified(string name, int version, string color) => Event("MODIFIED", name, version, color, "u");

    private static string Deleted(string name, int version) => Event("DELETED", name, version, "red", "u");

    private static string Event(string type, string name, int version, string color, string uid) =>
        $$$"""{"type":"{{{type}}}","object":{{{Widget.Json(name, version, color, uid)}}}}""";

    private static string End(int version) =>
        $$"""{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"{{version}}","annotations":{"k8s.io/initial-events-end":"true"} } } }""";

    private static string List(int version, params string[] items) => $$$"""{"metadata":{"resourceVersion":"{{{version}}}"},"items":[{{{string.Join(',', items)}}}]}""";

    /// <summary>An informer against a server that gives one answer after another; the last one again and again.</summary>
    private sealed class Script : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly ApiClient _api;
        private readonly Task _running;

        private Script(StubServer server)
        {
            Server = server;
            _api = server.Client(o => o with { RetryLimit = TimeSpan.Zero });
            Informer = new Informer<Widget>(_api, Selection.All, NullLogger.Instance);
            Informer.AddIndex("color", w => [w.Color ?? ""]);
            Informer.OnChange(c => Changes.Enqueue($"{(c.Old is null ? '+' : c.New is null ? '-' : '~')}{c.Object.Metadata.Name} {c.Object.Color}"));
            _running = Informer.RunAsync(_stop.Token);
        }

        public StubServer Server { get; }

        public Informer<Widget> Informer { get; }

        public ConcurrentQueue<string> Changes { get; } = new();

        public static async Task<Script> StartAsync(params Func<HttpContext, string, Task>[] answers)
        {
            int next = 0;
            return new Script(await StubServer.StartAsync((server, c) =>
            {
                c.Items["stopping"] = server.Stopping;
                return answers[Math.Min(next++, answers.Length - 1)](c, c.Request.QueryString.Value ?? "");
            }));
        }

        public static async Task WatchAsync(HttpContext c, bool stayOpen, params string[] lines)
        {
            foreach (string line in lines)
            {
                await c.Response.WriteAsync(line + "\n");
            }

            await c.Response.Body.FlushAsync();
            if (stayOpen)
            {
                await Task.Delay(Timeout.Infinite, (CancellationToken)c.Items["stopping"]!);
            }
        }

        public Task WaitAsync(Func<bool> reached) =>
            Poll.UntilAsync(reached, () => $"changes: {string.Join(", ", Changes)}; requests: {string.Join(", ", Server.Requests)}");

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _api.Dispose();
            await Server.DisposeAsync();
            _stop.Dispose();
        }
    }
}
