using FsCheck;
using FsCheck.Fluent;
using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Controllers.Virtualization;
using Musubi.Kubernetes.Objects;
using static Musubi.Controllers.Tests.Virtualization.Machines;

namespace Musubi.Controllers.Tests.Virtualization;

public class VmiPlanTests
{
    [Fact]
    public void Decide_New_CreatesPod()
    {
        VmiPlan plan = Plan(Vmi(null));
        Assert.Equal((VmiPhases.Pending, true), (plan.Phase, plan.CreatePod));
    }

    [Theory]
    [InlineData(null, "Pending", false, "Scheduling")]
    [InlineData("Pending", "Running", false, "Scheduling")]
    [InlineData("Scheduling", "Running", true, "Scheduled")]
    [InlineData("Scheduled", "Running", true, "Scheduled")]
    [InlineData("Running", "Running", true, "Running")]
    [InlineData("Running", "Failed", false, "Failed")]
    [InlineData("Running", "Succeeded", false, "Succeeded")]
    [InlineData("Scheduling", "Failed", false, "Failed")]
    [InlineData("Succeeded", "Failed", false, "Succeeded")]
    public void Decide_PodState_GivesPhase(string? phase, string podPhase, bool ready, string expected) =>
        Assert.Equal(expected, Plan(Vmi(phase), Pod(podPhase, ready)).Phase);

    [Fact]
    public void Decide_PodReady_HandsOverToItsNode()
    {
        VmiObservation seen = Seen(Vmi("Scheduling"), Pod("Running", ready: true));
        VmiPlan plan = VmiPlan.Decide(seen);
        VirtualMachineInstanceStatus status = VmiStatusWriter.Write(seen, plan);
        Assert.Equal(("Scheduled", "node-a"), (status.Phase, status.NodeName));
        Assert.Equal("node-a", status.ActivePods!["p1"]);
        Assert.Equal("Scheduled", Assert.Single(status.PhaseTransitionTimestamps!).Phase);
    }

    [Theory]
    [InlineData("Scheduling")]
    [InlineData("Scheduled")]
    [InlineData("Running")]
    public void Decide_PodGone_FailsAfterAskingTheServer(string phase)
    {
        VmiPlan plan = Plan(Vmi(phase));
        Assert.Equal((VmiPhases.Failed, true, false), (plan.Phase, plan.ConfirmPodGone, plan.CreatePod));
    }

    [Fact]
    public void Decide_Terminating_DeletesPodThenReleases()
    {
        VmiPlan first = Plan(Vmi("Running", terminating: true), Pod("Running", ready: true));
        Assert.Single(first.DeletePods!);
        Assert.False(first.Release);
        VmiPlan waiting = Plan(Vmi("Running", terminating: true), Pod("Running", ready: true, terminating: true));
        Assert.Empty(waiting.DeletePods!);
        Assert.False(waiting.Release);
        VmiPlan last = Plan(Vmi("Running", terminating: true));
        Assert.Equal((VmiPhases.Failed, true, true), (last.Phase, last.Release, last.ConfirmPodGone));
        Assert.Equal(VmiPhases.Succeeded, Plan(Vmi("Succeeded", terminating: true)).Phase);
    }

    [Fact]
    public void Decide_DefinitionMissing_NamesFieldAndRemedyAndMakesNoPod()
    {
        VirtualMachineInstance vmi = Read<VirtualMachineInstance>(
            """
            metadata: {name: vm, namespace: ns}
            spec: {networks: [{name: default, pod: {}}, {name: second, multus: {networkName: data}}]}
            """);
        VmiPlan plan = Plan(vmi);
        Assert.False(plan.CreatePod);
        Assert.Equal(VmiPhases.Pending, plan.Phase);
        Assert.Equal("FailedCreate", plan.Obstacle!.Reason);
        Assert.Contains("spec.networks[1].multus.networkName: NetworkAttachmentDefinition \"ns/data\" does not exist; create it", plan.Obstacle.Message, StringComparison.Ordinal);

        Dictionary<ObjectKey, NetworkAttachmentDefinition> there = new() { [new("ns", "data")] = new() };
        Assert.True(VmiPlan.Decide(new VmiObservation(vmi, [], there, Now)).CreatePod);
    }

    [Fact]
    public void Decide_VolumeTheClusterHasNot_MakesNoPod()
    {
        VmiPlan plan = Plan(Read<VirtualMachineInstance>("metadata: {name: vm}\nspec: {volumes: [{name: root, persistentVolumeClaim: {claimName: c}}]}"));
        Assert.Equal("FailedPvcNotFound", plan.Obstacle!.Reason);
        Assert.Contains("spec.volumes[0].persistentVolumeClaim", plan.Obstacle.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ErrImagePull")]
    [InlineData("FailedMount")]
    public void Decide_NodeCannotStartThePod_SaysSoInSynchronizedUntilItCan(string reason)
    {
        Pod pod = Pod("Pending");
        pod.Status!.ContainerStatuses = [new() { Name = "compute", State = new() { Waiting = new() { Reason = reason, Message = "no image x" } } }];
        VmiObservation seen = Seen(Vmi("Scheduling"), pod);
        VirtualMachineInstanceStatus status = VmiStatusWriter.Write(seen, VmiPlan.Decide(seen));
        Condition synchronized = status.Conditions.Find("Synchronized")!;
        Assert.Equal((Condition.False, reason, "no image x"), (synchronized.Status, synchronized.Reason, synchronized.Message));

        VmiObservation later = Seen(Vmi("Scheduling") with { Status = status }, Pod("Running", ready: true));
        Assert.Null(VmiStatusWriter.Write(later, VmiPlan.Decide(later)).Conditions.Find("Synchronized"));
    }

    /// <summary>Whatever is seen: at most one living pod, never back from a final phase, and no release while a pod is there.</summary>
    [Fact]
    public void Decide_AnyObservation_KeepsItsPromises()
    {
        Gen<Pod> pod =
            from podPhase in Gen.Elements("Pending", "Running", "Succeeded", "Failed")
            from ready in Gen.Elements(true, false)
            from terminating in Gen.Elements(true, false)
            from node in Gen.Elements("", "node-a")
            select Pod(podPhase, ready, terminating, node);
        Gen<VmiObservation> observation =
            from phase in Gen.Elements<string?>(null, "", "Pending", "Scheduling", "Scheduled", "Running", "Succeeded", "Failed", "Unknown")
            from terminating in Gen.Elements(true, false)
            from pods in pod.ListOf()
            select Seen(Vmi(phase, terminating), [.. pods.Take(3).Select((p, i) => p with { Metadata = p.Metadata with { Uid = $"p{i}" } })]);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(observation.ToArbitrary(), seen =>
        {
            VmiPlan plan = VmiPlan.Decide(seen);
            VirtualMachineInstanceStatus status = VmiStatusWriter.Write(seen, plan);
            string? before = seen.Vmi.Status!.Phase;
            return (!plan.CreatePod || (seen.Pods.Count == 0 && !seen.Vmi.IsTerminating))
                && (!VmiPhases.IsFinal(before) || plan.Phase == before)
                && (!plan.Release || seen.Pods.Count == 0)
                && (plan.HandOver is null || (plan.Phase == VmiPhases.Scheduled && plan.HandOver.Spec!.NodeName == "node-a"))
                && status.Conditions.Find("Ready") is not null
                && (status.PhaseTransitionTimestamps ?? []).GroupBy(t => t.Phase).All(g => g.Count() == 1);
        }));
    }

    [Fact]
    public void Write_NodeAgentsPart_IsLeftAlone()
    {
        VirtualMachineInstance vmi = Vmi("Running");
        vmi.Status!.Interfaces = [new() { Name = "default" }];
        vmi.Status.Conditions = [new() { Type = "AgentConnected", Status = "True" }, new() { Type = "Synchronized", Status = "False", Reason = "NodeReason" }];
        VmiObservation seen = Seen(vmi, Pod("Running", ready: true));
        VirtualMachineInstanceStatus status = VmiStatusWriter.Write(seen, VmiPlan.Decide(seen));
        Assert.Single(status.Interfaces!);
        Assert.Equal(["AgentConnected", "Ready", "Synchronized"], status.Conditions!.Select(c => c.Type).Order(StringComparer.Ordinal));
        Assert.True(status.Conditions.Find("Ready")!.IsTrue);
    }

    [Fact]
    public void Write_Unschedulable_IsMirroredAndTakenBack()
    {
        Pod pod = Pod("Pending", node: "");
        pod.Status!.Conditions = [new() { Type = "PodScheduled", Status = "False", Reason = "Unschedulable", Message = "0/1" }];
        VmiObservation seen = Seen(Vmi("Scheduling"), pod);
        VirtualMachineInstanceStatus status = VmiStatusWriter.Write(seen, VmiPlan.Decide(seen));
        Assert.Equal("0/1", status.Conditions.Find("PodScheduled")!.Message);
        VmiObservation later = Seen(Vmi("Scheduling") with { Status = status }, Pod("Pending"));
        Assert.Null(VmiStatusWriter.Write(later, VmiPlan.Decide(later)).Conditions.Find("PodScheduled"));
    }

    private static VmiObservation Seen(VirtualMachineInstance vmi, params Pod[] pods) => new(vmi, pods, new Dictionary<ObjectKey, NetworkAttachmentDefinition>(), Now);

    private static VmiPlan Plan(VirtualMachineInstance vmi, params Pod[] pods) => VmiPlan.Decide(Seen(vmi, pods));
}
