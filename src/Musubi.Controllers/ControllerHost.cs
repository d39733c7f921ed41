using Microsoft.Extensions.Logging;
using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Controllers.Scheduling;
using Musubi.Controllers.Virtualization;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Informers;
using Musubi.Kubernetes.Objects;
using Musubi.Kubernetes.Reconciling;

namespace Musubi.Controllers;

/// <summary>Runs all controllers over one client.</summary>
public static class ControllerHost
{
    private const string InstancesByDefinition = "definition";

    /// <summary>Runs until cancelled. The caller owns the client, whose clock everything uses.</summary>
    public static Task RunAsync(ApiClient api, ControllerOptions options, ILoggerFactory logs, CancellationToken ct) => Build(api, options, logs).RunAsync(ct);

    internal static Manager Build(ApiClient api, ControllerOptions options, ILoggerFactory logs)
    {
        Manager manager = new(api, logs);
        AddVirtualization(manager, options);
        AddScheduling(manager, options);
        return manager;
    }

    private static void AddVirtualization(Manager manager, ControllerOptions options)
    {
        Informer<VirtualMachine> machines = manager.Informer<VirtualMachine>();
        Informer<VirtualMachineInstance> instances = manager.Informer<VirtualMachineInstance>();
        Informer<Pod> pods = manager.Informer<Pod>();
        Informer<NetworkAttachmentDefinition> definitions = manager.Informer<NetworkAttachmentDefinition>();
        pods.AddIndex(VmiReconciler.PodsByInstance, p => p.Metadata.Label(KubeVirtNames.CreatedByLabel) is { } uid ? [uid] : []);
        instances.AddIndex(InstancesByDefinition, vmi => VmiReconciler.DefinitionsOf(vmi).Select(d => d.ToString()).Distinct());

        manager.AddController<VirtualMachine>("virtualmachine")
            .Owns<VirtualMachineInstance>()
            .MaxParallel(options.MaxParallel)
            .ReconcileWith(new VirtualMachineReconciler(manager.Api, machines, instances, Recorder(manager, "virtualmachine-controller"), manager.Time));
        manager.AddController<VirtualMachineInstance>("virtualmachineinstance")
            .Owns<Pod>()
            .Watches<NetworkAttachmentDefinition>(d => instances.ByIndex(InstancesByDefinition, d.Key.ToString()).Select(vmi => vmi.Key))
            .MaxParallel(options.MaxParallel)
            .ReconcileWith(new VmiReconciler(
                manager.Api, machines, instances, pods, definitions, Recorder(manager, "virtualmachineinstance-controller"), options, manager.Time));
    }

    private static void AddScheduling(Manager manager, ControllerOptions options)
    {
        Informer<Pod> pods = manager.Informer<Pod>();
        Informer<Node> nodes = manager.Informer<Node>();
        Informer<Lease> leases = manager.Informer<Lease>(new Selection { Namespace = NodeLifecycle.LeaseNamespace });
        IEnumerable<ObjectKey> Waiting() => pods.List().Where(PodScheduler.Waits).Select(p => p.Key);

        // Room appears when a pod ends or goes, or when a node changes.
        manager.AddController<Pod>("scheduler")
            .Watches<Node>(_ => Waiting())
            .WatchesChanges<Pod>(c => c.New is null || c.New.Status?.Phase is "Succeeded" or "Failed" ? Waiting() : [])
            .ReconcileWith(new PodScheduler(manager.Api, pods, nodes, Recorder(manager, "default-scheduler"), manager.Time));
        NodeLifecycle lifecycle = new(
            manager.Api, nodes, leases, pods, Recorder(manager, "node-controller"), options, manager.Logs.CreateLogger("Musubi.NodeLifecycle"), manager.Time);
        manager.AddLoop(lifecycle.RunAsync);
    }

    private static EventRecorder Recorder(Manager manager, string component)
    {
        EventRecorder recorder = new(manager.Api, component, manager.Logs.CreateLogger("Musubi.Events"));
        manager.AddLoop(recorder.RunAsync);
        return recorder;
    }
}
