using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Api;
using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Client;
using Musubi.Machines;
using Musubi.Node.Attachments;
using Musubi.Node.Sandboxes;

namespace Musubi.Node.Pods;

/// <summary>Writes what the node knows into the API: the pod's whole status, and the node's part of the instance's.</summary>
/// <remarks>Only changes are written; a patch of a list that others write too carries the version that was read (see VmiReconciler).</remarks>
internal sealed class StatusReporter(ApiClient api, NodeOptions options, TimeProvider time)
{
    private readonly ResourceClient<Pod> _pods = api.Resource<Pod>();
    private readonly ResourceClient<VirtualMachineInstance> _instances = api.Resource<VirtualMachineInstance>();

    /// <summary>Reports a pod whose launcher was started.</summary>
    public async Task ReportAsync(Pod pod, VirtualMachineInstance? vmi, SandboxRecord sandbox, MachineStatus machine, CancellationToken ct)
    {
        await AnnotateAsync(pod, sandbox, ct);
        await PatchAsync(pod, PodStatusWriter.Write(pod, sandbox, machine, options, time.GetUtcNow()), ct);
        if (vmi is not null && vmi.Status?.NodeName == options.Name && InstanceStatusWriter.Write(vmi, machine, time.GetUtcNow()) is { } status)
        {
            await PatchAsync(vmi, status, ct);
        }
    }

    /// <summary>Reports a pod that cannot be started for now.</summary>
    public Task PodWaitsAsync(Pod pod, string reason, string message, CancellationToken ct) =>
        PatchAsync(pod, PodStatusWriter.Waiting(pod, reason, message, time.GetUtcNow()), ct);

    /// <summary>Reports a pod that will not run any more.</summary>
    public Task PodFailedAsync(Pod pod, string reason, string message, CancellationToken ct) =>
        PatchAsync(pod, PodStatusWriter.Failed(pod, reason, message, time.GetUtcNow()), ct);

    private async Task AnnotateAsync(Pod pod, SandboxRecord sandbox, CancellationToken ct)
    {
        string annotation = NetworkStatus.Format(sandbox.Attachments.Where(a => a.Result is not null).Select(PodAttacher.StatusOf));
        if (pod.Metadata.Annotation(NetworkStatus.Annotation) != annotation)
        {
            JsonObject patch = new() { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [NetworkStatus.Annotation] = annotation } } };
            await _pods.PatchAsync(pod.Key, Patch.Merge(patch), ct);
        }
    }

    private async Task PatchAsync(Pod pod, PodStatus wanted, CancellationToken ct)
    {
        JsonObject from = pod.Status is null ? [] : JsonSerializer.SerializeToNode(pod.Status, ApiJson.Default.PodStatus)!.AsObject();
        JsonObject changes = MergePatch.Between(from, JsonSerializer.SerializeToNode(wanted, ApiJson.Default.PodStatus)!.AsObject());
        if (changes.Count > 0)
        {
            await _pods.PatchStatusAsync(pod.Key, Patch.Merge(new JsonObject { ["metadata"] = new JsonObject { ["uid"] = pod.Metadata.Uid }, ["status"] = changes }), ct);
        }
    }

    private async Task PatchAsync(VirtualMachineInstance vmi, VirtualMachineInstanceStatus wanted, CancellationToken ct)
    {
        JsonObject from = JsonSerializer.SerializeToNode(vmi.Status!, ApiJson.Default.VirtualMachineInstanceStatus)!.AsObject();
        JsonObject changes = MergePatch.Between(from, JsonSerializer.SerializeToNode(wanted, ApiJson.Default.VirtualMachineInstanceStatus)!.AsObject());
        if (changes.Count > 0)
        {
            JsonObject metadata = new() { ["resourceVersion"] = vmi.Metadata.ResourceVersion };
            await _instances.PatchStatusAsync(vmi.Key, Patch.Merge(new JsonObject { ["metadata"] = metadata, ["status"] = changes }), ct);
        }
    }
}
