using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Tests.Server;

public class VirtualMachineLifeTests(TestCluster cluster) : IClassFixture<TestCluster>
{
    private const string Machine =
        """
        apiVersion: kubevirt.io/v1
        kind: VirtualMachine
        metadata: {name: vm, namespace: NAMESPACE}
        spec:
          runStrategy: STRATEGY
          template:
            metadata: {labels: {app: web}}
            spec:
              nodeSelector: {for: NAMESPACE}
              domain:
                memory: {guest: MEMORY}
                devices:
                  interfaces: [{name: default, masquerade: {}, ports: [{port: 80}]}, {name: bridge-net, bridge: {}}]
              networks: [{name: default, pod: {}}, {name: bridge-net, multus: {networkName: data}}]
        """;

    private const string Definition =
        """
        apiVersion: k8s.cni.cncf.io/v1
        kind: NetworkAttachmentDefinition
        metadata: {name: data, namespace: NAMESPACE}
        spec: {config: '{"cniVersion":"1.0.0","type":"bridge","bridge":"br1"}'}
        """;

    [Fact]
    public async Task Apply_MachineWithTwoNetworks_RunsAndGoesWithoutTrace()
    {
        string ns = await cluster.NewNamespaceAsync();
        await cluster.AddNodeAsync(ns);
        ObjectKey vm = await ApplyAsync(ns, "Always");
        Pod pod = await cluster.RunAsync(vm);

        Assert.Equal("web", pod.Metadata.Label("app"));
        Assert.Equal($"node-{ns}-8gi", pod.Spec!.NodeName);
        Assert.Contains("\"net1\"", pod.Metadata.Annotation(NetworkSelection.Annotation), StringComparison.Ordinal);
        VirtualMachineInstance vmi = await cluster.WaitAsync<VirtualMachineInstance>(vm, v => v.Metadata.Label("kubevirt.io/nodeName") == pod.Spec.NodeName);
        Assert.Equal([VmiPhases.Pending, VmiPhases.Scheduling, VmiPhases.Scheduled], vmi.Status!.PhaseTransitionTimestamps!.Select(t => t.Phase).Except([VmiPhases.Running]));
        await cluster.WaitEventAsync(ns, "SuccessfulCreate", "Started the virtual machine");
        await cluster.WaitEventAsync(ns, "SuccessfulCreate", pod.Metadata.Name!);
        await cluster.WaitEventAsync(ns, "Scheduled", pod.Spec.NodeName!);

        await cluster.Api.Resource<VirtualMachine>().DeleteAsync(vm, CancellationToken.None);
        pod = await cluster.WaitPodAsync(ns, p => p.IsTerminating);
        await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status?.PrintableStatus == "Terminating");
        await cluster.PodTornDownAsync(pod);
        await cluster.WaitGoneAsync<VirtualMachineInstance>(vm);
        await cluster.WaitGoneAsync<VirtualMachine>(vm);
        Assert.Empty((await cluster.Api.Resource<Pod>().ListAsync(new Selection { Namespace = ns }, CancellationToken.None)).Items);
    }

    [Fact]
    public async Task Apply_DefinitionMissing_WaitsAndSaysSo_UntilItAppears()
    {
        string ns = await cluster.NewNamespaceAsync();
        await cluster.AddNodeAsync(ns);
        await cluster.ApplyAsync(ns, Text("Always"));
        ObjectKey vm = new(ns, "vm");
        await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status?.Conditions.Find("Synchronized") is { IsFalse: true, Reason: "FailedCreate" });
        await cluster.WaitEventAsync(ns, "FailedCreate", $"NetworkAttachmentDefinition \"{ns}/data\" does not exist");
        Assert.Empty((await cluster.Api.Resource<Pod>().ListAsync(new Selection { Namespace = ns }, CancellationToken.None)).Items);

        await cluster.ApplyAsync(ns, Definition);
        await cluster.RunAsync(vm);
        await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status?.Conditions.Find("Synchronized") is null);
    }

    [Fact]
    public async Task Apply_MemoryTooLarge_IsUnschedulable_UntilALargerNodeComes()
    {
        string ns = await cluster.NewNamespaceAsync();
        await cluster.AddNodeAsync(ns, "1Gi");
        ObjectKey vm = await ApplyAsync(ns, "Always", memory: "4Gi");
        await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status?.PrintableStatus == "ErrorUnschedulable");
        await cluster.WaitEventAsync(ns, "FailedScheduling", "Insufficient memory");
        await cluster.AddNodeAsync(ns, "16Gi");
        Pod pod = await cluster.RunAsync(vm);
        Assert.Equal($"node-{ns}-16gi", pod.Spec!.NodeName);
    }

    [Fact]
    public async Task Actions_StopStartRestart_DoAsTheStrategySays()
    {
        string ns = await cluster.NewNamespaceAsync();
        await cluster.AddNodeAsync(ns);
        ObjectKey vm = await ApplyAsync(ns, "Manual");
        await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status?.PrintableStatus == "Stopped");

        await VirtualMachineActions.StartAsync(cluster.Api, vm, CancellationToken.None);
        Pod first = await cluster.RunAsync(vm);
        await Assert.ThrowsAsync<ApiException>(() => VirtualMachineActions.StartAsync(cluster.Api, vm, CancellationToken.None));

        await VirtualMachineActions.RestartAsync(cluster.Api, vm, CancellationToken.None);
        await cluster.WaitPodAsync(ns, p => p.IsTerminating && p.Metadata.Uid == first.Metadata.Uid);
        await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status?.PrintableStatus == "Stopping");
        await cluster.GuestAsync(vm, VmiPhases.Succeeded);
        await cluster.PodTornDownAsync(first);
        Pod second = await cluster.RunAsync(vm);
        Assert.NotEqual(first.Metadata.Name, second.Metadata.Name);

        await VirtualMachineActions.StopAsync(cluster.Api, vm, gracePeriodSeconds: 3, CancellationToken.None);
        second = await cluster.WaitPodAsync(ns, p => p.IsTerminating && p.Metadata.Uid == second.Metadata.Uid);
        Assert.Equal(3, second.Metadata.DeletionGracePeriodSeconds);
        await cluster.PodTornDownAsync(second);
        await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status is { PrintableStatus: "Stopped", StateChangeRequests: null or [] });
    }

    [Fact]
    public async Task Guest_CrashesUnderAlways_IsStartedAgain()
    {
        string ns = await cluster.NewNamespaceAsync();
        await cluster.AddNodeAsync(ns);
        ObjectKey vm = await ApplyAsync(ns, "Always");
        Pod first = await cluster.RunAsync(vm);
        await cluster.PodEndedAsync(first, "Failed");
        Pod second = await cluster.RunAsync(vm);
        Assert.NotEqual(first.Metadata.Uid, second.Metadata.Uid);
    }

    [Fact]
    public async Task Guest_PowersOffUnderRerunOnFailure_StaysOff()
    {
        string ns = await cluster.NewNamespaceAsync();
        await cluster.AddNodeAsync(ns);
        ObjectKey vm = await ApplyAsync(ns, "RerunOnFailure");
        Pod pod = await cluster.RunAsync(vm);
        await cluster.GuestAsync(vm, VmiPhases.Succeeded);
        await cluster.PodEndedAsync(pod, "Succeeded");
        await cluster.WaitGoneAsync<VirtualMachineInstance>(vm);
        await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status?.PrintableStatus == "Stopped");
    }

    [Fact]
    public async Task Guest_FailsBeforeItRuns_BacksOff()
    {
        string ns = await cluster.NewNamespaceAsync();
        await cluster.AddNodeAsync(ns);
        ObjectKey vm = await ApplyAsync(ns, "Always");
        Pod pod = await cluster.WaitPodAsync(ns, p => p.Spec?.NodeName is not null);
        await cluster.PodEndedAsync(pod, "Failed");
        VirtualMachine waiting = await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status?.PrintableStatus == "CrashLoopBackOff");
        Assert.Equal(1, waiting.Status!.StartFailure!.ConsecutiveFailCount);
    }

    [Fact]
    public async Task Template_ChangedWhileRunning_AsksForRestartAndCopiesLabels()
    {
        string ns = await cluster.NewNamespaceAsync();
        await cluster.AddNodeAsync(ns);
        ObjectKey vm = await ApplyAsync(ns, "Always");
        await cluster.RunAsync(vm);
        await cluster.ApplyAsync(ns, Text("Always", "256Mi").Replace("app: web", "app: shop", StringComparison.Ordinal));
        VirtualMachine changed = await cluster.WaitAsync<VirtualMachine>(vm, v => v.Status?.Conditions.Find("RestartRequired") is { IsTrue: true });
        Assert.Contains("spec.template.spec.domain.memory.guest", changed.Status!.Conditions.Find("RestartRequired")!.Message, StringComparison.Ordinal);
        await cluster.WaitPodAsync(ns, p => p.Metadata.Label("app") == "shop");
    }

    [Fact]
    public async Task Node_Deleted_ItsPodsGoAndTheMachineStartsElsewhere()
    {
        string ns = await cluster.NewNamespaceAsync();
        Node node = await cluster.AddNodeAsync(ns);
        ObjectKey vm = await ApplyAsync(ns, "Always");
        Pod pod = await cluster.RunAsync(vm);
        await cluster.Api.Resource<Node>().DeleteAsync(node.Key, CancellationToken.None);
        await cluster.WaitGoneAsync<Pod>(pod.Key);
        await cluster.AddNodeAsync(ns, "16Gi");
        await cluster.RunAsync(vm);
    }

    [Fact]
    public async Task Apply_BrokenMachine_IsRefusedWithAllCauses()
    {
        string ns = await cluster.NewNamespaceAsync();
        ApiException e = await Assert.ThrowsAsync<ApiException>(() => cluster.ApplyAsync(
            ns,
            """
            apiVersion: kubevirt.io/v1
            kind: VirtualMachine
            metadata: {name: vm, namespace: NAMESPACE}
            spec: {template: {spec: {domain: {devices: {interfaces: [{name: default, masquerade: {}, ports: [{port: 70000}]}]}}, networks: [{name: default, pod: {}}]}}}
            """));
        Assert.Equal((422, "Invalid"), (e.Status.Code, e.Status.Reason));
        Assert.Equal(
            ["spec.runStrategy", "spec.template.spec.domain.devices.interfaces[0].ports[0].port", "spec.template.spec.domain.memory.guest"],
            e.Status.Details!.Causes!.Select(c => c.Field).Order(StringComparer.Ordinal));
    }

    private async Task<ObjectKey> ApplyAsync(string ns, string strategy, string memory = "128Mi")
    {
        await cluster.ApplyAsync(ns, Definition);
        await cluster.ApplyAsync(ns, Text(strategy, memory));
        return new ObjectKey(ns, "vm");
    }

    private static string Text(string strategy, string memory = "128Mi") =>
        Machine.Replace("STRATEGY", strategy, StringComparison.Ordinal).Replace("MEMORY", memory, StringComparison.Ordinal);
}
