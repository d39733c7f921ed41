using System.Text.Json.Nodes;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.KubeVirt;

/// <summary>Start, stop and restart of virtual machines, as the run strategy has it: by changing the specification, or by a request in the status.</summary>
public static class VirtualMachineActions
{
    /// <summary>Starts a machine.</summary>
    /// <exception cref="ApiException">409 when it runs already or its strategy leaves no choice; 404 when it does not exist.</exception>
    public static Task<VirtualMachine> StartAsync(ApiClient api, ObjectKey key, CancellationToken ct) => ActAsync(api, key, DecideStart, ct);

    /// <summary>Stops a machine.</summary>
    /// <param name="api">Client.</param>
    /// <param name="key">The machine.</param>
    /// <param name="gracePeriodSeconds">Time for an orderly shutdown; null leaves it to the machine.</param>
    /// <param name="ct">Cancels the call.</param>
    /// <exception cref="ApiException">409 when it does not run or its strategy leaves no choice; 404 when it does not exist.</exception>
    public static async Task<VirtualMachine> StopAsync(ApiClient api, ObjectKey key, long? gracePeriodSeconds, CancellationToken ct)
    {
        if (gracePeriodSeconds is { } grace && await api.Resource<VirtualMachineInstance>().FindAsync(key, ct) is not null)
        {
            JsonObject annotations = new() { [KubeVirtNames.StopGracePeriodAnnotation] = grace.ToString() };
            JsonObject patch = new() { ["metadata"] = new JsonObject { ["annotations"] = annotations } };
            await api.Resource<VirtualMachineInstance>().PatchAsync(key, Patch.Merge(patch), ct);
        }

        return await ActAsync(api, key, DecideStop, ct);
    }

    /// <summary>Stops the running instance and starts another one.</summary>
    /// <exception cref="ApiException">409 when it does not run; 404 when it does not exist.</exception>
    public static Task<VirtualMachine> RestartAsync(ApiClient api, ObjectKey key, CancellationToken ct) => ActAsync(api, key, DecideRestart, ct);

    /// <summary>The strategy in force, whichever of the two fields says it.</summary>
    public static string StrategyOf(VirtualMachine vm) => vm.Spec?.RunStrategy is { Length: > 0 } strategy ? strategy
        : vm.Spec?.Running == true ? RunStrategies.Always
        : RunStrategies.Halted;

    /// <summary>What to patch: the specification, or the status.</summary>
    internal sealed record Decision(JsonObject Patch, bool InStatus);

    internal static Decision DecideStart(VirtualMachine vm, VirtualMachineInstance? vmi)
    {
        bool alive = vmi is not null && !VmiPhases.IsFinal(vmi.Status?.Phase) && !vmi.IsTerminating;
        string strategy = StrategyOf(vm);
        return strategy switch
        {
            _ when alive => throw Refused(vm, "it is running already"),
            RunStrategies.Halted => Strategy(vm, RunStrategies.Always),
            RunStrategies.Manual or RunStrategies.RerunOnFailure => Requests(vm, vmi is not null && !vmi.IsTerminating ? [Stop(vmi), Start()] : [Start()]),
            _ => throw Refused(vm, $"runStrategy {strategy} does not support manual start requests"),
        };
    }

    internal static Decision DecideStop(VirtualMachine vm, VirtualMachineInstance? vmi)
    {
        string strategy = StrategyOf(vm);
        bool there = vmi is not null && !VmiPhases.IsFinal(vmi.Status?.Phase);
        return strategy switch
        {
            RunStrategies.Always or RunStrategies.Once => Strategy(vm, RunStrategies.Halted),
            _ when !there => throw Refused(vm, "it is not running"),
            RunStrategies.Manual or RunStrategies.RerunOnFailure => Requests(vm, [Stop(vmi!)]),
            _ => Requests(vm, []),
        };
    }

    internal static Decision DecideRestart(VirtualMachine vm, VirtualMachineInstance? vmi) => StrategyOf(vm) switch
    {
        RunStrategies.Halted => throw Refused(vm, $"runStrategy {RunStrategies.Halted} does not support restart; start it"),
        RunStrategies.Once => throw Refused(vm, $"runStrategy {RunStrategies.Once} does not support restart"),
        _ when vmi is null || VmiPhases.IsFinal(vmi.Status?.Phase) => throw Refused(vm, "it is not running"),
        _ => Requests(vm, [Stop(vmi), Start()]),
    };

    private static async Task<VirtualMachine> ActAsync(
        ApiClient api, ObjectKey key, Func<VirtualMachine, VirtualMachineInstance?, Decision> decide, CancellationToken ct)
    {
        ResourceClient<VirtualMachine> machines = api.Resource<VirtualMachine>();
        for (int attempt = 1; ; attempt++)
        {
            VirtualMachine vm = await machines.GetAsync(key, ct);
            VirtualMachineInstance? vmi = await api.Resource<VirtualMachineInstance>().FindAsync(key, ct);
            Decision decision = decide(vm, vmi);

            // The decision holds for the object that was read: the patch is refused when it changed meanwhile.
            decision.Patch.ObjectOrNew("metadata")["resourceVersion"] = vm.Metadata.ResourceVersion;
            try
            {
                return await machines.PatchAsync(key, Patch.Merge(decision.Patch), ct, decision.InStatus ? "status" : null);
            }
            catch (ApiException e) when (e.IsConflict && attempt < 5)
            {
                // changed meanwhile: decide again
            }
        }
    }

    private static Decision Strategy(VirtualMachine vm, string strategy)
    {
        JsonObject spec = vm.Spec?.Running is null ? new() { ["runStrategy"] = strategy } : new() { ["running"] = strategy == RunStrategies.Always };
        return new Decision(new JsonObject { ["spec"] = spec }, InStatus: false);
    }

    private static Decision Requests(VirtualMachine vm, JsonObject[] requests)
    {
        if (requests.Length > 0 && vm.Status?.StateChangeRequests is { Count: > 0 } pending && !pending.All(p => p.Action == "Start" && requests.Length > 1))
        {
            throw Refused(vm, $"another request is waiting to be fulfilled ({string.Join(", ", pending.Select(p => p.Action))}); try again in a moment");
        }

        return new Decision(new JsonObject { ["status"] = new JsonObject { ["stateChangeRequests"] = new JsonArray([.. requests]) } }, InStatus: true);
    }

    private static JsonObject Start() => new() { ["action"] = "Start" };

    private static JsonObject Stop(VirtualMachineInstance vmi) => new() { ["action"] = "Stop", ["uid"] = vmi.Metadata.Uid };

    private static ApiException Refused(VirtualMachine vm, string why) => new(ApiStatus.Conflict(VirtualMachine.Resource, vm.Metadata.Name ?? "", why));
}
