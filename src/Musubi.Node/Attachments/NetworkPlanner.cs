using System.Text;
using System.Text.Json;
using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;
using Musubi.Node.Sandboxes;

namespace Musubi.Node.Attachments;

/// <summary>A pod asks for something that cannot be done until somebody changes something; the message says who and what.</summary>
internal sealed class PodSetupException(string reason, string message) : Exception(message)
{
    /// <summary>A CamelCase word for events and statuses.</summary>
    public string Reason { get; } = reason;
}

/// <summary>Decides which networks a pod is attached to, by its annotation.</summary>
internal sealed class NetworkPlanner(ApiClient api, NodeOptions options)
{
    private const string FailedSandbox = "FailedCreatePodSandBox";

    /// <summary>The cluster's network, then every network of the annotation in order.</summary>
    /// <exception cref="PodSetupException">The annotation is malformed, or a definition is missing or wrong.</exception>
    public async Task<IReadOnlyList<SandboxAttachment>> PlanAsync(Pod pod, CancellationToken ct)
    {
        string podNamespace = pod.Metadata.Namespace ?? "";
        List<SandboxAttachment> plan =
        [
            new SandboxAttachment
            {
                IfName = DefaultNetwork.Interface,
                Network = DefaultNetwork.Name,
                FallbackName = DefaultNetwork.Name,
                Config = DefaultNetwork.ConfigFor(options),
                Args = ArgsFor(pod, mac: null),
                IsDefault = true,
            },
        ];
        if (!NetworkSelection.TryParse(pod.Metadata.Annotation(NetworkSelection.Annotation), podNamespace, out IReadOnlyList<NetworkSelection>? selections, out string? error))
        {
            throw new PodSetupException(FailedSandbox, error);
        }

        for (int i = 0; i < selections.Count; i++)
        {
            plan.Add(await PlanAsync(pod, selections[i], i, ct));
        }

        return plan.GroupBy(a => a.IfName).FirstOrDefault(g => g.Count() > 1) is { } twice
            ? throw new PodSetupException(FailedSandbox, $"{NetworkSelection.Annotation}: interface {twice.Key} is asked for {twice.Count()} times")
            : plan;
    }

    private async Task<SandboxAttachment> PlanAsync(Pod pod, NetworkSelection selection, int position, CancellationToken ct)
    {
        ObjectKey key = new(selection.Namespace ?? pod.Metadata.Namespace ?? "", selection.Name);
        NetworkAttachmentDefinition definition = await api.Resource<NetworkAttachmentDefinition>().FindAsync(key, ct)
            ?? throw new PodSetupException(FailedSandbox, $"NetworkAttachmentDefinition {key} does not exist: create it, or correct the name");
        string config = definition.Spec?.Config ?? "";
        if (string.IsNullOrWhiteSpace(config))
        {
            throw new PodSetupException(FailedSandbox, $"NetworkAttachmentDefinition {key} has no spec.config, and this node keeps no configuration files");
        }

        try
        {
            NetworkConfigList.Parse(Encoding.UTF8.GetBytes(config), key.Name);
        }
        catch (CniException e)
        {
            throw new PodSetupException(FailedSandbox, $"NetworkAttachmentDefinition {key}: spec.config: {e.Message}");
        }

        return new SandboxAttachment
        {
            IfName = selection.InterfaceAt(position),
            Network = key.ToString(),
            FallbackName = key.Name,
            Config = config,
            Args = ArgsFor(pod, selection.Mac),
            CapabilityArgs = CapabilitiesOf(selection),
        };
    }

    /// <summary>CNI_ARGS as Kubernetes runtimes pass them, and the wanted MAC for plugins that take it there.</summary>
    private static string ArgsFor(Pod pod, string? mac) =>
        $"IgnoreUnknown=1;K8S_POD_NAMESPACE={pod.Metadata.Namespace};K8S_POD_NAME={pod.Metadata.Name};K8S_POD_UID={pod.Metadata.Uid}"
        + (string.IsNullOrEmpty(mac) ? "" : $";MAC={mac}");

    private static Dictionary<string, string> CapabilitiesOf(NetworkSelection selection)
    {
        Dictionary<string, string> capabilities = [];
        if (!string.IsNullOrEmpty(selection.Mac))
        {
            capabilities["mac"] = $"\"{JsonEncodedText.Encode(selection.Mac)}\"";
        }

        if (selection.Ips is { Count: > 0 } ips)
        {
            capabilities["ips"] = $"[{string.Join(',', ips.Select(ip => $"\"{JsonEncodedText.Encode(ip)}\""))}]";
        }

        return capabilities;
    }
}
