using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.KubeVirt;

/// <summary>A virtual machine that may run or not; when it is to run it makes a <see cref="VirtualMachineInstance"/>.</summary>
public sealed record VirtualMachine : KubeObject, IKubeObject<VirtualMachine>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("kubevirt.io", "v1", "virtualmachines", "VirtualMachine");

    /// <inheritdoc/>
    public static JsonTypeInfo<VirtualMachine> JsonType => ApiJson.Default.VirtualMachine;

    /// <summary>Wanted state.</summary>
    public VirtualMachineSpec? Spec { get; set; }

    /// <summary>Observed state.</summary>
    public VirtualMachineStatus? Status { get; set; }
}

/// <summary>Wanted state of a virtual machine.</summary>
public sealed record VirtualMachineSpec : KubePart
{
    /// <summary>Deprecated: true for Always, false for Halted.</summary>
    public bool? Running { get; set; }

    /// <summary>One of <see cref="RunStrategies"/>.</summary>
    public string? RunStrategy { get; set; }

    /// <summary>What its instances look like.</summary>
    public VirtualMachineTemplate? Template { get; set; }

    /// <summary>Volumes to make with it.</summary>
    public List<JsonElement>? DataVolumeTemplates { get; set; }
}

/// <summary>What instances look like.</summary>
public sealed record VirtualMachineTemplate : KubePart
{
    /// <summary>Labels and annotations of the instance and its pod.</summary>
    public ObjectMeta? Metadata { get; set; }

    /// <summary>Specification of the instance.</summary>
    public VirtualMachineInstanceSpec? Spec { get; set; }
}

/// <summary>Observed state of a virtual machine.</summary>
public sealed record VirtualMachineStatus : KubePart
{
    /// <summary>Whether there is an instance.</summary>
    public bool? Created { get; set; }

    /// <summary>Whether the instance is ready.</summary>
    public bool? Ready { get; set; }

    /// <summary>One word for a person; see <see cref="PrintableStatuses"/>.</summary>
    public string? PrintableStatus { get; set; }

    /// <summary>The strategy last acted on.</summary>
    public string? RunStrategy { get; set; }

    /// <summary>Ready, Failure, RestartRequired and those of the instance.</summary>
    public List<Condition>? Conditions { get; set; }

    /// <summary>What users asked for and was not done yet.</summary>
    public List<StateChangeRequest>? StateChangeRequests { get; set; }

    /// <summary>Failed starts in a row.</summary>
    public StartFailure? StartFailure { get; set; }

    /// <summary>Generation this status is about.</summary>
    public long? ObservedGeneration { get; set; }

    /// <summary>Newest generation.</summary>
    public long? DesiredGeneration { get; set; }
}

/// <summary>A wish to start or stop, kept until it is fulfilled.</summary>
public sealed record StateChangeRequest : KubePart
{
    /// <summary>Start or Stop.</summary>
    public string Action { get; set; } = "";

    /// <summary>For Stop: the instance that is meant.</summary>
    public string? Uid { get; set; }

    /// <summary>Further details.</summary>
    public Dictionary<string, string>? Data { get; set; }
}

/// <summary>Failed starts in a row.</summary>
public sealed record StartFailure : KubePart
{
    /// <summary>How many.</summary>
    public int ConsecutiveFailCount { get; set; }

    /// <summary>The instance that failed last.</summary>
    public string? LastFailedVMIUID { get; set; }

    /// <summary>Not before this time again.</summary>
    public DateTimeOffset? RetryAfterTimestamp { get; set; }
}
