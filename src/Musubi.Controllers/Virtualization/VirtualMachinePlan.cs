using Musubi.Api.KubeVirt;

namespace Musubi.Controllers.Virtualization;

/// <summary>What the controller sees of one virtual machine.</summary>
/// <param name="Vm">The virtual machine.</param>
/// <param name="Vmi">The instance of its name that it owns, if any.</param>
/// <param name="Now">The time.</param>
/// <param name="Jitter">A random number from 0 to 1, for back-off.</param>
internal sealed record VmObservation(VirtualMachine Vm, VirtualMachineInstance? Vmi, DateTimeOffset Now, double Jitter);

/// <summary>What is to be done about the instance.</summary>
internal enum VmAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Make one.</summary>
    Create,

    /// <summary>Delete it.</summary>
    Delete,
}

/// <summary>What is to be done about one virtual machine.</summary>
/// <param name="Action">About the instance.</param>
/// <param name="Requests">Requests that are still to be fulfilled.</param>
/// <param name="StartFailure">Failed starts in a row; null when there are none.</param>
/// <param name="RetryAfter">When to look again: the end of the back-off.</param>
/// <param name="StartExpected">Whether an instance is wanted, now or after the back-off.</param>
/// <param name="ReleaseInstance">Whether to let go of a terminating instance.</param>
internal sealed record VmPlan(
    VmAction Action,
    IReadOnlyList<StateChangeRequest> Requests,
    StartFailure? StartFailure,
    TimeSpan? RetryAfter,
    bool StartExpected,
    bool ReleaseInstance)
{
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestBackOff = TimeSpan.FromSeconds(300);

    /// <summary>Decides, from what is seen and nothing else.</summary>
    public static VmPlan Decide(VmObservation seen)
    {
        VirtualMachine vm = seen.Vm;
        VirtualMachineInstance? vmi = seen.Vmi;
        StartFailure? failure = CountFailure(vm.Status?.StartFailure, vmi, seen);
        List<StateChangeRequest> requests = Unfulfilled(vm.Status?.StateChangeRequests ?? [], vmi);
        bool release = vmi is { IsTerminating: true } && !vmi.Metadata.HasFinalizer(KubeVirtNames.VmiFinalizer)
            && vmi.Metadata.HasFinalizer(KubeVirtNames.VmControllerFinalizer);
        if (vm.IsTerminating)
        {
            bool orphan = vm.Metadata.HasFinalizer("orphan");
            VmAction end = vmi is { IsTerminating: false } && !orphan ? VmAction.Delete : VmAction.None;
            return new VmPlan(end, requests, failure, null, StartExpected: false, release || (orphan && vmi is not null));
        }

        string strategy = VirtualMachineActions.StrategyOf(vm);
        if (vmi is null)
        {
            bool wanted = WantsInstance(strategy, vm, requests);
            TimeSpan wait = failure?.RetryAfterTimestamp is { } retry && retry > seen.Now ? retry - seen.Now : TimeSpan.Zero;
            return wanted && wait == TimeSpan.Zero
                ? new VmPlan(VmAction.Create, requests, failure, null, StartExpected: true, release)
                : new VmPlan(VmAction.None, requests, failure, wanted ? wait : null, wanted, release);
        }

        bool final = VmiPhases.IsFinal(vmi.Status?.Phase);
        bool stopRequested = requests is [{ Action: "Stop" } first, ..] && first.Uid == vmi.Metadata.Uid;
        bool delete = strategy switch
        {
            RunStrategies.Halted => true,
            RunStrategies.Always or RunStrategies.RerunOnFailure => final || stopRequested,
            RunStrategies.Once => false,
            _ => stopRequested,
        };
        if (strategy == RunStrategies.RerunOnFailure && vmi.Status?.Phase == VmiPhases.Failed && !vmi.IsTerminating && !requests.Any(r => r.Action == "Start"))
        {
            // The instance is about to go; the request remembers that another one is due.
            requests.Add(new StateChangeRequest { Action = "Start" });
        }

        VmAction action = delete && !vmi.IsTerminating ? VmAction.Delete : VmAction.None;
        return new VmPlan(action, requests, failure, null, StartExpected: false, release);
    }

    private static bool WantsInstance(string strategy, VirtualMachine vm, List<StateChangeRequest> requests)
    {
        bool startRequested = requests is [{ Action: "Start" }, ..];
        bool justSwitched = vm.Status?.RunStrategy != strategy;
        return strategy switch
        {
            RunStrategies.Always => true,
            RunStrategies.Manual => startRequested,
            RunStrategies.RerunOnFailure => startRequested || justSwitched,
            RunStrategies.Once => justSwitched,
            _ => false,
        };
    }

    /// <summary>Requests from the first that is not done yet. A stop is done when its instance is gone, a start when an instance is alive.</summary>
    private static List<StateChangeRequest> Unfulfilled(List<StateChangeRequest> requests, VirtualMachineInstance? vmi)
    {
        bool alive = vmi is { IsTerminating: false } && !VmiPhases.IsFinal(vmi.Status?.Phase);
        return [.. requests.SkipWhile(r => r.Action == "Stop" ? vmi?.Metadata.Uid != r.Uid || r.Uid is null : alive)];
    }

    /// <summary>Only instances that failed before they ever ran count; one that ran clears the count.</summary>
    private static StartFailure? CountFailure(StartFailure? before, VirtualMachineInstance? vmi, VmObservation seen)
    {
        if (vmi is null)
        {
            return before;
        }

        bool ran = vmi.Status?.Phase == VmiPhases.Running
            || vmi.Status?.PhaseTransitionTimestamps?.Exists(p => p.Phase == VmiPhases.Running) == true;
        if (ran)
        {
            return null;
        }

        if (vmi.Status?.Phase != VmiPhases.Failed || before?.LastFailedVMIUID == vmi.Metadata.Uid)
        {
            return before;
        }

        int count = (before?.ConsecutiveFailCount ?? 0) + 1;
        TimeSpan delay = FirstBackOff * Math.Min((double)count * count, 1000) * (1 + (seen.Jitter / 2));
        return new StartFailure
        {
            ConsecutiveFailCount = count,
            LastFailedVMIUID = vmi.Metadata.Uid,
            RetryAfterTimestamp = seen.Now + (delay < LongestBackOff ? delay : LongestBackOff),
        };
    }
}
