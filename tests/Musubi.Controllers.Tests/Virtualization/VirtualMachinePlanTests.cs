using FsCheck;
using FsCheck.Fluent;
using Musubi.Api.KubeVirt;
using Musubi.Controllers.Virtualization;
using static Musubi.Controllers.Tests.Virtualization.Machines;

namespace Musubi.Controllers.Tests.Virtualization;

public class VirtualMachinePlanTests
{
    [Theory]
    [InlineData("Always", "Always", null, "Create")]
    [InlineData("Always", "Always", "Running", "None")]
    [InlineData("Always", "Always", "Succeeded", "Delete")]
    [InlineData("Always", "Always", "Failed", "Delete")]
    [InlineData("Halted", "Halted", null, "None")]
    [InlineData("Halted", "Always", "Running", "Delete")]
    [InlineData("Manual", "Manual", null, "None")]
    [InlineData("Manual", null, null, "None")]
    [InlineData("Manual", "Manual", "Failed", "None")]
    [InlineData("RerunOnFailure", null, null, "Create")]
    [InlineData("RerunOnFailure", "Halted", null, "Create")]
    [InlineData("RerunOnFailure", "RerunOnFailure", null, "None")]
    [InlineData("RerunOnFailure", "RerunOnFailure", "Failed", "Delete")]
    [InlineData("RerunOnFailure", "RerunOnFailure", "Succeeded", "Delete")]
    [InlineData("Once", null, null, "Create")]
    [InlineData("Once", "Once", null, "None")]
    [InlineData("Once", "Once", "Failed", "None")]
    [InlineData("Once", "Once", "Succeeded", "None")]
    public void Decide_StrategyAndPhase_FollowTheTable(string strategy, string? last, string? phase, string action) =>
        Assert.Equal(action, Plan(Vm(strategy, last), phase is null ? null : Vmi(phase, ran: true)).Action.ToString());

    [Theory]
    [InlineData("Manual")]
    [InlineData("RerunOnFailure")]
    public void Decide_StartRequested_CreatesAndKeepsTheRequestUntilSeen(string strategy)
    {
        VmPlan plan = Plan(Vm(strategy, strategy, Start), null);
        Assert.Equal(VmAction.Create, plan.Action);
        Assert.Single(plan.Requests);
        Assert.Empty(Plan(Vm(strategy, strategy, Start), Vmi("Pending")).Requests);
    }

    [Theory]
    [InlineData("Always")]
    [InlineData("Manual")]
    [InlineData("RerunOnFailure")]
    public void Decide_Restart_DeletesThenCreates(string strategy)
    {
        VirtualMachine vm = Vm(strategy, strategy, Stop(), Start);
        VmPlan first = Plan(vm, Vmi("Running", ran: true));
        Assert.Equal((VmAction.Delete, 2), (first.Action, first.Requests.Count));
        VmPlan then = Plan(vm, null);
        Assert.Equal((VmAction.Create, 1), (then.Action, then.Requests.Count));
        VmPlan last = Plan(vm, Vmi("Pending", uid: "u2"));
        Assert.Equal((VmAction.None, 0), (last.Action, last.Requests.Count));
    }

    [Fact]
    public void Decide_StopOfAnEarlierInstance_IsForgotten()
    {
        VmPlan plan = Plan(Vm("Manual", "Manual", Stop("other")), Vmi("Running", ran: true));
        Assert.Equal((VmAction.None, 0), (plan.Action, plan.Requests.Count));
    }

    [Fact]
    public void Decide_RerunAfterFailure_RemembersTheStart()
    {
        VmPlan plan = Plan(Vm("RerunOnFailure", "RerunOnFailure"), Vmi("Failed", ran: true));
        Assert.Equal("Start", Assert.Single(plan.Requests).Action);
    }

    [Fact]
    public void Decide_FailedBeforeItRan_BacksOffQuadratically()
    {
        VirtualMachine vm = Vm("Always", "Always");
        foreach ((int count, int seconds) in new[] { (1, 10), (2, 40), (3, 90), (4, 160), (5, 250), (6, 300), (7, 300) })
        {
            VmPlan plan = Plan(vm, Vmi("Failed", uid: $"u{count}"));
            Assert.Equal(count, plan.StartFailure!.ConsecutiveFailCount);
            Assert.Equal(Now.AddSeconds(seconds), plan.StartFailure.RetryAfterTimestamp);
            vm.Status!.StartFailure = plan.StartFailure;
        }

        VmPlan waiting = Plan(vm, null);
        Assert.Equal(VmAction.None, waiting.Action);
        Assert.Equal(TimeSpan.FromSeconds(300), waiting.RetryAfter);
        Assert.Equal(VmAction.Create, VmPlan.Decide(new VmObservation(vm, null, Now.AddSeconds(300), 0)).Action);
    }

    [Fact]
    public void Decide_SameFailedInstanceSeenAgain_CountsOnce()
    {
        VirtualMachine vm = Vm("Always", "Always");
        vm.Status!.StartFailure = Plan(vm, Vmi("Failed")).StartFailure;
        Assert.Equal(1, Plan(vm, Vmi("Failed")).StartFailure!.ConsecutiveFailCount);
    }

    [Fact]
    public void Decide_InstanceRan_ClearsFailures()
    {
        VirtualMachine vm = Vm("Always", "Always");
        vm.Status!.StartFailure = new() { ConsecutiveFailCount = 3 };
        Assert.Null(Plan(vm, Vmi("Running")).StartFailure);
        Assert.Null(Plan(vm, Vmi("Failed", ran: true)).StartFailure);
    }

    [Fact]
    public void Decide_MachineDeleted_DeletesAndReleasesTheInstance()
    {
        VirtualMachine vm = Vm("Always", "Always") with { Metadata = new() { Name = "vm", Uid = "vm-uid", DeletionTimestamp = Now } };
        Assert.Equal(VmAction.Delete, Plan(vm, Vmi("Running")).Action);
        VirtualMachineInstance going = Vmi("Succeeded", terminating: true);
        Assert.False(Plan(vm, going).ReleaseInstance);
        going.Metadata.Finalizers = [KubeVirtNames.VmControllerFinalizer];
        Assert.True(Plan(vm, going).ReleaseInstance);
    }

    /// <summary>Whatever is seen: never two actions at once on a terminating instance, never a start of a halted machine, and jitter stays in bounds.</summary>
    [Fact]
    public void Decide_AnyObservation_KeepsItsPromises() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(Observations().ToArbitrary(), seen =>
        {
            VmPlan plan = VmPlan.Decide(seen);
            bool createOnlyWithoutInstance = plan.Action != VmAction.Create || (seen.Vmi is null && seen.Vm.Spec!.RunStrategy != RunStrategies.Halted);
            bool deleteOnlyLiving = plan.Action != VmAction.Delete || seen.Vmi is { IsTerminating: false };
            bool retryBounded = plan.RetryAfter is not { } wait || (wait > TimeSpan.Zero && wait <= TimeSpan.FromSeconds(450));
            bool requestsShrinkOrOneMore = plan.Requests.Count <= (seen.Vm.Status!.StateChangeRequests?.Count ?? 0) + 1;
            VirtualMachineStatus status = VirtualMachineStatusWriter.Write(seen, plan, null);
            return createOnlyWithoutInstance && deleteOnlyLiving && retryBounded && requestsShrinkOrOneMore && status.PrintableStatus is { Length: > 0 };
        }));

    private static Gen<VmObservation> Observations() =>
        from strategy in Gen.Elements("Always", "Halted", "Manual", "RerunOnFailure", "Once")
        from last in Gen.Elements<string?>(null, "Always", "Manual", "Once", "RerunOnFailure")
        from requests in Gen.Elements(Start, Stop(), Stop("u2")).ListOf()
        from phase in Gen.Elements<string?>("none", null, "Pending", "Scheduling", "Running", "Succeeded", "Failed")
        from terminating in Gen.Elements(true, false)
        from failures in Gen.Choose(0, 20)
        from jitter in Gen.Choose(0, 100)
        select new VmObservation(
            Vm(strategy, last, [.. requests]) with
            {
                Status = new() { RunStrategy = last, StateChangeRequests = [.. requests], StartFailure = failures == 0 ? null : new() { ConsecutiveFailCount = failures, RetryAfterTimestamp = Now.AddSeconds(failures) } },
            },
            phase == "none" ? null : Vmi(phase, terminating),
            Now,
            jitter / 100.0);

    private static VmPlan Plan(VirtualMachine vm, VirtualMachineInstance? vmi) => VmPlan.Decide(new VmObservation(vm, vmi, Now, 0));
}
