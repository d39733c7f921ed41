using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Objects;
using Musubi.Machines;

namespace Musubi.Node.Pods;

/// <summary>The node's part of an instance's status: from the hand-over on. Pure: the same observation gives the same status.</summary>
internal static class InstanceStatusWriter
{
    private const string MultusStatus = "multus-status";

    /// <summary>The status with the node's part as the machine shows it; null before the hand-over.</summary>
    public static VirtualMachineInstanceStatus? Write(VirtualMachineInstance vmi, MachineStatus machine, DateTimeOffset now)
    {
        if (vmi.Status is not { Phase: VmiPhases.Scheduled or VmiPhases.Running } old)
        {
            return null;
        }

        string phase = machine.Phase switch
        {
            MachinePhase.Running or MachinePhase.ShuttingDown => VmiPhases.Running,
            MachinePhase.Succeeded => VmiPhases.Succeeded,
            MachinePhase.Failed => VmiPhases.Failed,
            _ => old.Phase!,
        };
        return old with
        {
            Phase = phase,
            Reason = machine.Phase == MachinePhase.Failed ? machine.Reason : old.Reason,
            PhaseTransitionTimestamps = phase == old.Phase
                ? old.PhaseTransitionTimestamps
                : [.. (old.PhaseTransitionTimestamps ?? []).Where(t => t.Phase != phase), new PhaseTransition { Phase = phase, PhaseTransitionTimestamp = now }],
            Interfaces = machine.Interfaces.Count > 0 ? [.. machine.Interfaces.Select(i => InterfaceOf(vmi, i))] : old.Interfaces,
            GuestOSInfo = GuestOsOf(machine) ?? old.GuestOSInfo,
            RuntimeUser = old.RuntimeUser ?? MachineSpec.DefaultQemuUid,
            Conditions = WriteConditions(vmi, machine, now),
        };
    }

    private static InterfaceStatus InterfaceOf(VirtualMachineInstance vmi, MachineInterfaceStatus item)
    {
        bool secondary = item.Name is not null && vmi.Spec?.Networks?.Find(n => n.Name == item.Name)?.Multus is not null;
        return new InterfaceStatus
        {
            Name = item.Name,
            Mac = item.Mac,
            IpAddress = item.IpAddresses.Count > 0 ? item.IpAddresses[0] : null,
            IpAddresses = item.IpAddresses.Count > 0 ? [.. item.IpAddresses] : null,
            InterfaceName = item.InterfaceName,
            InfoSource = secondary ? $"{item.InfoSource}, {MultusStatus}" : item.InfoSource,
            PodInterfaceName = item.PodInterfaceName,
            QueueCount = item.QueueCount,
            LinkState = item.LinkState,
        };
    }

    private static JsonElement? GuestOsOf(MachineStatus machine)
    {
        if (machine.GuestOs is not { } os)
        {
            return null;
        }

        JsonObject info = [];
        Add("name", os.Name);
        Add("kernelRelease", os.KernelRelease);
        Add("version", os.Version);
        Add("prettyName", os.PrettyName);
        Add("versionId", os.VersionId);
        Add("kernelVersion", os.KernelVersion);
        Add("machine", os.Machine);
        Add("id", os.Id);
        using JsonDocument document = JsonDocument.Parse(info.ToJsonString());
        return document.RootElement.Clone();

        void Add(string key, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                info[key] = value;
            }
        }
    }

    private static List<Condition> WriteConditions(VirtualMachineInstance vmi, MachineStatus machine, DateTimeOffset now)
    {
        List<Condition>? conditions = vmi.Status?.Conditions;
        conditions = machine.AgentConnected
            ? conditions.With(new Condition { Type = "AgentConnected", Status = Condition.True }, now)
            : conditions.Without("AgentConnected");
        conditions = machine.Paused
            ? conditions.With(new Condition { Type = "Paused", Status = Condition.True, Reason = "PausedByUser", Message = "VMI was paused by user" }, now)
            : conditions.Without("Paused");
        return conditions.With(LiveMigratable(vmi), now);
    }

    /// <summary>Whether the machine's devices would survive a move; moving itself is another matter.</summary>
    private static Condition LiveMigratable(VirtualMachineInstance vmi)
    {
        Interface? stuck = PodInterfaces.Of(vmi).Where(i => i.Network.Pod is not null && i.Interface.Masquerade is null).Select(i => i.Interface).FirstOrDefault();
        return stuck is null
            ? new Condition { Type = "LiveMigratable", Status = Condition.True }
            : new Condition
            {
                Type = "LiveMigratable",
                Status = Condition.False,
                Reason = "InterfaceNotLiveMigratable",
                Message = $"cannot migrate VMI: interface {stuck.Name} on the pod network is not bound by masquerade",
            };
    }
}
