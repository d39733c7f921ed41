using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Virtualization;

/// <summary>Puts the controller's part of an instance's status together. Pure: the same observation gives the same status.</summary>
internal static class VmiStatusWriter
{
    private const string Ready = "Ready";
    private const string Synchronized = "Synchronized";
    private const string PodScheduled = "PodScheduled";

    /// <summary>The status that says what was seen and decided; the node agent's part is left as it is.</summary>
    public static VirtualMachineInstanceStatus Write(VmiObservation seen, VmiPlan plan)
    {
        VirtualMachineInstanceStatus old = seen.Vmi.Status ?? new VirtualMachineInstanceStatus();
        Pod? pod = VmiPlan.Current(seen.Pods);
        return old with
        {
            Phase = plan.Phase,
            PhaseTransitionTimestamps = Transitions(old, plan.Phase, seen.Now),
            NodeName = plan.HandOver?.Spec?.NodeName ?? old.NodeName,
            ActivePods = ActivePods(seen.Pods, old.ActivePods),
            QosClass = pod?.Status?.QosClass ?? old.QosClass,
            LauncherContainerImageVersion = pod?.Spec?.Containers?.FirstOrDefault()?.Image ?? old.LauncherContainerImageVersion,
            Conditions = WriteConditions(seen, plan, pod),
        };
    }

    /// <summary>Phases in the order they were entered. A phase that the node agent set without noting the time is noted when it is seen.</summary>
    private static List<PhaseTransition>? Transitions(VirtualMachineInstanceStatus old, string? phase, DateTimeOffset now)
    {
        List<PhaseTransition> known = old.PhaseTransitionTimestamps ?? [];
        if (phase is null || known.Exists(t => t.Phase == phase))
        {
            return old.PhaseTransitionTimestamps;
        }

        // A new instance whose pod is made at once was Pending for that moment.
        IEnumerable<string> entered = known.Count == 0 && phase == VmiPhases.Scheduling ? [VmiPhases.Pending, phase] : [phase];
        return [.. known, .. entered.Select(p => new PhaseTransition { Phase = p, PhaseTransitionTimestamp = now })];
    }

    private static Dictionary<string, string>? ActivePods(IReadOnlyList<Pod> pods, Dictionary<string, string>? old)
    {
        Dictionary<string, string> active = pods
            .Where(p => p.Status?.Phase is not ("Succeeded" or "Failed") && p.Metadata.Uid is not null)
            .ToDictionary(p => p.Metadata.Uid!, p => p.Spec?.NodeName ?? "");
        return active.Count > 0 ? active : old is null ? null : [];
    }

    private static List<Condition> WriteConditions(VmiObservation seen, VmiPlan plan, Pod? pod)
    {
        List<Condition> conditions = (seen.Vmi.Status?.Conditions).With(ReadyOf(plan, pod), seen.Now);
        conditions = pod?.Status?.Conditions.Find(PodScheduled) is { IsFalse: true } waiting
            ? conditions.With(waiting with { LastProbeTime = null, ObservedGeneration = null }, seen.Now)
            : conditions.Without(PodScheduled);

        // After the hand-over this condition is the node agent's.
        bool ours = plan.Phase is VmiPhases.Pending or VmiPhases.Scheduling || plan.HandOver is not null;
        return plan.Obstacle is { } obstacle
            ? conditions.With(new Condition { Type = Synchronized, Status = Condition.False, Reason = obstacle.Reason, Message = obstacle.Message }, seen.Now)
            : ours ? conditions.Without(Synchronized) : conditions;
    }

    private static Condition ReadyOf(VmiPlan plan, Pod? pod)
    {
        static Condition No(string reason, string message) => new() { Type = Ready, Status = Condition.False, Reason = reason, Message = message };
        if (pod is null)
        {
            return No("PodNotExists", "virt-launcher pod has not yet been scheduled");
        }

        if (pod.IsTerminating)
        {
            return No("PodTerminating", "virt-launcher pod is terminating");
        }

        if (plan.Phase != VmiPhases.Running)
        {
            return No("GuestNotRunning", "Guest VM is not reported as running");
        }

        return pod.Status?.Conditions.Find(Ready) is { } ready
            ? new Condition { Type = Ready, Status = ready.Status, Reason = ready.Reason, Message = ready.Message }
            : No("PodConditionMissing", "virt-launcher pod has no Ready condition");
    }
}
