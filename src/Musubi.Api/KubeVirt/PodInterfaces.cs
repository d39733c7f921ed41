using System.Security.Cryptography;
using System.Text;

namespace Musubi.Api.KubeVirt;

/// <summary>One network of an instance and the interface of its launcher pod that carries it.</summary>
/// <param name="Network">The network.</param>
/// <param name="Interface">The guest's interface on it.</param>
/// <param name="Name">Name of the interface in the pod.</param>
/// <param name="IsPrimary">Whether it takes the place of the pod's own eth0.</param>
public sealed record PodInterface(Network Network, Interface Interface, string Name, bool IsPrimary);

/// <summary>Which interface of the launcher pod carries which network: one rule for controller, node agent and launcher.</summary>
public static class PodInterfaces
{
    /// <summary>Name of a pod's primary interface.</summary>
    public const string Primary = "eth0";

    /// <summary>
    /// The networks of an instance in their order, without unplugged interfaces. The primary one is <c>eth0</c>; the others are <c>net1</c>,
    /// <c>net2</c>, … in order, or named by <see cref="HashedName"/> when the instance's annotation asks for it.
    /// </summary>
    public static IReadOnlyList<PodInterface> Of(VirtualMachineInstance vmi)
    {
        bool hashed = vmi.Metadata.Annotation(KubeVirtNames.PodInterfaceNamesAnnotation) == KubeVirtNames.HashedNames;
        Dictionary<string, Interface> interfaces = [];
        foreach (Interface one in vmi.Spec?.Domain?.Devices?.Interfaces ?? [])
        {
            interfaces.TryAdd(one.Name, one);
        }

        List<PodInterface> all = [];
        int ordinal = 0;
        foreach (Network network in vmi.Spec?.Networks ?? [])
        {
            if (!interfaces.TryGetValue(network.Name, out Interface? one) || one.State == "absent")
            {
                continue;
            }

            bool primary = network.Pod is not null || network.Multus?.Default == true;
            string name = primary ? Primary : hashed ? HashedName(network.Name) : $"net{++ordinal}";
            all.Add(new PodInterface(network, one, name, primary));
        }

        return all;
    }

    /// <summary>A name that depends on the network's name only: <c>pod</c> and eleven hexadecimal digits of its SHA-256.</summary>
    public static string HashedName(string network) => string.Concat("pod", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(network))).AsSpan(0, 11));

    /// <summary>Namespace and name of the network attachment definition that a network names.</summary>
    public static Kubernetes.Objects.ObjectKey DefinitionOf(MultusNetwork network, string instanceNamespace)
    {
        string[] parts = (network.NetworkName ?? "").Split('/', 2);
        return parts.Length == 2 ? new(parts[0], parts[1]) : new(instanceNamespace, parts[0]);
    }
}
