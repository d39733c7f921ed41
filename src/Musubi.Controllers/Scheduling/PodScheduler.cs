using System.Text.Json.Nodes;
using Musubi.Api.Core;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;
using Musubi.Kubernetes.Reconciling;

namespace Musubi.Controllers.Scheduling;

/// <summary>Binds pods without a node to nodes that have room for them.</summary>
/// <remarks>One pod at a time: what was just bound and is not in the local copy yet is remembered here.</remarks>
internal sealed class PodScheduler(ApiClient api, IReader<Pod> pods, IReader<Node> nodes, EventRecorder events, TimeProvider time) : IReconciler<Pod>
{
    private const string DefaultName = "default-scheduler";

    /// <summary>Looked at again even without a change, in case one was missed.</summary>
    private static readonly TimeSpan Retry = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, Pod> _bound = [];

    public async ValueTask<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (pods.Find(key) is not { } pod || !Waits(pod) || _bound.ContainsKey(pod.Metadata.Uid ?? ""))
        {
            return ReconcileResult.Done;
        }

        Placement placement = Placement.Choose(pod, Loads());
        if (placement.Node is null)
        {
            await ReportAsync(pod, placement.Message, ct);
            return ReconcileResult.Again(Retry);
        }

        await BindAsync(pod, placement.Node, ct);
        return ReconcileResult.Done;
    }

    /// <summary>Whether the pod is ours to place.</summary>
    internal static bool Waits(Pod pod) =>
        string.IsNullOrEmpty(pod.Spec?.NodeName) && !pod.IsTerminating && pod.Status?.Phase is null or "" or "Pending"
        && pod.Spec?.SchedulerName is null or "" or DefaultName;

    private NodeLoad[] Loads()
    {
        Dictionary<string, List<Pod>> byNode = [];
        foreach (Pod pod in pods.List())
        {
            string uid = pod.Metadata.Uid ?? "";
            Pod counted = pod;
            if (!string.IsNullOrEmpty(pod.Spec?.NodeName))
            {
                _bound.Remove(uid);
            }
            else if (_bound.TryGetValue(uid, out Pod? bound))
            {
                counted = bound;
            }

            if (counted.Spec?.NodeName is { Length: > 0 } node && counted.Status?.Phase is not ("Succeeded" or "Failed"))
            {
                (byNode.TryGetValue(node, out List<Pod>? list) ? list : byNode[node] = []).Add(counted);
            }
        }

        return [.. nodes.List().Where(n => !n.IsTerminating).Select(n => Load(n, byNode.GetValueOrDefault(n.Metadata.Name ?? "") ?? []))];
    }

    internal static NodeLoad Load(Node node, IReadOnlyList<Pod> there)
    {
        Dictionary<string, Quantity> taken = [];
        foreach (Pod pod in there)
        {
            foreach ((string resource, Quantity amount) in NodeFit.Requests(pod))
            {
                taken[resource] = taken.GetValueOrDefault(resource) + amount;
            }
        }

        return new NodeLoad(node, taken, there.Count);
    }

    private async Task BindAsync(Pod pod, string node, CancellationToken ct)
    {
        JsonObject binding = new()
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Binding",
            ["metadata"] = new JsonObject { ["name"] = pod.Metadata.Name, ["namespace"] = pod.Metadata.Namespace, ["uid"] = pod.Metadata.Uid },
            ["target"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["name"] = node },
        };
        try
        {
            await api.Resource<Pod>().PostAsync(pod.Key, "binding", binding, ct);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            return; // deleted or bound meanwhile: the pod's change tells
        }

        _bound[pod.Metadata.Uid ?? ""] = pod with { Spec = (pod.Spec ?? new PodSpec()) with { NodeName = node } };
        if (_bound.Count > 1000)
        {
            _bound.Clear();
        }

        events.Record(pod, EventType.Normal, "Scheduled", $"Successfully assigned {pod.Key} to {node}");
    }

    private async Task ReportAsync(Pod pod, string message, CancellationToken ct)
    {
        if (pod.Status?.Conditions.Find("PodScheduled") is { IsFalse: true, Reason: "Unschedulable" } known && known.Message == message)
        {
            return;
        }

        JsonObject condition = new()
        {
            ["type"] = "PodScheduled",
            ["status"] = Condition.False,
            ["reason"] = "Unschedulable",
            ["message"] = message,
            ["lastTransitionTime"] = KubeTime.Format(pod.Status?.Conditions.Find("PodScheduled") is { IsFalse: true } old
                ? old.LastTransitionTime ?? time.GetUtcNow()
                : time.GetUtcNow()),
        };
        JsonObject patch = new() { ["status"] = new JsonObject { ["conditions"] = new JsonArray(condition) } };
        await api.Resource<Pod>().PatchStatusAsync(pod.Key, Patch.Strategic(patch), ct);
        events.Record(pod, EventType.Warning, "FailedScheduling", message);
    }
}
