using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Core;

/// <summary>Containers that share a network sandbox; here also the sandbox that a virtual machine's launcher runs in.</summary>
public sealed record Pod : KubeObject, IKubeObject<Pod>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("", "v1", "pods", "Pod");

    /// <inheritdoc/>
    public static JsonTypeInfo<Pod> JsonType => ApiJson.Default.Pod;

    /// <summary>Wanted state.</summary>
    public PodSpec? Spec { get; set; }

    /// <summary>Observed state.</summary>
    public PodStatus? Status { get; set; }
}

/// <summary>Wanted state of a pod.</summary>
public sealed record PodSpec : KubePart
{
    /// <summary>Node it is bound to.</summary>
    public string? NodeName { get; set; }

    /// <summary>Who chooses the node.</summary>
    public string? SchedulerName { get; set; }

    /// <summary>Labels the node must have.</summary>
    public Dictionary<string, string>? NodeSelector { get; set; }

    /// <summary>Further wishes for the node.</summary>
    public Affinity? Affinity { get; set; }

    /// <summary>Taints it puts up with.</summary>
    public List<Toleration>? Tolerations { get; set; }

    /// <summary>Run one after another before the others.</summary>
    public List<Container>? InitContainers { get; set; }

    /// <summary>The containers.</summary>
    public List<Container>? Containers { get; set; }

    /// <summary>Volumes, as written.</summary>
    public List<JsonElement>? Volumes { get; set; }

    /// <summary>Always, OnFailure or Never.</summary>
    public string? RestartPolicy { get; set; }

    /// <summary>Which runtime makes it; <c>musubi</c> for launchers.</summary>
    public string? RuntimeClassName { get; set; }

    /// <summary>Time for an orderly end.</summary>
    public long? TerminationGracePeriodSeconds { get; set; }

    /// <summary>Host name inside.</summary>
    public string? Hostname { get; set; }

    /// <summary>Domain below the cluster's.</summary>
    public string? Subdomain { get; set; }

    /// <summary>Where resolv.conf comes from.</summary>
    public string? DnsPolicy { get; set; }

    /// <summary>Additions to resolv.conf.</summary>
    public PodDnsConfig? DnsConfig { get; set; }

    /// <summary>Uses the node's network.</summary>
    public bool? HostNetwork { get; set; }

    /// <summary>Environment variables for services.</summary>
    public bool? EnableServiceLinks { get; set; }

    /// <summary>Whether the account's token is mounted.</summary>
    public bool? AutomountServiceAccountToken { get; set; }

    /// <summary>Account it acts as.</summary>
    public string? ServiceAccountName { get; set; }

    /// <summary>Importance.</summary>
    public string? PriorityClassName { get; set; }

    /// <summary>Further conditions that readiness depends on.</summary>
    public List<PodReadinessGate>? ReadinessGates { get; set; }

    /// <summary>What the runtime itself needs.</summary>
    public Dictionary<string, Quantity>? Overhead { get; set; }
}

/// <summary>A condition that readiness depends on.</summary>
public sealed record PodReadinessGate : KubePart
{
    /// <summary>Type of the condition.</summary>
    public string ConditionType { get; set; } = "";
}

/// <summary>Additions to resolv.conf.</summary>
public sealed record PodDnsConfig : KubePart
{
    /// <summary>Name servers.</summary>
    public List<string>? Nameservers { get; set; }

    /// <summary>Search domains.</summary>
    public List<string>? Searches { get; set; }

    /// <summary>Options.</summary>
    public List<PodDnsOption>? Options { get; set; }
}

/// <summary>One resolver option.</summary>
public sealed record PodDnsOption : KubePart
{
    /// <summary>Name.</summary>
    public string? Name { get; set; }

    /// <summary>Value, if it has one.</summary>
    public string? Value { get; set; }
}

/// <summary>One container.</summary>
public sealed record Container : KubePart
{
    /// <summary>Unique within the pod.</summary>
    public string Name { get; set; } = "";

    /// <summary>Image name.</summary>
    public string? Image { get; set; }

    /// <summary>Replaces the image's entry point.</summary>
    public List<string>? Command { get; set; }

    /// <summary>Arguments.</summary>
    public List<string>? Args { get; set; }

    /// <summary>Always, IfNotPresent or Never.</summary>
    public string? ImagePullPolicy { get; set; }

    /// <summary>What it needs and may use.</summary>
    public ResourceRequirements? Resources { get; set; }

    /// <summary>Ports it listens on, for readers.</summary>
    public List<ContainerPort>? Ports { get; set; }
}

/// <summary>A port a container listens on.</summary>
public sealed record ContainerPort : KubePart
{
    /// <summary>Name services may use.</summary>
    public string? Name { get; set; }

    /// <summary>Port number.</summary>
    [JsonPropertyName("containerPort")]
    public int Number { get; set; }

    /// <summary>TCP, UDP or SCTP.</summary>
    public string? Protocol { get; set; }
}

/// <summary>What is needed and what may be used.</summary>
public sealed record ResourceRequirements : KubePart
{
    /// <summary>What the scheduler sets aside.</summary>
    public Dictionary<string, Quantity>? Requests { get; set; }

    /// <summary>What is enforced.</summary>
    public Dictionary<string, Quantity>? Limits { get; set; }
}

/// <summary>A taint that is put up with.</summary>
public sealed record Toleration : KubePart
{
    /// <summary>Taint key; absent with Exists means all.</summary>
    public string? Key { get; set; }

    /// <summary>Equal (default) or Exists.</summary>
    public string? Operator { get; set; }

    /// <summary>Taint value.</summary>
    public string? Value { get; set; }

    /// <summary>Taint effect; absent means all.</summary>
    public string? Effect { get; set; }

    /// <summary>For NoExecute: how long.</summary>
    public long? TolerationSeconds { get; set; }
}

/// <summary>Wishes for the place.</summary>
public sealed record Affinity : KubePart
{
    /// <summary>Wishes for the node.</summary>
    public NodeAffinity? NodeAffinity { get; set; }
}

/// <summary>Wishes for the node.</summary>
public sealed record NodeAffinity : KubePart
{
    /// <summary>What must hold.</summary>
    public NodeSelector? RequiredDuringSchedulingIgnoredDuringExecution { get; set; }
}

/// <summary>One of the terms must match.</summary>
public sealed record NodeSelector : KubePart
{
    /// <summary>The terms.</summary>
    public List<NodeSelectorTerm>? NodeSelectorTerms { get; set; }
}

/// <summary>All expressions must match.</summary>
public sealed record NodeSelectorTerm : KubePart
{
    /// <summary>About labels.</summary>
    public List<LabelExpression>? MatchExpressions { get; set; }

    /// <summary>About fields; <c>metadata.name</c> only.</summary>
    public List<LabelExpression>? MatchFields { get; set; }
}

/// <summary>Observed state of a pod.</summary>
public sealed record PodStatus : KubePart
{
    /// <summary>Pending, Running, Succeeded, Failed or Unknown.</summary>
    public string? Phase { get; set; }

    /// <summary>PodScheduled, Initialized, ContainersReady, Ready and others.</summary>
    public List<Condition>? Conditions { get; set; }

    /// <summary>Why it is in this phase.</summary>
    public string? Reason { get; set; }

    /// <summary>The same for a person.</summary>
    public string? Message { get; set; }

    /// <summary>Address of the node.</summary>
    public string? HostIP { get; set; }

    /// <summary>First address of the pod.</summary>
    public string? PodIP { get; set; }

    /// <summary>All addresses, at most one per family.</summary>
    public List<PodIPAddress>? PodIPs { get; set; }

    /// <summary>When the node took it up.</summary>
    public DateTimeOffset? StartTime { get; set; }

    /// <summary>Guaranteed, Burstable or BestEffort.</summary>
    public string? QosClass { get; set; }

    /// <summary>Node it may get.</summary>
    public string? NominatedNodeName { get; set; }

    /// <summary>State of each container.</summary>
    public List<ContainerStatus>? ContainerStatuses { get; set; }
}

/// <summary>One address.</summary>
public sealed record PodIPAddress : KubePart
{
    /// <summary>The address.</summary>
    [JsonPropertyName("ip")]
    public string? Address { get; set; }
}

/// <summary>State of a container.</summary>
public sealed record ContainerStatus : KubePart
{
    /// <summary>Name of the container.</summary>
    public string Name { get; set; } = "";

    /// <summary>Passes its readiness probe.</summary>
    public bool Ready { get; set; }

    /// <summary>How often it was started again.</summary>
    public int RestartCount { get; set; }

    /// <summary>Image it runs.</summary>
    public string? Image { get; set; }

    /// <summary>Identity of the image.</summary>
    public string? ImageID { get; set; }

    /// <summary>Identity of the container.</summary>
    public string? ContainerID { get; set; }

    /// <summary>Passed its start probe.</summary>
    public bool? Started { get; set; }

    /// <summary>What it does now.</summary>
    public ContainerState? State { get; set; }

    /// <summary>What it did before.</summary>
    public ContainerState? LastState { get; set; }
}

/// <summary>Exactly one member is set.</summary>
public sealed record ContainerState : KubePart
{
    /// <summary>It is not there yet.</summary>
    public ContainerStateWaiting? Waiting { get; set; }

    /// <summary>It runs.</summary>
    public ContainerStateRunning? Running { get; set; }

    /// <summary>It ended.</summary>
    public ContainerStateTerminated? Terminated { get; set; }
}

/// <summary>A container that is not there yet.</summary>
public sealed record ContainerStateWaiting : KubePart
{
    /// <summary>Why, as <c>ErrImagePull</c>.</summary>
    public string? Reason { get; set; }

    /// <summary>The same for a person.</summary>
    public string? Message { get; set; }
}

/// <summary>A container that runs.</summary>
public sealed record ContainerStateRunning : KubePart
{
    /// <summary>Since when.</summary>
    public DateTimeOffset? StartedAt { get; set; }
}

/// <summary>A container that ended.</summary>
public sealed record ContainerStateTerminated : KubePart
{
    /// <summary>Exit code.</summary>
    public int ExitCode { get; set; }

    /// <summary>Signal that ended it.</summary>
    public int? Signal { get; set; }

    /// <summary>Why, as <c>Error</c>.</summary>
    public string? Reason { get; set; }

    /// <summary>The same for a person.</summary>
    public string? Message { get; set; }

    /// <summary>Since when it had run.</summary>
    public DateTimeOffset? StartedAt { get; set; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? FinishedAt { get; set; }
}
