using System.Text.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.KubeVirt;

/// <summary>Observed state of an instance.</summary>
public sealed record VirtualMachineInstanceStatus : KubePart
{
    /// <summary>One of <see cref="VmiPhases"/>.</summary>
    public string? Phase { get; set; }

    /// <summary>Node it runs on.</summary>
    public string? NodeName { get; set; }

    /// <summary>Why it is in this phase.</summary>
    public string? Reason { get; set; }

    /// <summary>Ready, AgentConnected, LiveMigratable and others.</summary>
    public List<Condition>? Conditions { get; set; }

    /// <summary>When each phase began.</summary>
    public List<PhaseTransition>? PhaseTransitionTimestamps { get; set; }

    /// <summary>Interfaces as guest, hypervisor and pod see them.</summary>
    public List<InterfaceStatus>? Interfaces { get; set; }

    /// <summary>What the guest agent says about the system.</summary>
    public JsonElement? GuestOSInfo { get; set; }

    /// <summary>Node of each launcher pod by its UID.</summary>
    public Dictionary<string, string>? ActivePods { get; set; }

    /// <summary>Launcher it runs on.</summary>
    public string? LauncherContainerImageVersion { get; set; }

    /// <summary>Of the pod.</summary>
    public string? QosClass { get; set; }

    /// <summary>User the hypervisor runs as.</summary>
    public long? RuntimeUser { get; set; }

    /// <summary>Revision of the virtual machine it was made from.</summary>
    public string? VirtualMachineRevisionName { get; set; }
}

/// <summary>When a phase began.</summary>
public sealed record PhaseTransition : KubePart
{
    /// <summary>Phase.</summary>
    public string Phase { get; set; } = "";

    /// <summary>When.</summary>
    public DateTimeOffset? PhaseTransitionTimestamp { get; set; }
}

/// <summary>An interface as guest, hypervisor and pod see it.</summary>
public sealed record InterfaceStatus : KubePart
{
    /// <summary>Name in the specification.</summary>
    public string? Name { get; set; }

    /// <summary>MAC.</summary>
    public string? Mac { get; set; }

    /// <summary>First address.</summary>
    public string? IpAddress { get; set; }

    /// <summary>Addresses.</summary>
    public List<string>? IpAddresses { get; set; }

    /// <summary>Name in the guest.</summary>
    public string? InterfaceName { get; set; }

    /// <summary>Where this comes from: domain, guest-agent, multus-status.</summary>
    public string? InfoSource { get; set; }

    /// <summary>Name in the pod.</summary>
    public string? PodInterfaceName { get; set; }

    /// <summary>Queues.</summary>
    public int? QueueCount { get; set; }

    /// <summary>up or down.</summary>
    public string? LinkState { get; set; }
}
