using System.Text.Json.Serialization;

namespace Musubi.Machines;

/// <summary>Where a machine stands.</summary>
public static class MachinePhase
{
    /// <summary>Network and QEMU are being set up.</summary>
    public const string Starting = "Starting";

    /// <summary>The guest runs.</summary>
    public const string Running = "Running";

    /// <summary>The guest was asked to power off.</summary>
    public const string ShuttingDown = "ShuttingDown";

    /// <summary>The guest powered off.</summary>
    public const string Succeeded = "Succeeded";

    /// <summary>The machine could not be started, crashed, or was killed.</summary>
    public const string Failed = "Failed";
}

/// <summary>What a launcher reports, as <c>status.json</c> and over its control socket.</summary>
public sealed record MachineStatus
{
    /// <summary>One of <see cref="MachinePhase"/>.</summary>
    public string Phase { get; set; } = MachinePhase.Starting;

    /// <summary>A CamelCase word for why, as <c>NetworkSetupFailed</c>; empty when there is nothing to explain.</summary>
    public string Reason { get; set; } = "";

    /// <summary>What happened, and what to do about it, for a person.</summary>
    public string Message { get; set; } = "";

    /// <summary>The launcher's process id.</summary>
    public int Pid { get; set; }

    /// <summary>QEMU's process id; 0 before it runs.</summary>
    public int QemuPid { get; set; }

    /// <summary><c>kvm</c> or <c>tcg</c>; empty before it is known.</summary>
    public string Acceleration { get; set; } = "";

    /// <summary>Why that acceleration was taken.</summary>
    public string AccelerationReason { get; set; } = "";

    /// <summary>The guest agent answers.</summary>
    public bool AgentConnected { get; set; }

    /// <summary>The guest's processors are stopped.</summary>
    public bool Paused { get; set; }

    /// <summary>What the guest agent says of the operating system; null until it did.</summary>
    public GuestOs? GuestOs { get; set; }

    /// <summary>The guest's own idea of its name; null until the agent told it.</summary>
    public string? GuestHostname { get; set; }

    /// <summary>The machine's interfaces, then what else the agent reports.</summary>
    public IReadOnlyList<MachineInterfaceStatus> Interfaces { get; set; } = [];

    /// <summary>The machine will not run any more.</summary>
    [JsonIgnore]
    public bool IsFinal => Phase is MachinePhase.Succeeded or MachinePhase.Failed;
}

/// <summary>The guest's operating system (guest-get-osinfo).</summary>
public sealed record GuestOs
{
    /// <summary>As <c>Debian GNU/Linux</c>.</summary>
    public string? Name { get; set; }

    /// <summary>As <c>debian</c>.</summary>
    public string? Id { get; set; }

    /// <summary>As <c>12 (bookworm)</c>.</summary>
    public string? Version { get; set; }

    /// <summary>As <c>12</c>.</summary>
    public string? VersionId { get; set; }

    /// <summary>As <c>Debian GNU/Linux 12 (bookworm)</c>.</summary>
    public string? PrettyName { get; set; }

    /// <summary>As <c>6.1.0-56-amd64</c>.</summary>
    public string? KernelRelease { get; set; }

    /// <summary>The kernel's build string.</summary>
    public string? KernelVersion { get; set; }

    /// <summary>As <c>x86_64</c>.</summary>
    public string? Machine { get; set; }
}

/// <summary>An interface as pod, QEMU and guest agent together show it.</summary>
public sealed record MachineInterfaceStatus
{
    /// <summary>Name in the VirtualMachineInstance; null for one only the agent knows.</summary>
    public string? Name { get; set; }

    /// <summary>Hardware address.</summary>
    public string? Mac { get; set; }

    /// <summary>Interface of the pod's namespace; null for one only the agent knows.</summary>
    public string? PodInterfaceName { get; set; }

    /// <summary>Name inside the guest; null until the agent told it.</summary>
    public string? InterfaceName { get; set; }

    /// <summary>Addresses it is reached at, without prefix lengths, IPv4 first.</summary>
    public IReadOnlyList<string> IpAddresses { get; set; } = [];

    /// <summary>Where the entry comes from: <c>domain</c>, <c>guest-agent</c>, joined by comma and blank.</summary>
    public string InfoSource { get; set; } = "domain";

    /// <summary>Queues; 0 for one only the agent knows.</summary>
    public int QueueCount { get; set; }

    /// <summary><c>up</c> or <c>down</c>; null for one only the agent knows.</summary>
    public string? LinkState { get; set; }
}
