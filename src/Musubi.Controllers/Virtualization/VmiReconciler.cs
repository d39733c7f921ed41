using Musubi.Api;
using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;
using Musubi.Kubernetes.Reconciling;

namespace Musubi.Controllers.Virtualization;

/// <summary>Gives each instance its launcher pod, hands it over to the node, and ends it when the pod has ended.</summary>
/// <remarks>
/// <para>Two write an instance's status. This controller: <c>phase</c> up to Scheduled, and Succeeded or Failed when the pod ended or is gone
/// and the phase is not final yet; <c>nodeName</c> at the hand-over; <c>activePods</c>, <c>qosClass</c>, <c>launcherContainerImageVersion</c>;
/// the conditions Ready, PodScheduled, and Synchronized for obstacles before the hand-over.</para>
/// <para>The node agent, for instances whose <c>nodeName</c> is its own: <c>phase</c> Scheduled to Running, Succeeded and Failed;
/// <c>interfaces</c>, <c>guestOSInfo</c>, and all other conditions; and the launcher pod's whole status.</para>
/// <para>Both patch only what changed. A patch that touches a list both write (<c>conditions</c>, <c>phaseTransitionTimestamps</c>) carries
/// the resourceVersion that was read and is decided anew when refused.</para>
/// </remarks>
internal sealed class VmiReconciler(
    ApiClient api,
    IReader<VirtualMachine> machines,
    IReader<VirtualMachineInstance> instances,
    IReader<Pod> pods,
    IReader<NetworkAttachmentDefinition> definitions,
    EventRecorder events,
    ControllerOptions options,
    TimeProvider time)
    : IReconciler<VirtualMachineInstance>
{
    /// <summary>Index of pods by the UID of the instance they run.</summary>
    public const string PodsByInstance = "instance";

    private static readonly TimeSpan CreateRetry = TimeSpan.FromSeconds(10);
    private readonly ResourceClient<VirtualMachineInstance> _instances = api.Resource<VirtualMachineInstance>();
    private readonly ResourceClient<Pod> _pods = api.Resource<Pod>();

    public async ValueTask<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        if (instances.Find(key) is not { } vmi)
        {
            return ReconcileResult.Done;
        }

        VmiObservation seen = Observe(vmi);
        VmiPlan plan = VmiPlan.Decide(seen);
        if (plan.ConfirmPodGone && (await PodsOnServerAsync(vmi, ct)).Count > 0)
        {
            return ReconcileResult.Again(TimeSpan.FromSeconds(1)); // our copy lags behind: the pod's change brings us here again
        }

        if (plan.CreatePod)
        {
            (Pod? made, Obstacle? refused) = await CreatePodAsync(seen, ct);
            seen = made is null ? seen : seen with { Pods = [made] };
            plan = made is null ? plan with { Obstacle = refused } : VmiPlan.Decide(seen);
        }

        foreach (Pod pod in plan.DeletePods ?? [])
        {
            await DeletePodAsync(vmi, pod, ct);
        }

        await StoreAsync(seen, plan, ct);
        await FollowUpAsync(seen, plan, ct);
        return plan is { CreatePod: true, Obstacle: not null } ? ReconcileResult.Again(CreateRetry) : ReconcileResult.Done;
    }

    /// <summary>The definitions that an instance names.</summary>
    internal static IEnumerable<ObjectKey> DefinitionsOf(VirtualMachineInstance vmi) =>
        (vmi.Spec?.Networks ?? []).Select(n => n.Multus).OfType<MultusNetwork>().Select(m => PodInterfaces.DefinitionOf(m, vmi.Metadata.Namespace ?? ""));

    private VmiObservation Observe(VirtualMachineInstance vmi)
    {
        Dictionary<ObjectKey, NetworkAttachmentDefinition> found = [];
        foreach (ObjectKey key in DefinitionsOf(vmi))
        {
            if (definitions.Find(key) is { } definition)
            {
                found[key] = definition;
            }
        }

        return new VmiObservation(vmi, pods.ByIndex(PodsByInstance, vmi.Metadata.Uid ?? ""), found, time.GetUtcNow());
    }

    private async Task<IReadOnlyList<Pod>> PodsOnServerAsync(VirtualMachineInstance vmi, CancellationToken ct)
    {
        Selection mine = new() { Namespace = vmi.Metadata.Namespace, Labels = $"{KubeVirtNames.CreatedByLabel}={vmi.Metadata.Uid}" };
        return (await _pods.ListAsync(mine, ct)).Items;
    }

    private async Task<(Pod? Made, Obstacle? Refused)> CreatePodAsync(VmiObservation seen, CancellationToken ct)
    {
        Pod wanted = LauncherPod.Build(seen.Vmi, seen.Definitions, options);
        try
        {
            Pod made = await _pods.CreateAsync(wanted, ct);
            events.Record(seen.Vmi, EventType.Normal, "SuccessfulCreate", $"Created virtual machine pod {made.Metadata.Name}");
            return (made, null);
        }
        catch (ApiException e) when (e.IsAlreadyExists)
        {
            // Ours, made before our copy showed it, or a stranger's that is in the way.
            Pod? there = await _pods.FindAsync(wanted.Key, ct);
            return there is null || there.Metadata.Controller?.Uid == seen.Vmi.Metadata.Uid
                ? (there, null)
                : (null, new Obstacle("FailedCreate", $"pod \"{wanted.Key}\" exists and does not belong to this instance; delete it"));
        }
        catch (ApiException e) when (e.Status.Code is 403 or 422)
        {
            return (null, new Obstacle("FailedCreate", $"the launcher pod was refused: {e.Message}"));
        }
    }

    private async Task DeletePodAsync(VirtualMachineInstance vmi, Pod pod, CancellationToken ct)
    {
        long? grace = long.TryParse(vmi.Metadata.Annotation(KubeVirtNames.StopGracePeriodAnnotation), out long seconds) && seconds >= 0 ? seconds : null;
        if (await _pods.DeleteAsync(pod.Key, ct, new DeleteOptions { Uid = pod.Metadata.Uid, GracePeriodSeconds = grace }))
        {
            events.Record(vmi, EventType.Normal, "SuccessfulDelete", $"Deleted virtual machine pod {pod.Metadata.Name}");
        }
    }

    private async Task StoreAsync(VmiObservation seen, VmiPlan plan, CancellationToken ct)
    {
        VirtualMachineInstanceStatus status = VmiStatusWriter.Write(seen, plan);
        if (StatusPatches.Between(seen.Vmi.Status, status, ApiJson.Default.VirtualMachineInstanceStatus, seen.Vmi.Metadata.ResourceVersion) is { } patch)
        {
            await _instances.PatchStatusAsync(seen.Vmi.Key, Patch.Merge(patch), ct);
            if (plan.Obstacle is { } obstacle && seen.Vmi.Status?.Conditions.Find("Synchronized")?.Message != obstacle.Message)
            {
                events.Record(seen.Vmi, EventType.Warning, obstacle.Reason, obstacle.Message);
            }
        }
    }

    private async Task FollowUpAsync(VmiObservation seen, VmiPlan plan, CancellationToken ct)
    {
        VirtualMachineInstance vmi = seen.Vmi;
        if (plan.HandOver?.Spec?.NodeName is { } node
            && StatusPatches.Labels(vmi.Metadata, [KeyValuePair.Create(KubeVirtNames.NodeNameLabel, node)]) is { } label)
        {
            await _instances.PatchAsync(vmi.Key, Patch.Merge(label), ct);
        }

        if (!vmi.IsTerminating && VmiPlan.Current(seen.Pods) is { IsTerminating: false } pod
            && StatusPatches.Labels(pod.Metadata, LauncherPod.Labels(vmi)) is { } changed)
        {
            await _pods.PatchAsync(pod.Key, Patch.Merge(changed), ct);
        }

        if (plan.Release)
        {
            await ReleaseAsync(vmi, ct);
        }
        else if (!vmi.IsTerminating && !vmi.Metadata.HasFinalizer(KubeVirtNames.VmiFinalizer))
        {
            VirtualMachineInstance now = await _instances.GetAsync(vmi.Key, ct);
            await _instances.PatchAsync(vmi.Key, Patch.Merge(StatusPatches.Finalizer(now.Metadata, KubeVirtNames.VmiFinalizer, present: true)), ct);
        }
    }

    /// <summary>Lets the instance go. Its virtual machine lets go by itself, unless it is gone without having seen the instance.</summary>
    private async Task ReleaseAsync(VirtualMachineInstance vmi, CancellationToken ct)
    {
        bool orphan = vmi.Metadata.Controller is { } owner && machines.Find(vmi.Key)?.Metadata.Uid != owner.Uid;
        string[] finalizers = orphan ? [KubeVirtNames.VmiFinalizer, KubeVirtNames.VmControllerFinalizer] : [KubeVirtNames.VmiFinalizer];
        foreach (string finalizer in finalizers)
        {
            VirtualMachineInstance? now = await _instances.FindAsync(vmi.Key, ct);
            if (now?.Metadata.Uid == vmi.Metadata.Uid && now!.Metadata.HasFinalizer(finalizer))
            {
                await _instances.PatchAsync(vmi.Key, Patch.Merge(StatusPatches.Finalizer(now.Metadata, finalizer, present: false)), ct);
            }
        }
    }
}
