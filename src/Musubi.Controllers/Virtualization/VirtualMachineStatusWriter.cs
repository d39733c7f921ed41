using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Api;
using Musubi.Api.KubeVirt;
using Musubi.Api.KubeVirt.Validation;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Virtualization;

/// <summary>Puts a virtual machine's status together. Pure: the same observation gives the same status.</summary>
internal static class VirtualMachineStatusWriter
{
    private const string Ready = "Ready";
    private const string Failure = "Failure";
    private const string RestartRequired = "RestartRequired";

    /// <summary>The status that says what was seen and decided.</summary>
    /// <param name="seen">What was seen.</param>
    /// <param name="plan">What was decided.</param>
    /// <param name="failed">Why the action failed; null when it did not.</param>
    public static VirtualMachineStatus Write(VmObservation seen, VmPlan plan, string? failed)
    {
        VirtualMachine vm = seen.Vm;
        VirtualMachineInstance? vmi = seen.Vmi;
        VirtualMachineStatus old = vm.Status ?? new VirtualMachineStatus();
        string strategy = VirtualMachineActions.StrategyOf(vm);

        // The strategy counts as acted on once the instance it asks for has been made.
        bool actedOn = failed is null && !(vmi is null && plan is { StartExpected: true, Action: VmAction.None });
        return old with
        {
            Created = vmi is not null ? true : null,
            Ready = vmi?.Status?.Conditions.Find(Ready)?.IsTrue == true ? true : null,
            RunStrategy = actedOn ? strategy : old.RunStrategy,
            PrintableStatus = Printable(vm, vmi, plan),
            Conditions = WriteConditions(seen, failed),
            StateChangeRequests = plan.Requests.Count == 0 ? null : [.. plan.Requests],
            StartFailure = plan.StartFailure,
            ObservedGeneration = vm.Metadata.Generation,
            DesiredGeneration = vm.Metadata.Generation,
        };
    }

    /// <summary>One word for a person; the first that fits.</summary>
    internal static string Printable(VirtualMachine vm, VirtualMachineInstance? vmi, VmPlan plan)
    {
        string? phase = vmi?.Status?.Phase;
        bool alive = vmi is not null && !VmiPhases.IsFinal(phase);
        Condition? synchronized = vmi?.Status?.Conditions.Find("Synchronized");
        string? failure = synchronized is { IsFalse: true } ? synchronized.Reason : null;
        if (vm.IsTerminating)
        {
            return PrintableStatuses.Terminating;
        }

        if (alive && (vmi!.IsTerminating || plan.Action == VmAction.Delete))
        {
            return PrintableStatuses.Stopping;
        }

        if (phase == VmiPhases.Running)
        {
            return vmi!.Status!.Conditions.Find("Paused") is { IsTrue: true } ? PrintableStatuses.Paused : PrintableStatuses.Running;
        }

        if (alive && failure == "FailedPvcNotFound")
        {
            return PrintableStatuses.ErrorPvcNotFound;
        }

        if (alive && vmi!.Status?.Conditions.Find("PodScheduled") is { IsFalse: true, Reason: "Unschedulable" })
        {
            return PrintableStatuses.ErrorUnschedulable;
        }

        if (alive && failure is "ErrImagePull" or "ImagePullBackOff")
        {
            return failure;
        }

        if (plan is { StartExpected: true, StartFailure: null } || plan.Action == VmAction.Create
            || (alive && phase is null or "" or VmiPhases.Pending or VmiPhases.Scheduling or VmiPhases.Scheduled))
        {
            return PrintableStatuses.Starting;
        }

        if (!alive && plan.StartFailure is { ConsecutiveFailCount: > 0 }
            && VirtualMachineActions.StrategyOf(vm) is RunStrategies.Always or RunStrategies.RerunOnFailure or RunStrategies.Once)
        {
            return PrintableStatuses.CrashLoopBackOff;
        }

        return !alive ? PrintableStatuses.Stopped : PrintableStatuses.Unknown;
    }

    private static List<Condition> WriteConditions(VmObservation seen, string? failed)
    {
        IReadOnlyList<Condition> old = seen.Vm.Status?.Conditions ?? [];
        IReadOnlyList<Condition> instance = seen.Vmi?.Status?.Conditions ?? [];

        // Ours are kept, the instance's are mirrored as they are, and what the instance lost is gone.
        List<Condition> conditions = [.. old.Where(c => c.Type is Ready or Failure or RestartRequired)];
        conditions = conditions.With(
            instance.Find(Ready) is { } ready
                ? ready
                : new Condition
                {
                    Type = Ready,
                    Status = Condition.False,
                    Reason = seen.Vmi is null ? "VMINotExists" : "VMIConditionMissing",
                    Message = seen.Vmi is null ? "VMI does not exist" : "VMI is missing the Ready condition",
                },
            seen.Now);
        conditions = failed is null
            ? conditions.Without(Failure)
            : conditions.With(new Condition { Type = Failure, Status = Condition.True, Reason = "FailedCreate", Message = failed }, seen.Now);
        IReadOnlyList<string> changed = seen.Vmi is null || seen.Vmi.IsTerminating ? [] : NeedRestart(seen.Vm, seen.Vmi);
        conditions = changed.Count == 0
            ? conditions.Without(RestartRequired)
            : conditions.With(
                new Condition
                {
                    Type = RestartRequired,
                    Status = Condition.True,
                    Reason = "RestartRequired",
                    Message = $"changed in the template and in force after a restart: {string.Join(", ", changed)}",
                },
                seen.Now);
        return [.. conditions, .. instance.Where(c => c.Type is not (Ready or Failure or RestartRequired))];
    }

    /// <summary>Fields of the template that differ from the running instance and cannot be applied to it.</summary>
    internal static IReadOnlyList<string> NeedRestart(VirtualMachine vm, VirtualMachineInstance vmi)
    {
        if (vm.Spec?.Template?.Spec is not { } template || vmi.Spec is not { } running)
        {
            return [];
        }

        JsonObject wanted = JsonSerializer.SerializeToNode(template, ApiJson.Default.VirtualMachineInstanceSpec)!.AsObject();
        JsonObject actual = JsonSerializer.SerializeToNode(running, ApiJson.Default.VirtualMachineInstanceSpec)!.AsObject();
        foreach (string identity in new[] { "uuid", "serial" })
        {
            if (wanted.Object("domain") is { } domain && domain.Object("firmware")?[identity] is null && running.Domain?.Firmware is { } firmware)
            {
                domain.ObjectOrNew("firmware")[identity] = identity == "uuid" ? firmware.Uuid : firmware.Serial;
            }
        }

        VmiDefaults.Apply(wanted);
        foreach (JsonObject spec in new[] { wanted, actual })
        {
            // These matter for the next placement only.
            spec.Remove("nodeSelector");
            spec.Remove("affinity");
            spec.Remove("tolerations");
        }

        List<string> paths = [];
        Collect(MergePatch.Between(actual, wanted), "spec.template.spec", paths);
        return paths;
    }

    private static void Collect(JsonObject changes, string path, List<string> paths)
    {
        foreach ((string name, JsonNode? value) in changes)
        {
            if (value is JsonObject { Count: > 0 } inner)
            {
                Collect(inner, $"{path}.{name}", paths);
            }
            else
            {
                paths.Add($"{path}.{name}");
            }
        }
    }
}
