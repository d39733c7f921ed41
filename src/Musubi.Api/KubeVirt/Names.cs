namespace Musubi.Api.KubeVirt;

/// <summary>When a virtual machine is to have an instance.</summary>
public static class RunStrategies
{
    /// <summary>Always.</summary>
    public const string Always = "Always";

    /// <summary>Never.</summary>
    public const string Halted = "Halted";

    /// <summary>As users ask, by start and stop.</summary>
    public const string Manual = "Manual";

    /// <summary>Again after a failure, not after a shutdown.</summary>
    public const string RerunOnFailure = "RerunOnFailure";

    /// <summary>One time.</summary>
    public const string Once = "Once";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Always, Halted, Manual, RerunOnFailure, Once];
}

/// <summary>How far an instance is.</summary>
public static class VmiPhases
{
    /// <summary>Accepted, no pod yet.</summary>
    public const string Pending = "Pending";

    /// <summary>The launcher pod is there and waits for its node and sandbox.</summary>
    public const string Scheduling = "Scheduling";

    /// <summary>The pod is ready; the node makes the guest.</summary>
    public const string Scheduled = "Scheduled";

    /// <summary>The guest runs.</summary>
    public const string Running = "Running";

    /// <summary>The guest shut down.</summary>
    public const string Succeeded = "Succeeded";

    /// <summary>The guest crashed, or its pod is gone.</summary>
    public const string Failed = "Failed";

    /// <summary>The node does not answer.</summary>
    public const string Unknown = "Unknown";

    /// <summary>Whether the instance has ended for good.</summary>
    public static bool IsFinal(string? phase) => phase is Succeeded or Failed;
}

/// <summary>One word per situation, for <c>kubectl get vm</c>.</summary>
public static class PrintableStatuses
{
    /// <summary>Being deleted.</summary>
    public const string Terminating = "Terminating";

    /// <summary>The instance is going.</summary>
    public const string Stopping = "Stopping";

    /// <summary>Moving to another node.</summary>
    public const string Migrating = "Migrating";

    /// <summary>Held still.</summary>
    public const string Paused = "Paused";

    /// <summary>The guest runs.</summary>
    public const string Running = "Running";

    /// <summary>No node can take it.</summary>
    public const string ErrorUnschedulable = "ErrorUnschedulable";

    /// <summary>An image cannot be had.</summary>
    public const string ErrImagePull = "ErrImagePull";

    /// <summary>An image could not be had; trying again later.</summary>
    public const string ImagePullBackOff = "ImagePullBackOff";

    /// <summary>A claim that a volume names does not exist.</summary>
    public const string ErrorPvcNotFound = "ErrorPvcNotFound";

    /// <summary>On its way.</summary>
    public const string Starting = "Starting";

    /// <summary>Fails again and again; waits before the next start.</summary>
    public const string CrashLoopBackOff = "CrashLoopBackOff";

    /// <summary>No instance, and none expected.</summary>
    public const string Stopped = "Stopped";

    /// <summary>None of the others.</summary>
    public const string Unknown = "Unknown";
}

/// <summary>Labels, annotations and finalizers that users and tools know.</summary>
public static class KubeVirtNames
{
    /// <summary>Label: this is a launcher pod; the value is <see cref="Launcher"/>.</summary>
    public const string AppLabel = "kubevirt.io";

    /// <summary>Value of <see cref="AppLabel"/> of launcher pods.</summary>
    public const string Launcher = "virt-launcher";

    /// <summary>Label: UID of the instance that a pod runs.</summary>
    public const string CreatedByLabel = "kubevirt.io/created-by";

    /// <summary>Label: node of an instance.</summary>
    public const string NodeNameLabel = "kubevirt.io/nodeName";

    /// <summary>Label: host name of the guest (deprecated).</summary>
    public const string VmNameLabel = "vm.kubevirt.io/name";

    /// <summary>Label: name of the instance, shortened when needed.</summary>
    public const string VmiIdLabel = "vmi.kubevirt.io/id";

    /// <summary>Annotation: instance that a pod runs.</summary>
    public const string DomainAnnotation = "kubevirt.io/domain";

    /// <summary>Annotation: generation of the virtual machine that an instance was made from.</summary>
    public const string VmGenerationAnnotation = "kubevirt.io/vm-generation";

    /// <summary>Annotation: how pod interfaces are named; <see cref="HashedNames"/> asks for names made of the network's name.</summary>
    public const string PodInterfaceNamesAnnotation = "musubi.io/pod-interface-names";

    /// <summary>Value of <see cref="PodInterfaceNamesAnnotation"/>.</summary>
    public const string HashedNames = "hashed";

    /// <summary>Annotation of an instance: seconds an orderly shutdown may take from now on, instead of the specified ones.</summary>
    public const string StopGracePeriodAnnotation = "musubi.io/stop-grace-period-seconds";

    /// <summary>Finalizer of the virtual machine controller.</summary>
    public const string VmControllerFinalizer = "kubevirt.io/virtualMachineControllerFinalize";

    /// <summary>Finalizer that holds an instance until its pod is gone.</summary>
    public const string VmiFinalizer = "kubevirt.io/foregroundDeleteVirtualMachine";

    /// <summary>Name of the container that runs the guest.</summary>
    public const string ComputeContainer = "compute";

    /// <summary>Runtime class of launcher pods.</summary>
    public const string RuntimeClass = "musubi";

    /// <summary>Annotation and label that ask for a service mesh sidecar.</summary>
    public const string IstioInject = "sidecar.istio.io/inject";
}
