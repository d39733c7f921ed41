using System.Text.Json;
using System.Text.Json.Serialization;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Cni;

/// <summary>One attachment that a pod has: an element of the <c>k8s.v1.cni.cncf.io/network-status</c> annotation.</summary>
public sealed record NetworkStatus : KubePart
{
    /// <summary>Annotation of a pod that lists its attachments.</summary>
    public const string Annotation = "k8s.v1.cni.cncf.io/network-status";

    /// <summary><c>namespace/name</c> of the definition; the network's own name for the cluster's network.</summary>
    public string Name { get; set; } = "";

    /// <summary>Interface in the pod.</summary>
    public string? Interface { get; set; }

    /// <summary>Addresses without prefix length.</summary>
    public List<string>? Ips { get; set; }

    /// <summary>MAC.</summary>
    public string? Mac { get; set; }

    /// <summary>MTU; absent when not known.</summary>
    public int? Mtu { get; set; }

    /// <summary>True for the cluster's network, else absent.</summary>
    public bool? Default { get; set; }

    /// <summary>Resolvers; there even when empty.</summary>
    public NetworkStatusDns Dns { get => field; set => field = value ?? new NetworkStatusDns(); } = new();

    /// <summary>The device behind the interface.</summary>
    [JsonPropertyName("device-info")]
    public JsonElement? DeviceInfo { get; set; }

    /// <summary>Gateways of the default routes in the plugin's result.</summary>
    public List<string>? Gateway { get; set; }

    /// <summary>Reads the annotation; null, empty and unreadable text mean none.</summary>
    public static IReadOnlyList<NetworkStatus> Parse(string? annotation)
    {
        if (string.IsNullOrWhiteSpace(annotation))
        {
            return [];
        }

        try
        {
            return JsonSerializer.Deserialize(annotation, ApiJson.Default.ListNetworkStatus) ?? [];
        }
        catch (JsonException)
        {
            return []; // another program's annotation is no reason to fail: it counts as not written yet
        }
    }

    /// <summary>The annotation as the field's tools write it: indented objects joined by <c>},{</c>.</summary>
    public static string Format(IEnumerable<NetworkStatus> statuses) =>
        $"[{string.Join(',', statuses.Select(s => JsonSerializer.Serialize(s, Indented.NetworkStatus)))}]";

    private static readonly ApiJson Indented = new(new JsonSerializerOptions(ApiJson.Default.Options)
    {
        WriteIndented = true,
        IndentSize = 4,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

/// <summary>Resolvers of an attachment.</summary>
public sealed record NetworkStatusDns : KubePart
{
    /// <summary>Name servers.</summary>
    public List<string>? Nameservers { get; set; }

    /// <summary>Domain.</summary>
    public string? Domain { get; set; }

    /// <summary>Search domains.</summary>
    public List<string>? Search { get; set; }

    /// <summary>Options.</summary>
    public List<string>? Options { get; set; }
}
