using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers;

/// <summary>What a cluster may set about the controllers.</summary>
public sealed record ControllerOptions
{
    /// <summary>Image that launcher pods name. On runtime class <c>musubi</c> the node has the launcher, and this is for readers.</summary>
    /// <value>The default is <c>musubi/virt-launcher:0.1.0</c>.</value>
    public string LauncherImage { get; init; } = "musubi/virt-launcher:0.1.0";

    /// <summary>Memory that a launcher needs beside what grows with the guest: QEMU itself and the launcher.</summary>
    /// <value>The default is 160 MiB.</value>
    public Quantity LauncherMemory { get; init; } = Quantity.FromBytes(160L << 20);

    /// <summary>How many virtual processors share one real one, where a machine asks for none.</summary>
    /// <value>The default is 10.</value>
    public int CpuAllocationRatio { get; init; } = 10;

    /// <summary>How long a node may be silent before it counts as not ready.</summary>
    /// <value>The default is 40 seconds.</value>
    public TimeSpan NodeGracePeriod { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>How long a pod outlives the node it is bound to.</summary>
    /// <value>The default is 40 seconds.</value>
    public TimeSpan OrphanedPodGracePeriod { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>How many objects of one kind are worked on at once.</summary>
    /// <value>The default is 4.</value>
    public int MaxParallel { get; init; } = 4;
}
