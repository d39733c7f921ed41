using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;
using Musubi.Kubernetes.Reconciling;
using Musubi.Linux.Cgroups;
using Musubi.Linux.Namespaces;
using Musubi.Node.Attachments;
using Musubi.Node.HostNetwork;
using Musubi.Node.Images;
using Musubi.Node.Machines;
using Musubi.Node.Pods;
using Musubi.Node.Registration;
using Musubi.Node.Sandboxes;

namespace Musubi.Node;

/// <summary>A node's agent: makes what the API says about this node true in the kernel, and reports what is.</summary>
public static class NodeAgent
{
    private static readonly TimeSpan _probeLimit = TimeSpan.FromSeconds(10);

    /// <summary>Runs the agent until cancelled. Machines go on running without it; the next agent follows them again.</summary>
    public static async Task RunAsync(ApiClient api, NodeOptions options, ILoggerFactory logs, TimeProvider time, CancellationToken ct)
    {
        using NetworkNamespace node = SimulatedNode.Ensure(options);
        SandboxStore store = new(options.PodsDirectory);
        SandboxManager sandboxes = new(options, store, new PodAttacher(options, node), logs.CreateLogger("Musubi.Sandboxes"));
        MachineSupervisor supervisor = new(options, store, logs.CreateLogger("Musubi.Machines"));
        Manager manager = new(api, logs);
        Informer<Pod> pods = manager.Informer<Pod>(new Selection { Fields = $"spec.nodeName={options.Name}" });
        Informer<VirtualMachineInstance> instances = manager.Informer<VirtualMachineInstance>();
        EventRecorder events = new(api, $"musubi-node-{options.Name}", logs.CreateLogger("Musubi.Events"));
        manager.AddLoop(events.RunAsync);

        NodeRegistration registration = new(api, options, logs.CreateLogger("Musubi.Registration"), time);
        manager.AddLoop(registration.RunAsync);
        ImageStore images = new(Path.Combine(options.StateDirectory, "images"), time);
        Controller<Pod> controller = manager.AddController<Pod>("node-pods")
            .Watches<VirtualMachineInstance>(vmi => (vmi.Status?.ActivePods ?? []).Keys.Select(store.Find).OfType<SandboxRecord>().Select(r => new ObjectKey(r.Namespace, r.Name)))
            .MaxParallel(4)
            .ReconcileWith(new PodReconciler(
                api, options, pods, instances, store, sandboxes, new NetworkPlanner(api, options), new MachineSpecBuilder(api, images), supervisor,
                new StatusReporter(api, options, time), events, ProbeAsync(options, ct), time));
        supervisor.Changed = controller.Enqueue;
        foreach (SandboxRecord record in store.List())
        {
            // Pods that vanished while no agent was here have no event to bring them up.
            controller.Enqueue(new ObjectKey(record.Namespace, record.Name));
        }

        await manager.RunAsync(ct);
    }

    /// <summary>Ends every machine of a node and removes everything the agent ever made on this machine for it.</summary>
    public static void Remove(NodeOptions options)
    {
        SandboxStore store = new(options.PodsDirectory);
        if (NetworkNamespace.Find(options.NetworkNamespacePath) is { } node)
        {
            using (node)
            {
                SandboxManager sandboxes = new(options, store, new PodAttacher(options, node), NullLogger.Instance);
                foreach (SandboxRecord record in store.List())
                {
                    sandboxes.Remove(record);
                }
            }
        }

        Cgroup.Open(options.CgroupPath).Remove();
        SimulatedNode.Remove(options);
    }

    /// <summary>Asks the launcher once how guests run here; every machine is told.</summary>
    private static async Task<NodeAcceleration> ProbeAsync(NodeOptions options, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_probeLimit);
        using Process probe = Process.Start(new ProcessStartInfo(options.LauncherPath, ["probe"]) { RedirectStandardOutput = true })
            ?? throw new IOException($"could not start {options.LauncherPath}");
        string output = await probe.StandardOutput.ReadToEndAsync(limit.Token);
        await probe.WaitForExitAsync(limit.Token);
        string[] answer = output.Trim().Split('\t', 2);
        return answer is ["kvm" or "tcg", _]
            ? new NodeAcceleration(answer[0], answer[1])
            : new NodeAcceleration("tcg", "the probe gave no answer");
    }
}
