using System.Security.Cryptography;
using System.Text;
using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Virtualization;

/// <summary>Describes the pod that runs an instance. Pure, and always the same for one instance: creating it twice cannot make two.</summary>
internal static class LauncherPod
{
    private const string Memory = "memory";
    private const string CpuResource = "cpu";
    private const int MaxLabel = 63;

    /// <summary>Seconds that the launcher has to tidy up after the guest's own time for shutdown.</summary>
    private const long TidyUpSeconds = 30;

    private static readonly string[] UserOnlyAnnotations =
    [
        "kubectl.kubernetes.io/", "kubevirt.io/latest-observed-api-version", "kubevirt.io/storage-observed-api-version",
    ];

    /// <summary>The pod's name: its suffix depends on the instance's UID only.</summary>
    public static string NameOf(VirtualMachineInstance vmi)
    {
        const string Alphabet = "bcdfghjklmnpqrstvwxz2456789";
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(vmi.Metadata.Uid ?? ""));
        return $"virt-launcher-{vmi.Metadata.Name}-{string.Concat(hash.Take(5).Select(b => Alphabet[b % Alphabet.Length]))}";
    }

    /// <summary>The pod for an instance.</summary>
    /// <param name="vmi">The instance.</param>
    /// <param name="definitions">The network attachment definitions that it names, by their keys.</param>
    /// <param name="options">What the cluster has set.</param>
    public static Pod Build(VirtualMachineInstance vmi, IReadOnlyDictionary<ObjectKey, NetworkAttachmentDefinition> definitions, ControllerOptions options)
    {
        VirtualMachineInstanceSpec spec = vmi.Spec ?? new();
        IReadOnlyList<PodInterface> interfaces = PodInterfaces.Of(vmi);
        return new Pod
        {
            ApiVersion = Pod.Resource.ApiVersion,
            Kind = Pod.Resource.Kind,
            Metadata = new ObjectMeta
            {
                Name = NameOf(vmi),
                Namespace = vmi.Metadata.Namespace,
                Labels = Labels(vmi),
                Annotations = Annotations(vmi, interfaces),
                OwnerReferences = [OwnerReference.ControllerOf(vmi)],
            },
            Spec = new PodSpec
            {
                RuntimeClassName = KubeVirtNames.RuntimeClass,
                RestartPolicy = "Never",
                TerminationGracePeriodSeconds = (spec.TerminationGracePeriodSeconds ?? 30) + TidyUpSeconds,
                Hostname = Hostname(vmi),
                Subdomain = spec.Subdomain,
                DnsPolicy = spec.DnsPolicy,
                DnsConfig = spec.DnsConfig,
                NodeSelector = spec.NodeSelector,
                Affinity = spec.Affinity,
                Tolerations = spec.Tolerations,
                SchedulerName = spec.SchedulerName,
                PriorityClassName = spec.PriorityClassName,
                EnableServiceLinks = false,
                AutomountServiceAccountToken = false,
                Containers =
                [
                    new Container
                    {
                        Name = KubeVirtNames.ComputeContainer,
                        Image = options.LauncherImage,
                        ImagePullPolicy = "IfNotPresent",
                        Ports = Ports(interfaces),
                        Resources = Resources(vmi, interfaces, definitions, options),
                    },
                ],
            },
        };
    }

    /// <summary>Labels that follow the instance's while the pod runs.</summary>
    public static Dictionary<string, string> Labels(VirtualMachineInstance vmi)
    {
        Dictionary<string, string> labels = new(vmi.Metadata.Labels ?? [])
        {
            [KubeVirtNames.AppLabel] = KubeVirtNames.Launcher,
            [KubeVirtNames.CreatedByLabel] = vmi.Metadata.Uid ?? "",
            [KubeVirtNames.VmNameLabel] = Hostname(vmi),
            [KubeVirtNames.VmiIdLabel] = Shortened(vmi.Metadata.Name ?? ""),
        };
        labels.Remove(KubeVirtNames.NodeNameLabel);
        if (vmi.Metadata.Annotation(KubeVirtNames.IstioInject) is { } inject)
        {
            labels[KubeVirtNames.IstioInject] = inject;
        }

        return labels;
    }

    /// <summary>What the pod needs beside the guest's memory: page tables, each processor's stack, QEMU and the launcher.</summary>
    internal static Quantity Overhead(VirtualMachineInstanceSpec spec, Quantity guest, ControllerOptions options)
    {
        long pageTables = guest.ToBytes() / 512;
        long processors = Processors(spec) * (8L << 20);
        return Quantity.FromBytes(pageTables + processors) + options.LauncherMemory;
    }

    private static long Processors(VirtualMachineInstanceSpec spec)
    {
        Cpu cpu = spec.Domain?.Cpu ?? new Cpu();
        return (long)(cpu.Sockets ?? 1) * (cpu.Cores ?? 1) * (cpu.Threads ?? 1);
    }

    private static Dictionary<string, string> Annotations(VirtualMachineInstance vmi, IReadOnlyList<PodInterface> interfaces)
    {
        Dictionary<string, string> annotations = new((vmi.Metadata.Annotations ?? [])
            .Where(a => !UserOnlyAnnotations.Any(u => a.Key.StartsWith(u, StringComparison.Ordinal))))
        {
            [KubeVirtNames.DomainAnnotation] = vmi.Metadata.Name ?? "",
            ["kubectl.kubernetes.io/default-container"] = KubeVirtNames.ComputeContainer,
            ["kubevirt.io/migrationTransportUnix"] = "true",
        };
        if (interfaces.Any(i => i.Interface.Masquerade is not null))
        {
            annotations["traffic.sidecar.istio.io/kubevirtInterfaces"] = "k6t-eth0";
            annotations["istio.io/reroute-virtual-interfaces"] = "k6t-eth0";
        }

        List<NetworkSelection> networks = [.. interfaces.Where(i => !i.IsPrimary).Select(i => Selection(vmi, i) with { Interface = i.Name })];
        if (networks.Count > 0)
        {
            annotations[NetworkSelection.Annotation] = NetworkSelection.Format(networks);
        }

        if (interfaces.FirstOrDefault(i => i.Network.Multus?.Default == true) is { } replaced)
        {
            annotations[NetworkSelection.DefaultNetworkAnnotation] = NetworkSelection.Format([Selection(vmi, replaced)]);
        }

        return annotations;
    }

    private static NetworkSelection Selection(VirtualMachineInstance vmi, PodInterface one)
    {
        ObjectKey definition = PodInterfaces.DefinitionOf(one.Network.Multus ?? new MultusNetwork(), vmi.Metadata.Namespace ?? "");
        return new NetworkSelection
        {
            Name = definition.Name,
            Namespace = definition.Namespace,
            Mac = one.Interface.MacAddress is { Length: > 0 } mac ? mac : null,
        };
    }

    private static List<ContainerPort>? Ports(IReadOnlyList<PodInterface> interfaces)
    {
        List<ContainerPort> ports =
        [
            .. from i in interfaces
               from port in i.Interface.Ports ?? []
               select new ContainerPort { Name = port.Name, Number = port.Port, Protocol = port.Protocol is { Length: > 0 } p ? p : "TCP" },
        ];
        return ports.Count == 0 ? null : ports;
    }

    private static ResourceRequirements Resources(
        VirtualMachineInstance vmi,
        IReadOnlyList<PodInterface> interfaces,
        IReadOnlyDictionary<ObjectKey, NetworkAttachmentDefinition> definitions,
        ControllerOptions options)
    {
        VirtualMachineInstanceSpec spec = vmi.Spec ?? new();
        ResourceRequirements asked = spec.Domain?.Resources ?? new();
        Dictionary<string, Quantity> requests = new(asked.Requests ?? []);
        Dictionary<string, Quantity> limits = new(asked.Limits ?? []);
        Quantity guest = spec.Domain?.Memory?.Guest ?? requests.GetValueOrDefault(Memory, limits.GetValueOrDefault(Memory));
        Quantity overhead = Overhead(spec, guest, options);
        requests[Memory] = requests.GetValueOrDefault(Memory, guest) + overhead;
        if (limits.TryGetValue(Memory, out Quantity limit))
        {
            limits[Memory] = limit + overhead;
        }

        if (!requests.ContainsKey(CpuResource))
        {
            requests[CpuResource] = limits.TryGetValue(CpuResource, out Quantity most)
                ? most
                : Quantity.FromMilli(Math.Max(1, Processors(spec) * 1000 / options.CpuAllocationRatio));
        }

        foreach (PodInterface one in interfaces.Where(i => i.Network.Multus is not null))
        {
            ObjectKey key = PodInterfaces.DefinitionOf(one.Network.Multus!, vmi.Metadata.Namespace ?? "");
            if (definitions.TryGetValue(key, out NetworkAttachmentDefinition? definition)
                && definition.Metadata.Annotation(NetworkSelection.ResourceNameAnnotation) is { Length: > 0 } resource)
            {
                requests[resource] = requests.GetValueOrDefault(resource) + Quantity.FromInteger(1);
                limits[resource] = limits.GetValueOrDefault(resource) + Quantity.FromInteger(1);
            }
        }

        return new ResourceRequirements { Requests = requests, Limits = limits.Count == 0 ? null : limits };
    }

    private static string Hostname(VirtualMachineInstance vmi)
    {
        string name = vmi.Spec?.Hostname is { Length: > 0 } wanted ? wanted : (vmi.Metadata.Name ?? "").Replace('.', '-');
        return name.Length <= MaxLabel ? name : name[..MaxLabel].TrimEnd('-');
    }

    private static string Shortened(string name)
    {
        if (name.Length <= MaxLabel)
        {
            return name;
        }

        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..8];
        return $"{name[..(MaxLabel - 9)]}-{hash}";
    }
}
