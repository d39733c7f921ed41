using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Tests.Virtualization;

/// <summary>Objects for tests.</summary>
internal static class Machines
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static VirtualMachine Vm(string strategy, string? lastStrategy = null, params StateChangeRequest[] requests) => new()
    {
        Metadata = new() { Name = "vm", Namespace = "ns", Uid = "vm-uid", Generation = 3 },
        Spec = new() { RunStrategy = strategy, Template = new() { Spec = new() } },
        Status = new() { RunStrategy = lastStrategy, StateChangeRequests = requests.Length == 0 ? null : [.. requests] },
    };

    public static VirtualMachineInstance Vmi(string? phase, bool terminating = false, bool ran = false, string uid = "u1") => new()
    {
        Metadata = new()
        {
            Name = "vm",
            Namespace = "ns",
            Uid = uid,
            DeletionTimestamp = terminating ? Now : null,
            Finalizers = [KubeVirtNames.VmControllerFinalizer, KubeVirtNames.VmiFinalizer],
        },
        Status = new()
        {
            Phase = phase,
            PhaseTransitionTimestamps = ran ? [new() { Phase = VmiPhases.Running, PhaseTransitionTimestamp = Now }] : null,
        },
    };

    public static StateChangeRequest Start => new() { Action = "Start" };

    public static StateChangeRequest Stop(string uid = "u1") => new() { Action = "Stop", Uid = uid };

    public static Pod Pod(string phase, bool ready = false, bool terminating = false, string node = "node-a") => new()
    {
        Metadata = new() { Name = "virt-launcher-vm-abcde", Namespace = "ns", Uid = "p1", DeletionTimestamp = terminating ? Now : null },
        Spec = new() { NodeName = node.Length == 0 ? null : node },
        Status = new() { Phase = phase, Conditions = [new() { Type = "Ready", Status = ready ? Condition.True : Condition.False }] },
    };

    public static T Read<T>(string yaml)
        where T : KubeObject, IKubeObject<T> => YamlReader.ReadObject(yaml).To<T>();
}
