using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Reconciling;

/// <summary>How an event is meant.</summary>
public enum EventType
{
    /// <summary>As it should be.</summary>
    Normal,

    /// <summary>Something a user may have to act on.</summary>
    Warning,
}

/// <summary>
/// Writes the events that <c>kubectl describe</c> shows. Repeats of an event raise its count instead of making another one, and a flood of
/// similar events of one object becomes one that says so.
/// </summary>
/// <remarks>Recording never waits; events are written in the background by <see cref="RunAsync"/>.</remarks>
public sealed class EventRecorder
{
    private const int MaxMessage = 1024;
    private const int MaxWaiting = 1000;
    private const int MaxRemembered = 4096;
    private const int SimilarLimit = 10;
    private static readonly TimeSpan SimilarSpan = TimeSpan.FromMinutes(10);
    private readonly ApiClient _api;
    private readonly string _component;
    private readonly ILogger _log;
    private readonly Channel<Pending> _pending = Channel.CreateBounded<Pending>(new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly ConcurrentDictionary<Identity, Stored> _stored = [];
    private readonly ConcurrentDictionary<Identity, Similar> _similar = [];
    private static long _sequence;

    /// <summary>A recorder that signs with a component's name, as <c>virtualmachine-controller</c>.</summary>
    public EventRecorder(ApiClient api, string component, ILogger log)
    {
        _api = api;
        _component = component;
        _log = log;
    }

    private sealed record Identity(string Uid, EventType Type, string Reason, string Message);

    private sealed record Stored(string Namespace, string Name, int Count);

    private sealed record Similar(int Count, DateTimeOffset Since);

    private sealed record Pending(JsonObject About, string Namespace, Identity Identity, DateTimeOffset At);

    private static readonly ResourceType Events = new("", "v1", "events", "Event");

    /// <summary>Records an event about an object.</summary>
    public void Record<T>(T about, EventType type, string reason, string message)
        where T : KubeObject, IKubeObject<T>
    {
        string text = message.Length <= MaxMessage ? message : message[..(MaxMessage - 1)] + "…";
        JsonObject reference = new()
        {
            ["kind"] = T.Resource.Kind,
            ["apiVersion"] = T.Resource.ApiVersion,
            ["name"] = about.Metadata.Name,
            ["uid"] = about.Metadata.Uid,
            ["resourceVersion"] = about.Metadata.ResourceVersion,
        };
        string ns = T.Resource.Namespaced ? about.Metadata.Namespace ?? "default" : "default";
        if (T.Resource.Namespaced)
        {
            reference["namespace"] = about.Metadata.Namespace;
        }

        Identity identity = new(about.Metadata.Uid ?? about.Key.ToString(), type, reason, text);
        _pending.Writer.TryWrite(new Pending(reference, ns, identity, _api.Time.GetUtcNow()));
    }

    /// <summary>Writes what is recorded until cancelled, then what is left, for at most two seconds.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            await foreach (Pending one in _pending.Reader.ReadAllAsync(ct))
            {
                await StoreAsync(one, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(2));
            while (!limit.IsCancellationRequested && _pending.Reader.TryRead(out Pending? left))
            {
                await StoreAsync(left, limit.Token);
            }
        }
    }

    private async Task StoreAsync(Pending one, CancellationToken ct)
    {
        try
        {
            one = Combined(one);
            if (!_stored.TryGetValue(one.Identity, out Stored? stored) || !await RepeatAsync(one, stored, ct))
            {
                await CreateAsync(one, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception e)
        {
            _log.EventLost(one.Identity.Reason, one.About["name"]?.ToString() ?? "", e.Message);
        }
    }

    /// <summary>Beyond a number of events that differ only in their text, one common text stands for the rest.</summary>
    private Pending Combined(Pending one)
    {
        Identity kind = one.Identity with { Message = "" };
        Similar similar = _similar.TryGetValue(kind, out Similar? known) && one.At - known.Since < SimilarSpan ? known with { Count = known.Count + 1 } : new(1, one.At);
        if (_similar.Count > MaxRemembered)
        {
            _similar.Clear();
        }

        _similar[kind] = similar;
        return similar.Count <= SimilarLimit || _stored.ContainsKey(one.Identity)
            ? one
            : one with { Identity = kind with { Message = $"(combined from similar events): {one.Identity.Reason}" } };
    }

    private async Task<bool> RepeatAsync(Pending one, Stored stored, CancellationToken ct)
    {
        Stored next = stored with { Count = stored.Count + 1 };
        JsonObject patch = new() { ["count"] = next.Count, ["lastTimestamp"] = KubeTime.Format(one.At) };
        try
        {
            await _api.SendAsync(HttpMethod.Patch, Events.ItemPath(new ObjectKey(stored.Namespace, stored.Name)), Patch.Merge(patch).Body, ct);
            _stored[one.Identity] = next;
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            _stored.TryRemove(one.Identity, out _);
            return false;
        }
    }

    private async Task CreateAsync(Pending one, CancellationToken ct)
    {
        string name = $"{one.About["name"]}.{one.At.UtcTicks + Interlocked.Increment(ref _sequence):x}";
        JsonObject created = new()
        {
            ["apiVersion"] = Events.ApiVersion,
            ["kind"] = Events.Kind,
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = one.Namespace },
            ["involvedObject"] = one.About.DeepClone(),
            ["reason"] = one.Identity.Reason,
            ["message"] = one.Identity.Message,
            ["type"] = one.Identity.Type.ToString(),
            ["count"] = 1,
            ["firstTimestamp"] = KubeTime.Format(one.At),
            ["lastTimestamp"] = KubeTime.Format(one.At),
            ["source"] = new JsonObject { ["component"] = _component },
            ["reportingComponent"] = _component,
            ["reportingInstance"] = "",
        };
        await _api.SendAsync(HttpMethod.Post, Events.CollectionPath(one.Namespace), RequestBody.Json(created), ct);
        if (_stored.Count > MaxRemembered)
        {
            _stored.Clear();
        }

        _stored[one.Identity] = new Stored(one.Namespace, name, 1);
    }
}
