using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Musubi.Api.Core;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;
using Musubi.Kubernetes.Reconciling;

namespace Musubi.Controllers.Scheduling;

/// <summary>Marks silent nodes, and removes pods whose node does not exist any more.</summary>
/// <remarks>
/// A node is silent when its lease does not change for a time by this process's own clock: clocks of different machines are never
/// compared. Pods of a silent node are left alone, because their machines most likely run on.
/// </remarks>
internal sealed class NodeLifecycle(
    ApiClient api,
    IReader<Node> nodes,
    IReader<Lease> leases,
    IReader<Pod> pods,
    EventRecorder events,
    ControllerOptions options,
    ILogger log,
    TimeProvider time)
{
    /// <summary>Namespace of the nodes' leases.</summary>
    public const string LeaseNamespace = "kube-node-lease";

    private static readonly TimeSpan LongestPeriod = TimeSpan.FromSeconds(5);
    private readonly Dictionary<string, (string? Version, long Since)> _heard = [];
    private readonly Dictionary<string, long> _orphans = [];

    public async Task RunAsync(CancellationToken ct)
    {
        TimeSpan period = options.OrphanedPodGracePeriod < LongestPeriod ? options.OrphanedPodGracePeriod : LongestPeriod;
        using PeriodicTimer timer = new(period, time);
        try
        {
            do
            {
                await LookAsync(ct);
            }
            while (await timer.WaitForNextTickAsync(ct));
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // asked to stop
        }
    }

    internal async Task LookAsync(CancellationToken ct)
    {
        try
        {
            foreach (Node node in nodes.List())
            {
                await JudgeAsync(node, ct);
            }

            await RemoveOrphansAsync(ct);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            log.NodesNotJudged(e.Message);
        }
    }

    private async Task JudgeAsync(Node node, CancellationToken ct)
    {
        string name = node.Metadata.Name ?? "";
        string? version = leases.Find(new ObjectKey(LeaseNamespace, name))?.Metadata.ResourceVersion;
        if (!_heard.TryGetValue(name, out (string? Version, long Since) heard) || heard.Version != version)
        {
            _heard[name] = heard = (version, time.GetTimestamp());
        }

        Condition? ready = node.Status?.Conditions.Find("Ready");
        if (time.GetElapsedTime(heard.Since) < options.NodeGracePeriod || ready is null or { Status: Condition.Unknown })
        {
            return;
        }

        JsonObject condition = new()
        {
            ["type"] = "Ready",
            ["status"] = Condition.Unknown,
            ["reason"] = "NodeStatusUnknown",
            ["message"] = $"The node agent stopped renewing its lease {LeaseNamespace}/{name}.",
            ["lastTransitionTime"] = KubeTime.Format(time.GetUtcNow()),
        };
        JsonObject patch = new() { ["status"] = new JsonObject { ["conditions"] = new JsonArray(condition) } };
        await api.Resource<Node>().PatchStatusAsync(node.Key, Patch.Strategic(patch), ct);
        events.Record(node, EventType.Normal, "NodeNotReady", $"Node {name} status is now: NodeNotReady");
    }

    private async Task RemoveOrphansAsync(CancellationToken ct)
    {
        HashSet<string> orphans = [];
        foreach (Pod pod in pods.List())
        {
            if (pod.Spec?.NodeName is not { Length: > 0 } node || nodes.Find(new ObjectKey("", node)) is not null)
            {
                continue;
            }

            string uid = pod.Metadata.Uid ?? "";
            orphans.Add(uid);
            if (_orphans.TryAdd(uid, time.GetTimestamp()) || time.GetElapsedTime(_orphans[uid]) < options.OrphanedPodGracePeriod)
            {
                continue;
            }

            await api.Resource<Pod>().DeleteAsync(pod.Key, ct, new DeleteOptions { GracePeriodSeconds = 0, Uid = pod.Metadata.Uid });
            log.OrphanRemoved(pod.Key, node);
        }

        foreach (string gone in _orphans.Keys.Where(uid => !orphans.Contains(uid)).ToList())
        {
            _orphans.Remove(gone);
        }
    }
}
