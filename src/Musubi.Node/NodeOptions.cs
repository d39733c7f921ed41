using Musubi.Linux.Addresses;

namespace Musubi.Node;

/// <summary>How a node agent works.</summary>
public sealed record NodeOptions
{
    /// <summary>The node's name in the API.</summary>
    public required string Name { get; init; }

    /// <summary>The platform's name, which begins the names of namespaces and control groups on this machine.</summary>
    public required string Cluster { get; init; }

    /// <summary>The node's place among the simulated ones, from 1; it decides addresses.</summary>
    /// <value>The default is 1.</value>
    public int Index { get; init; } = 1;

    /// <summary>Where state that outlives a restart of the machine is kept (images, CNI's books).</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Where state of running pods is kept; below /run, so that a restart of the machine clears it.</summary>
    public required string RuntimeDirectory { get; init; }

    /// <summary>The launcher's executable.</summary>
    public required string LauncherPath { get; init; }

    /// <summary>MTU of the pod network, in bytes.</summary>
    /// <value>The default is 1500. At most 9000.</value>
    public int PodMtuBytes { get; init; } = 1500;

    /// <summary>Addresses of pods on this node, one range per family.</summary>
    public IReadOnlyList<Cidr> PodCidrs =>
    [
        Cidr.Parse($"10.244.{Index}.0/24"),
        Cidr.Parse($"fd10:244:0:{Index:x}::/64"),
    ];

    /// <summary>Addresses of the node itself on the cluster network.</summary>
    public IReadOnlyList<Cidr> Addresses =>
    [
        Cidr.Parse($"172.31.0.{Index + 1}/24"),
        Cidr.Parse($"fd10:31::{Index + 1:x}/64"),
    ];

    /// <summary>The namespace that is the node.</summary>
    public string NetworkNamespacePath => $"/run/netns/{Cluster}-{Name}";

    /// <summary>Pods' directories, one per UID.</summary>
    public string PodsDirectory => Path.Combine(RuntimeDirectory, Name, "pods");

    /// <summary>CNI's books of this node.</summary>
    public string CniDirectory => Path.Combine(StateDirectory, "nodes", Name, "cni");

    /// <summary>The node's control group, below which every pod has its own.</summary>
    public string CgroupPath => $"{Cluster}/{Name}";
}
