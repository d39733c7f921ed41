using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Objects;
using Musubi.Linux.Addresses;
using Musubi.Machines;
using Musubi.Node.Attachments;
using Musubi.Node.Sandboxes;

namespace Musubi.Node.Pods;

/// <summary>Puts a launcher pod's status together. Pure: the same observation gives the same status.</summary>
internal static class PodStatusWriter
{
    /// <summary>The status of a pod whose launcher was started.</summary>
    public static PodStatus Write(Pod pod, SandboxRecord sandbox, MachineStatus machine, NodeOptions options, DateTimeOffset now)
    {
        PodStatus old = pod.Status ?? new PodStatus();
        IReadOnlyList<string> addresses = PodAttacher.AddressesOf(sandbox);
        DateTimeOffset started = old.StartTime ?? now;
        string phase = machine.Phase switch
        {
            MachinePhase.Succeeded => "Succeeded",
            MachinePhase.Failed => "Failed",
            _ => "Running",
        };
        bool ready = phase == "Running" && machine.Phase is MachinePhase.Running && !pod.IsTerminating;
        return old with
        {
            Phase = phase,
            Reason = phase == "Failed" ? machine.Reason : null,
            Message = phase == "Failed" ? machine.Message : null,
            HostIP = IpText.Format(options.Addresses[0].Address),
            PodIP = addresses.FirstOrDefault() ?? old.PodIP,
            PodIPs = addresses.Count > 0 ? [.. addresses.Select(a => new PodIPAddress { Address = a })] : old.PodIPs,
            StartTime = started,
            Conditions = WriteConditions(old.Conditions, ready, phase, now),
            ContainerStatuses = [ContainerOf(pod, sandbox, machine, ready, old, started, now)],
        };
    }

    /// <summary>The status of a pod that cannot be started for now.</summary>
    public static PodStatus Waiting(Pod pod, string reason, string message, DateTimeOffset now)
    {
        PodStatus old = pod.Status ?? new PodStatus();
        return old with
        {
            Phase = "Pending",
            Conditions = WriteConditions(old.Conditions, ready: false, "Pending", now),
            ContainerStatuses = [Blank(pod) with { State = new ContainerState { Waiting = new ContainerStateWaiting { Reason = reason, Message = message } } }],
        };
    }

    /// <summary>The status of a pod that will not run any more.</summary>
    public static PodStatus Failed(Pod pod, string reason, string message, DateTimeOffset now)
    {
        PodStatus old = pod.Status ?? new PodStatus();
        return old with { Phase = "Failed", Reason = reason, Message = message, Conditions = WriteConditions(old.Conditions, ready: false, "Failed", now) };
    }

    private static List<Condition> WriteConditions(List<Condition>? old, bool ready, string phase, DateTimeOffset now)
    {
        string? why = ready ? null : phase is "Succeeded" or "Failed" ? "PodCompleted" : "ContainersNotReady";
        string value = ready ? Condition.True : Condition.False;
        return old
            .With(new Condition { Type = "Initialized", Status = Condition.True }, now)
            .With(new Condition { Type = "ContainersReady", Status = value, Reason = why }, now)
            .With(new Condition { Type = "Ready", Status = value, Reason = why }, now);
    }

    private static ContainerStatus ContainerOf(
        Pod pod, SandboxRecord sandbox, MachineStatus machine, bool ready, PodStatus old, DateTimeOffset started, DateTimeOffset now)
    {
        ContainerState? before = old.ContainerStatuses?.FirstOrDefault()?.State;
        ContainerState state = machine.IsFinal
            ? before is { Terminated: not null } ? before : new ContainerState
            {
                Terminated = new ContainerStateTerminated
                {
                    ExitCode = machine.Phase == MachinePhase.Succeeded ? 0 : 1,
                    Reason = machine.Phase == MachinePhase.Succeeded ? "Completed" : "Error",
                    Message = machine.Message.Length > 0 ? machine.Message : null,
                    StartedAt = started,
                    FinishedAt = now,
                },
            }
            : before is { Running: not null } ? before : new ContainerState { Running = new ContainerStateRunning { StartedAt = now } };
        return Blank(pod) with { Ready = ready, Started = !machine.IsFinal, State = state, ContainerID = $"musubi://{sandbox.Uid}" };
    }

    private static ContainerStatus Blank(Pod pod)
    {
        Container? container = pod.Spec?.Containers?.FirstOrDefault();
        return new ContainerStatus { Name = container?.Name ?? KubeVirtNames.ComputeContainer, Image = container?.Image, ImageID = container?.Image };
    }
}
