using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Virtualization;

/// <summary>What the controller sees of one instance.</summary>
/// <param name="Vmi">The instance.</param>
/// <param name="Pods">Its launcher pods.</param>
/// <param name="Definitions">The network attachment definitions that it names and that exist.</param>
/// <param name="Now">The time.</param>
internal sealed record VmiObservation(
    VirtualMachineInstance Vmi,
    IReadOnlyList<Pod> Pods,
    IReadOnlyDictionary<ObjectKey, NetworkAttachmentDefinition> Definitions,
    DateTimeOffset Now);

/// <summary>Why a pod cannot be made: a machine-readable reason and what to do about it.</summary>
internal sealed record Obstacle(string Reason, string Message);

/// <summary>What is to be done about one instance.</summary>
/// <param name="Phase">The phase it is in now; null for the one that a new instance has.</param>
/// <param name="CreatePod">Whether a launcher pod is to be made.</param>
/// <param name="DeletePods">Pods to delete.</param>
/// <param name="Obstacle">What stands in the way of a pod.</param>
/// <param name="HandOver">The pod whose node takes over, when that happens now.</param>
/// <param name="Release">Whether the instance may go.</param>
/// <param name="ConfirmPodGone">Whether to ask the server if the pod is really gone before believing the local copy.</param>
internal sealed record VmiPlan(
    string? Phase,
    bool CreatePod = false,
    IReadOnlyList<Pod>? DeletePods = null,
    Obstacle? Obstacle = null,
    Pod? HandOver = null,
    bool Release = false,
    bool ConfirmPodGone = false)
{
    /// <summary>Decides, from what is seen and nothing else.</summary>
    public static VmiPlan Decide(VmiObservation seen)
    {
        string? phase = seen.Vmi.Status?.Phase is { Length: > 0 } known ? known : null;
        if (seen.Vmi.IsTerminating)
        {
            return DecideEnd(seen, phase);
        }

        if (VmiPhases.IsFinal(phase))
        {
            return new VmiPlan(phase);
        }

        Pod? pod = Current(seen.Pods);
        if (pod is null)
        {
            // From Scheduling on there was a pod: an instance whose pod is gone has failed, and a new one is the virtual machine's affair.
            bool had = phase is VmiPhases.Scheduling or VmiPhases.Scheduled or VmiPhases.Running or VmiPhases.Unknown;
            if (had)
            {
                return new VmiPlan(VmiPhases.Failed, ConfirmPodGone: true);
            }

            return FindObstacle(seen) is { } obstacle
                ? new VmiPlan(VmiPhases.Pending, Obstacle: obstacle)
                : new VmiPlan(VmiPhases.Pending, CreatePod: true);
        }

        switch (pod.Status?.Phase)
        {
            case "Succeeded":
                return new VmiPlan(VmiPhases.Succeeded);
            case "Failed":
                return new VmiPlan(VmiPhases.Failed);
        }

        if (phase is null or VmiPhases.Pending or VmiPhases.Scheduling)
        {
            return IsReady(pod) ? new VmiPlan(VmiPhases.Scheduled, HandOver: pod) : new VmiPlan(VmiPhases.Scheduling, Obstacle: PodObstacle(pod));
        }

        return new VmiPlan(phase);
    }

    /// <summary>The pod that counts: a living one, else the newest.</summary>
    internal static Pod? Current(IReadOnlyList<Pod> pods) => pods
        .OrderByDescending(p => !p.IsTerminating)
        .ThenByDescending(p => p.Metadata.CreationTimestamp ?? DateTimeOffset.MinValue)
        .FirstOrDefault();

    private static VmiPlan DecideEnd(VmiObservation seen, string? phase)
    {
        if (seen.Pods.Count == 0)
        {
            return new VmiPlan(VmiPhases.IsFinal(phase) ? phase : VmiPhases.Failed, Release: true, ConfirmPodGone: true);
        }

        string? ended = Current(seen.Pods)?.Status?.Phase;
        string? now = VmiPhases.IsFinal(phase) || ended is not ("Succeeded" or "Failed") ? phase : ended;
        return new VmiPlan(now, DeletePods: [.. seen.Pods.Where(p => !p.IsTerminating)]);
    }

    private static bool IsReady(Pod pod) =>
        !pod.IsTerminating && pod.Status is { Phase: "Running" } status && pod.Spec?.NodeName is { Length: > 0 }
        && status.Conditions.Find("Ready") is { IsTrue: true };

    private static Obstacle? FindObstacle(VmiObservation seen)
    {
        string ns = seen.Vmi.Metadata.Namespace ?? "";
        List<Network> networks = seen.Vmi.Spec?.Networks ?? [];
        for (int i = 0; i < networks.Count; i++)
        {
            if (networks[i].Multus is { } multus && !seen.Definitions.ContainsKey(PodInterfaces.DefinitionOf(multus, ns)))
            {
                ObjectKey missing = PodInterfaces.DefinitionOf(multus, ns);
                return new Obstacle(
                    "FailedCreate",
                    $"spec.networks[{i}].multus.networkName: NetworkAttachmentDefinition \"{missing}\" does not exist; create it, or correct the name and restart");
            }
        }

        List<Volume> volumes = seen.Vmi.Spec?.Volumes ?? [];
        for (int i = 0; i < volumes.Count; i++)
        {
            string? claim = volumes[i].Extra?.Keys.FirstOrDefault();
            if (claim is not null && volumes[i] is { ContainerDisk: null, CloudInitNoCloud: null, CloudInitConfigDrive: null, EmptyDisk: null })
            {
                return new Obstacle(
                    claim is "persistentVolumeClaim" or "dataVolume" or "ephemeral" ? "FailedPvcNotFound" : "FailedCreate",
                    $"spec.volumes[{i}].{claim}: this cluster has no such volumes; use containerDisk, cloudInitNoCloud, cloudInitConfigDrive or emptyDisk");
            }
        }

        return null;
    }

    /// <summary>What keeps the node from starting the pod, as it reports it: an image that cannot be had, a volume, a network.</summary>
    private static Obstacle? PodObstacle(Pod pod) =>
        (pod.Status?.ContainerStatuses ?? [])
            .Select(c => c.State?.Waiting)
            .FirstOrDefault(w => w?.Reason is { Length: > 0 } and not ("ContainerCreating" or "PodInitializing")) is { } waiting
            ? new Obstacle(waiting.Reason!, waiting.Message ?? waiting.Reason!)
            : null;
}
