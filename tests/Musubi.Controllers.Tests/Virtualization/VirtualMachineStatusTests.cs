using System.Text.Json.Nodes;
using Musubi.Api.KubeVirt;
using Musubi.Api.KubeVirt.Validation;
using Musubi.Controllers.Virtualization;
using Musubi.Kubernetes.Objects;
using static Musubi.Controllers.Tests.Virtualization.Machines;

namespace Musubi.Controllers.Tests.Virtualization;

public class VirtualMachineStatusTests
{
    [Theory]
    [InlineData("Always", "Running", "Running")]
    [InlineData("Always", "Scheduling", "Starting")]
    [InlineData("Always", "", "Starting")]
    [InlineData("Always", "none", "Starting")]
    [InlineData("Halted", "none", "Stopped")]
    [InlineData("Halted", "Running", "Stopping")]
    [InlineData("Manual", "Succeeded", "Stopped")]
    [InlineData("Manual", "Unknown", "Unknown")]
    public void Write_Phase_GivesPrintableStatus(string strategy, string phase, string expected) =>
        Assert.Equal(expected, Write(Vm(strategy, strategy), phase == "none" ? null : Vmi(phase)).PrintableStatus);

    [Theory]
    [InlineData("Paused", "True", null, "Running", "Paused")]
    [InlineData("PodScheduled", "False", "Unschedulable", "Scheduling", "ErrorUnschedulable")]
    [InlineData("Synchronized", "False", "ErrImagePull", "Scheduling", "ErrImagePull")]
    [InlineData("Synchronized", "False", "FailedPvcNotFound", "Pending", "ErrorPvcNotFound")]
    public void Write_InstanceCondition_GivesPrintableStatusAndIsMirrored(string type, string status, string? reason, string phase, string expected)
    {
        VirtualMachineInstance vmi = Vmi(phase);
        vmi.Status!.Conditions = [new() { Type = type, Status = status, Reason = reason }];
        VirtualMachineStatus written = Write(Vm("Always", "Always"), vmi);
        Assert.Equal(expected, written.PrintableStatus);
        Assert.Equal(status, written.Conditions.Find(type)!.Status);
    }

    [Fact]
    public void Write_BackOff_ShowsCrashLoop()
    {
        VirtualMachine vm = Vm("Always", "Always");
        vm.Status!.StartFailure = new() { ConsecutiveFailCount = 2, RetryAfterTimestamp = Now.AddSeconds(30) };
        Assert.Equal("CrashLoopBackOff", Write(vm, null).PrintableStatus);
    }

    [Fact]
    public void Write_TerminatingMachine_ShowsTerminating()
    {
        VirtualMachine vm = Vm("Always") with { Metadata = new() { DeletionTimestamp = Now } };
        Assert.Equal("Terminating", Write(vm, Vmi("Running")).PrintableStatus);
    }

    [Fact]
    public void Write_InstanceLosesCondition_MachineLosesIt()
    {
        VirtualMachine vm = Vm("Always", "Always");
        vm.Status!.Conditions = [new() { Type = "AgentConnected", Status = "True" }, new() { Type = "Failure", Status = "True" }];
        VirtualMachineStatus written = Write(vm, Vmi("Running"));
        Assert.Equal(["Ready"], written.Conditions!.Select(c => c.Type));
        Assert.Equal("VMIConditionMissing", written.Conditions.Find("Ready")!.Reason);
    }

    [Fact]
    public void Write_NoInstance_IsNotReadyAndNotCreated()
    {
        VirtualMachineStatus written = Write(Vm("Halted"), null);
        Assert.Null(written.Created);
        Assert.Null(written.Ready);
        Assert.Equal("VMINotExists", written.Conditions.Find("Ready")!.Reason);
        Assert.Equal(3, written.ObservedGeneration);
    }

    [Fact]
    public void Write_OnceBeforeItsInstanceIsMade_DoesNotCountAsActedOn()
    {
        VmObservation seen = new(Vm("Once"), null, Now, 0);
        VmPlan plan = VmPlan.Decide(seen);
        Assert.Null(VirtualMachineStatusWriter.Write(seen, plan, "refused").RunStrategy);
        Assert.Equal("Once", VirtualMachineStatusWriter.Write(seen, plan, null).RunStrategy);
    }

    [Theory]
    [InlineData("{}", "")]
    [InlineData("""{"nodeSelector":{"a":"b"}}""", "")]
    [InlineData("""{"terminationGracePeriodSeconds":5}""", "spec.template.spec.terminationGracePeriodSeconds")]
    [InlineData("""{"domain":{"memory":{"guest":"2Gi"}}}""", "spec.template.spec.domain.memory.guest")]
    [InlineData("""{"domain":{"devices":{"interfaces":[{"name":"default","bridge":{}}]}},"networks":[{"name":"default","pod":{}}]}""", "spec.template.spec.domain.devices.interfaces")]
    public void NeedRestart_TemplateChange_NamesFieldsThatCannotBeAppliedLive(string change, string expected)
    {
        JsonObject template = JsonNode.Parse("""{"domain":{"memory":{"guest":"1Gi"},"firmware":{"uuid":"u","serial":"s"}}}""")!.AsObject();
        JsonObject running = template.DeepClone().AsObject();
        VmiDefaults.Apply(running);
        JsonObject changed = Kubernetes.Client.MergePatch.Apply(template, JsonNode.Parse(change))!.AsObject();
        VirtualMachine vm = new JsonObject { ["spec"] = new JsonObject { ["template"] = new JsonObject { ["spec"] = changed } } }.To<VirtualMachine>();
        VirtualMachineInstance vmi = new JsonObject { ["spec"] = running }.To<VirtualMachineInstance>();
        Assert.Equal(expected, string.Join(' ', VirtualMachineStatusWriter.NeedRestart(vm, vmi)));
    }

    [Fact]
    public void InstanceOf_Machine_HasTemplateLabelsAndOwner()
    {
        VirtualMachine vm = Vm("Always");
        vm.Metadata.Labels = new() { ["not"] = "copied" };
        vm.Spec!.Template!.Metadata = new() { Labels = new() { ["app"] = "web" }, Annotations = new() { ["note"] = "x" } };
        VirtualMachineInstance vmi = VirtualMachineReconciler.InstanceOf(vm);
        Assert.Equal("app=web", string.Join(',', vmi.Metadata.Labels!.Select(l => $"{l.Key}={l.Value}")));
        Assert.Equal(("x", "3"), (vmi.Metadata.Annotation("note"), vmi.Metadata.Annotation(KubeVirtNames.VmGenerationAnnotation)));
        Assert.Equal(("vm-uid", "VirtualMachine"), (vmi.Metadata.Controller!.Uid, vmi.Metadata.Controller.Kind));
    }

    private static VirtualMachineStatus Write(VirtualMachine vm, VirtualMachineInstance? vmi)
    {
        VmObservation seen = new(vm, vmi, Now, 0);
        return VirtualMachineStatusWriter.Write(seen, VmPlan.Decide(seen), null);
    }
}
