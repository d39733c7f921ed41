using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Http;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Watching;

/// <summary>
/// Streams the changes of a bucket. A watcher holds no queue: it follows the chain of changes at its client's pace, and is let go when it
/// falls behind what the bucket remembers.
/// </summary>
internal sealed class WatchStreamer(ObjectStore store, TimeProvider time, CancellationToken stopping)
{
    private static readonly TimeSpan BookmarkInterval = TimeSpan.FromMinutes(1);
    private const int FlushBytes = 64 << 10;

    public async Task StreamAsync(HttpContext context, ServedResource resource, Selection selection, ListQuery query, ObjectOutput output)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        context.Response.StatusCode = 200;
        context.Response.ContentType = "application/json";
        PipeWriter body = context.Response.BodyWriter;
        await context.Response.StartAsync(stop.Token).ConfigureAwait(false);
        await body.FlushAsync(stop.Token).ConfigureAwait(false);
        var stream = new Stream(resource, selection, query, output, body);
        try
        {
            await RunAsync(stream, stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The client left or the server stops; a watch has no other end to tell.
        }
    }

    private async Task RunAsync(Stream stream, CancellationToken cancellation)
    {
        Bucket bucket = stream.Resource.Bucket;
        ListQuery query = stream.Query;
        TimeSpan timeout = query.Timeout ?? TimeSpan.FromMinutes(30 + Random.Shared.NextDouble() * 30);
        long started = time.GetTimestamp();
        bool initial = query.SendInitialEvents ?? query.Version is null or 0;
        long newest = store.Version;
        Change? at = initial ? bucket.Latest : bucket.At(query.Version ?? store.Version);
        if (at is null)
        {
            stream.WriteError(ApiStatus.Failure(HttpStatusCode.Gone, "Expired", $"too old resource version: {query.Version} ({bucket.ForgottenVersion})"));
            await stream.Body.FlushAsync(cancellation).ConfigureAwait(false);
            return;
        }
        if (initial)
        {
            foreach (StoredObject obj in at.After.Range(stream.Selection.KeyPrefix))
            {
                if (stream.Selection.Matches(obj)) stream.Write("ADDED", obj);
                if (stream.Unflushed > FlushBytes) await stream.FlushAsync(cancellation).ConfigureAwait(false);
            }
            if (query.Bookmarks) stream.WriteBookmark(Math.Max(newest, at.Version), initialEventsEnd: true);
            await stream.FlushAsync(cancellation).ConfigureAwait(false);
        }

        long lastBookmark = time.GetTimestamp();
        while (true)
        {
            Task pulse = bucket.Pulse;
            // Taken before looking for changes: when there are none, everything up to here was sent.
            long seen = store.Version;
            while (at.Next is { } change)
            {
                at = change;
                if (initial || change.Version > query.Version) stream.Write(change);
                if (stream.Unflushed <= FlushBytes) continue;
                await stream.FlushAsync(cancellation).ConfigureAwait(false);
                if (at.Version < bucket.ForgottenVersion) return;
            }
            if (stream.Unflushed > 0) await stream.FlushAsync(cancellation).ConfigureAwait(false);
            TimeSpan left = timeout - time.GetElapsedTime(started);
            TimeSpan untilBookmark = query.Bookmarks ? BookmarkInterval - time.GetElapsedTime(lastBookmark) : TimeSpan.MaxValue;
            if (left <= TimeSpan.Zero || untilBookmark <= TimeSpan.Zero)
            {
                if (query.Bookmarks)
                {
                    stream.WriteBookmark(Math.Max(seen, at.Version), initialEventsEnd: false);
                    await stream.FlushAsync(cancellation).ConfigureAwait(false);
                }
                if (left <= TimeSpan.Zero) return;
                lastBookmark = time.GetTimestamp();
                continue;
            }
            await WaitAsync(pulse, left < untilBookmark ? left : untilBookmark, cancellation).ConfigureAwait(false);
        }
    }

    private async Task WaitAsync(Task pulse, TimeSpan limit, CancellationToken cancellation)
    {
        try
        {
            await pulse.WaitAsync(limit, time, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The caller looks at the clock.
        }
    }

    /// <summary>The lines of one watch.</summary>
    private sealed class Stream(ServedResource resource, Selection selection, ListQuery query, ObjectOutput output, PipeWriter body)
    {
        private bool _first = true;

        public ServedResource Resource => resource;

        public Selection Selection => selection;

        public ListQuery Query => query;

        public PipeWriter Body => body;

        public int Unflushed { get; private set; }

        public async ValueTask FlushAsync(CancellationToken cancellation)
        {
            await body.FlushAsync(cancellation).ConfigureAwait(false);
            Unflushed = 0;
        }

        /// <summary>Writes a change as this watcher sees it: an object that starts or stops matching is added or deleted.</summary>
        public void Write(Change change)
        {
            bool after = change.Type != ChangeType.Deleted && selection.Matches(change.Object);
            bool before = change.Previous is { } previous && selection.Matches(previous);
            if (after) Write(before ? "MODIFIED" : "ADDED", change.Object);
            else if (before) Write("DELETED", change.Type == ChangeType.Deleted ? change.Object : change.Previous!.WithVersion(change.Version));
        }

        public void Write(string type, StoredObject obj)
        {
            WriteLine(type, output.WatchItem(obj, _first));
            _first = false;
        }

        public void WriteBookmark(long version, bool initialEventsEnd)
        {
            var metadata = new JsonObject { ["resourceVersion"] = version.ToString() };
            if (initialEventsEnd) metadata["annotations"] = new JsonObject { ["k8s.io/initial-events-end"] = "true" };
            WriteLine("BOOKMARK", JsonTree.ToBytes(new JsonObject { ["kind"] = resource.Type.Kind, ["apiVersion"] = resource.Type.ApiVersion, ["metadata"] = metadata }));
        }

        public void WriteError(ApiStatus status) => WriteLine("ERROR", Responses.ToBytes(status));

        private void WriteLine(string type, byte[] json)
        {
            Span<byte> span = body.GetSpan(40 + json.Length);
            int length = System.Text.Encoding.UTF8.GetBytes(type, span["{\"type\":\"".Length..]);
            "{\"type\":\""u8.CopyTo(span);
            int at = "{\"type\":\"".Length + length;
            "\",\"object\":"u8.CopyTo(span[at..]);
            at += "\",\"object\":".Length;
            json.CopyTo(span[at..]);
            at += json.Length;
            "}\n"u8.CopyTo(span[at..]);
            body.Advance(at + 2);
            Unflushed += at + 2;
        }
    }
}
