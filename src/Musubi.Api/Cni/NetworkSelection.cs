using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Cni;

/// <summary>One additional network that a pod asks for: an element of the <c>k8s.v1.cni.cncf.io/networks</c> annotation.</summary>
public sealed record NetworkSelection : KubePart
{
    /// <summary>Annotation of a pod that lists its additional networks.</summary>
    public const string Annotation = "k8s.v1.cni.cncf.io/networks";

    /// <summary>Annotation of a pod that replaces the cluster's network.</summary>
    public const string DefaultNetworkAnnotation = "v1.multus-cni.io/default-network";

    /// <summary>Annotation of a definition that names the node resource a pod must be given.</summary>
    public const string ResourceNameAnnotation = "k8s.v1.cni.cncf.io/resourceName";

    private const int MaxInterfaceName = 15;

    /// <summary>Name of the network attachment definition.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its namespace; the pod's own when absent.</summary>
    public string? Namespace { get; set; }

    /// <summary>Name of the interface in the pod; <c>net1</c>, <c>net2</c>, … by position when absent.</summary>
    public string? Interface { get; set; }

    /// <summary>Addresses asked for, with or without prefix length.</summary>
    public List<string>? Ips { get; set; }

    /// <summary>MAC asked for.</summary>
    public string? Mac { get; set; }

    /// <summary>InfiniBand GUID asked for.</summary>
    [JsonPropertyName("infiniband-guid")]
    public string? InfinibandGuid { get; set; }

    /// <summary>Ports to forward from the node.</summary>
    public List<PortMapping>? PortMappings { get; set; }

    /// <summary>Limits of the traffic.</summary>
    public Bandwidth? Bandwidth { get; set; }

    /// <summary>Device to use.</summary>
    [JsonPropertyName("deviceID")]
    public string? DeviceId { get; set; }

    /// <summary>Further arguments for the plugins.</summary>
    [JsonPropertyName("cni-args")]
    public Dictionary<string, JsonElement>? CniArgs { get; set; }

    /// <summary>Gateways: this attachment provides the default route.</summary>
    [JsonPropertyName("default-route")]
    public List<string>? DefaultRoute { get; set; }

    /// <summary>Name of the interface in the pod for the element at a position (from 0).</summary>
    public string InterfaceAt(int index) => string.IsNullOrEmpty(Interface) ? $"net{index + 1}" : Interface;

    /// <summary>Reads an annotation in either form: a JSON list, or <c>[namespace/]name[@interface]</c> separated by commas.</summary>
    /// <param name="annotation">The annotation; null and empty mean no networks.</param>
    /// <param name="defaultNamespace">Namespace of elements that name none.</param>
    /// <exception cref="FormatException">Names the element and what is wrong with it.</exception>
    public static IReadOnlyList<NetworkSelection> Parse(string? annotation, string defaultNamespace)
    {
        if (string.IsNullOrWhiteSpace(annotation))
        {
            return [];
        }

        List<NetworkSelection> all = annotation.AsSpan().ContainsAny('[', '{', '"') ? ParseJson(annotation) : ParseList(annotation);
        foreach (NetworkSelection one in all)
        {
            one.Namespace = string.IsNullOrEmpty(one.Namespace) ? defaultNamespace : one.Namespace;
        }

        return all;
    }

    /// <summary>Reads an annotation in either form.</summary>
    public static bool TryParse(
        string? annotation,
        string defaultNamespace,
        [NotNullWhen(true)] out IReadOnlyList<NetworkSelection>? selections,
        [NotNullWhen(false)] out string? error)
    {
        try
        {
            (selections, error) = (Parse(annotation, defaultNamespace), null);
            return true;
        }
        catch (FormatException e)
        {
            (selections, error) = (null, e.Message);
            return false;
        }
    }

    /// <summary>The annotation's JSON form.</summary>
    public static string Format(IEnumerable<NetworkSelection> selections) => JsonSerializer.Serialize(selections.ToList(), ApiJson.Default.ListNetworkSelection);

    private static List<NetworkSelection> ParseJson(string annotation)
    {
        List<NetworkSelection>? all;
        try
        {
            all = JsonSerializer.Deserialize(annotation, ApiJson.Default.ListNetworkSelection);
        }
        catch (JsonException e)
        {
            throw new FormatException($"{Annotation}: not a JSON list of networks: {e.Message}", e);
        }

        for (int i = 0; i < (all?.Count ?? 0); i++)
        {
            NetworkSelection? one = all![i];
            if (string.IsNullOrEmpty(one?.Name))
            {
                throw new FormatException($"{Annotation}: element {i} has no name");
            }

            if (one.Interface is null && one.Extra is { } extra && extra.TryGetValue("interfaceRequest", out JsonElement old) && old.ValueKind == JsonValueKind.String)
            {
                one.Interface = old.GetString();
            }

            CheckInterface(one.Interface, $"element {i}");
        }

        return all ?? [];
    }

    private static List<NetworkSelection> ParseList(string annotation)
    {
        List<NetworkSelection> all = [];
        int column = 1;
        foreach (string part in annotation.Split(','))
        {
            string item = part.Trim();
            string where = $"item \"{item}\" at column {column}";
            string[] atInterface = item.Split('@');
            string[] path = atInterface[0].Split('/');
            if (atInterface.Length > 2 || path.Length > 2)
            {
                throw new FormatException($"{Annotation}: {where}: expected [namespace/]name[@interface]");
            }

            foreach (string name in path)
            {
                if (!IsName(name))
                {
                    throw new FormatException($"{Annotation}: {where}: \"{name}\" is not a name of lower case letters, digits and '-'");
                }
            }

            string? requested = atInterface.Length == 2 ? atInterface[1] : null;
            CheckInterface(requested, where);
            all.Add(new NetworkSelection { Name = path[^1], Namespace = path.Length == 2 ? path[0] : null, Interface = requested });
            column += part.Length + 1;
        }

        return all;
    }

    private static void CheckInterface(string? name, string where)
    {
        if (name is not null && (name.Length is 0 or > MaxInterfaceName || name is "." or ".." || name.Any(c => c is '/' or ':' || char.IsWhiteSpace(c))))
        {
            throw new FormatException($"{Annotation}: {where}: interface \"{name}\" is not a name of 1 to {MaxInterfaceName} characters without blank, '/' and ':'");
        }
    }

    private static bool IsName(string name) =>
        name.Length > 0 && name[0] != '-' && name[^1] != '-' && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}

/// <summary>A port to forward from the node.</summary>
public sealed record PortMapping : KubePart
{
    /// <summary>Port on the node.</summary>
    public int HostPort { get; set; }

    /// <summary>Port in the pod.</summary>
    public int ContainerPort { get; set; }

    /// <summary>tcp, udp or sctp.</summary>
    public string? Protocol { get; set; }

    /// <summary>Address of the node; all when absent.</summary>
    public string? HostIP { get; set; }
}

/// <summary>Limits of the traffic, in bits per second and bits.</summary>
public sealed record Bandwidth : KubePart
{
    /// <summary>Towards the pod.</summary>
    public long? IngressRate { get; set; }

    /// <summary>Towards the pod, at once.</summary>
    public long? IngressBurst { get; set; }

    /// <summary>From the pod.</summary>
    public long? EgressRate { get; set; }

    /// <summary>From the pod, at once.</summary>
    public long? EgressBurst { get; set; }
}
