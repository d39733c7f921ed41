using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;
using Musubi.Kubernetes.Reconciling;
using Musubi.Machines;
using Musubi.Node.Attachments;
using Musubi.Node.Machines;
using Musubi.Node.Sandboxes;

namespace Musubi.Node.Pods;

/// <summary>Makes a pod of this node real: sandbox, launcher, status; and takes it all back when the pod ends.</summary>
/// <remarks>Decides by what is there (object, sandbox record, launcher), never by what it did before: it may be a new process each time.</remarks>
internal sealed class PodReconciler(
    ApiClient api,
    NodeOptions options,
    IReader<Pod> pods,
    IReader<VirtualMachineInstance> instances,
    SandboxStore store,
    SandboxManager sandboxes,
    NetworkPlanner planner,
    MachineSpecBuilder machineSpecs,
    MachineSupervisor supervisor,
    StatusReporter reporter,
    EventRecorder events,
    Task<NodeAcceleration> acceleration,
    TimeProvider time)
    : IReconciler<Pod>
{
    private static readonly TimeSpan _setupRetry = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan _endRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _overdue = TimeSpan.FromSeconds(5);

    private readonly ResourceClient<Pod> _pods = api.Resource<Pod>();

    public async ValueTask<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken ct)
    {
        Pod? pod = pods.Find(key);
        bool clean = RemoveStrangers(key, pod?.Metadata.Uid);
        if (pod is null)
        {
            return clean ? ReconcileResult.Done : ReconcileResult.Again(_endRetry);
        }

        if (pod.Spec?.RuntimeClassName != KubeVirtNames.RuntimeClass)
        {
            return pod.IsTerminating ? await DeleteAsync(pod, ct) : Refuse(pod);
        }

        SandboxRecord? sandbox = store.Find(pod.Metadata.Uid!);
        if (sandbox is not null)
        {
            supervisor.Follow(sandbox);
        }

        if (pod.IsTerminating)
        {
            return await EndAsync(pod, sandbox, ct);
        }

        if (IsFinal(pod))
        {
            return sandbox is null || Remove(sandbox) ? ReconcileResult.Done : ReconcileResult.Again(_endRetry);
        }

        try
        {
            return await LiveAsync(pod, sandbox, ct);
        }
        catch (PodSetupException e)
        {
            return await ReportObstacleAsync(pod, e, ct);
        }
    }

    private async Task<ReconcileResult> LiveAsync(Pod pod, SandboxRecord? sandbox, CancellationToken ct)
    {
        if (sandbox?.Launcher is null)
        {
            if (pod.Status?.Phase == "Running")
            {
                // The node forgot a pod that ran: its machine went down with the node. A pod runs once; who wants it again makes another.
                await reporter.PodFailedAsync(pod, "NodeLost", "the node was restarted while the pod was running", ct);
                return ReconcileResult.Done;
            }

            sandbox = await StartAsync(pod, sandbox, ct);
            if (sandbox is null)
            {
                return ReconcileResult.Done;
            }
        }

        MachineStatus status = supervisor.StatusOf(sandbox.Uid) ?? new MachineStatus();
        await reporter.ReportAsync(pod, InstanceOf(pod), sandbox, status, ct);
        if (!status.IsFinal)
        {
            return ReconcileResult.Done;
        }

        TellEnd(pod, status);
        return Remove(sandbox) ? ReconcileResult.Done : ReconcileResult.Again(_endRetry);
    }

    /// <summary>The launcher's last words go where users look, before its directory goes.</summary>
    private void TellEnd(Pod pod, MachineStatus status)
    {
        EventType type = status.Phase == MachinePhase.Failed ? EventType.Warning : EventType.Normal;
        string reason = status.Reason.Length > 0 ? status.Reason : "Stopped";
        events.Record(pod, type, reason, status.Message);
        if (InstanceOf(pod) is { } vmi)
        {
            events.Record(vmi, type, reason, status.Message);
        }
    }

    private async Task<SandboxRecord?> StartAsync(Pod pod, SandboxRecord? sandbox, CancellationToken ct)
    {
        if (InstanceOf(pod) is not { } vmi)
        {
            return null; // the instance is gone: its pod follows
        }

        // What can be refused is refused before anything is made.
        IReadOnlyList<SandboxAttachment> plan = await planner.PlanAsync(pod, ct);
        MachineSpec machine = await machineSpecs.BuildAsync(vmi, await acceleration.WaitAsync(ct), ct);
        SandboxRecord record = sandbox ?? sandboxes.NewRecord(pod.Metadata.Namespace ?? "", pod.Metadata.Name ?? "", pod.Metadata.Uid!);
        SandboxRecord made = await Task.Run(() => sandboxes.Ensure(record, plan, MemoryLimitOf(pod)), ct);
        return supervisor.Start(made, machine);
    }

    /// <summary>A pod that is to go: its machine is asked to end, and when that has ended everything is removed and the object with it.</summary>
    private async Task<ReconcileResult> EndAsync(Pod pod, SandboxRecord? sandbox, CancellationToken ct)
    {
        if (sandbox is not null)
        {
            MachineStatus? status = sandbox.Launcher is null ? null : supervisor.StatusOf(sandbox.Uid);
            if (status is { IsFinal: false } && !IsOverdue(pod))
            {
                await supervisor.StopAsync(sandbox.Uid, GraceOf(pod), ct);
                await reporter.ReportAsync(pod, InstanceOf(pod), sandbox, status, ct);
                return ReconcileResult.Again(_endRetry);
            }

            if (status is not null)
            {
                await reporter.ReportAsync(pod, InstanceOf(pod), sandbox, status, ct);
            }

            if (!Remove(sandbox))
            {
                return ReconcileResult.Again(_endRetry);
            }
        }

        return await DeleteAsync(pod, ct);
    }

    /// <summary>A launcher that does not end its machine in the time the pod has is itself in trouble: its control group is ended instead.</summary>
    private bool IsOverdue(Pod pod) => pod.Metadata.DeletionTimestamp is { } due && time.GetUtcNow() > due + _overdue;

    private async Task<ReconcileResult> DeleteAsync(Pod pod, CancellationToken ct)
    {
        await _pods.DeleteAsync(pod.Key, ct, new DeleteOptions { GracePeriodSeconds = 0, Uid = pod.Metadata.Uid });
        return ReconcileResult.Done;
    }

    /// <summary>Sandboxes of pods of this name that are not this pod: the object was deleted without waiting for us.</summary>
    /// <returns>Whether nothing of them is left.</returns>
    private bool RemoveStrangers(ObjectKey key, string? uid)
    {
        bool clean = true;
        foreach (SandboxRecord record in store.List().Where(r => r.Namespace == key.Namespace && r.Name == key.Name && r.Uid != uid))
        {
            clean &= Remove(record);
        }

        return clean;
    }

    private bool Remove(SandboxRecord sandbox)
    {
        supervisor.Forget(sandbox.Uid);
        return sandboxes.Remove(sandbox);
    }

    private async Task<ReconcileResult> ReportObstacleAsync(Pod pod, PodSetupException obstacle, CancellationToken ct)
    {
        events.Record(pod, EventType.Warning, obstacle.Reason, obstacle.Message);
        if (InstanceOf(pod) is { } vmi)
        {
            events.Record(vmi, EventType.Warning, obstacle.Reason, obstacle.Message);
        }

        await reporter.PodWaitsAsync(pod, obstacle.Reason, obstacle.Message, ct);
        return ReconcileResult.Again(_setupRetry);
    }

    private ReconcileResult Refuse(Pod pod)
    {
        if (!IsFinal(pod))
        {
            events.Record(pod, EventType.Warning, "FailedCreatePodSandBox",
                $"node {options.Name} runs virtual machine launchers (runtimeClassName {KubeVirtNames.RuntimeClass}) only; this pod wants runtime class \"{pod.Spec?.RuntimeClassName}\"");
        }

        return ReconcileResult.Done;
    }

    private VirtualMachineInstance? InstanceOf(Pod pod) =>
        pod.Metadata.Controller is { } owner
        && owner.Kind == VirtualMachineInstance.Resource.Kind
        && instances.Find(new ObjectKey(pod.Metadata.Namespace ?? "", owner.Name)) is { } vmi
        && vmi.Metadata.Uid == owner.Uid
            ? vmi
            : null;

    private int? GraceOf(Pod pod)
    {
        if (pod.Metadata.DeletionGracePeriodSeconds == 0)
        {
            return 0;
        }

        // The pod's own period includes the launcher's time to tidy up; the guest's is the instance's, unless a stop asked for another.
        return InstanceOf(pod)?.Metadata.Annotation(KubeVirtNames.StopGracePeriodAnnotation) is { } text && int.TryParse(text, out int seconds) && seconds >= 0
            ? seconds
            : null;
    }

    private static long? MemoryLimitOf(Pod pod)
    {
        ResourceRequirements? resources = pod.Spec?.Containers?.FirstOrDefault()?.Resources;
        return (Find(resources?.Limits) ?? Find(resources?.Requests))?.ToBytes();

        static Quantity? Find(Dictionary<string, Quantity>? list) => list is not null && list.TryGetValue("memory", out Quantity q) ? q : null;
    }

    private static bool IsFinal(Pod pod) => pod.Status?.Phase is "Succeeded" or "Failed";
}
