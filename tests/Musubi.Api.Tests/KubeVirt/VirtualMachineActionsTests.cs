using System.Text.Json.Nodes;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Tests.KubeVirt;

public class VirtualMachineActionsTests
{
    private const string StopThis = """{"status":{"stateChangeRequests":[{"action":"Stop","uid":"u1"}]}}""";
    private const string StartAnother = """{"status":{"stateChangeRequests":[{"action":"Start"}]}}""";
    private const string Restart = """{"status":{"stateChangeRequests":[{"action":"Stop","uid":"u1"},{"action":"Start"}]}}""";

    [Theory]
    [InlineData("start", "Halted", null, """{"spec":{"runStrategy":"Always"}}""")]
    [InlineData("start", "Manual", null, StartAnother)]
    [InlineData("start", "RerunOnFailure", null, StartAnother)]
    [InlineData("start", "Manual", "Succeeded", Restart)]
    [InlineData("start", "Always", null, "refused")]
    [InlineData("start", "Once", null, "refused")]
    [InlineData("start", "Manual", "Running", "refused")]
    [InlineData("stop", "Always", "Running", """{"spec":{"runStrategy":"Halted"}}""")]
    [InlineData("stop", "Once", "Running", """{"spec":{"runStrategy":"Halted"}}""")]
    [InlineData("stop", "Manual", "Running", StopThis)]
    [InlineData("stop", "RerunOnFailure", "Scheduling", StopThis)]
    [InlineData("stop", "Manual", null, "refused")]
    [InlineData("stop", "Manual", "Failed", "refused")]
    [InlineData("restart", "Always", "Running", Restart)]
    [InlineData("restart", "Manual", "Running", Restart)]
    [InlineData("restart", "Always", null, "refused")]
    [InlineData("restart", "Halted", "Running", "refused")]
    public void Decide_ActionAndStrategy_GivesPatch(string action, string strategy, string? phase, string expected) =>
        Assert.Equal(expected, Decide(action, new VirtualMachineSpec { RunStrategy = strategy }, phase));

    [Theory]
    [InlineData("start", false, null, """{"spec":{"running":true}}""")]
    [InlineData("stop", true, "Running", """{"spec":{"running":false}}""")]
    public void Decide_DeprecatedRunning_ChangesThatField(string action, bool running, string? phase, string expected) =>
        Assert.Equal(expected, Decide(action, new VirtualMachineSpec { Running = running }, phase));

    private static string Decide(string action, VirtualMachineSpec spec, string? phase)
    {
        VirtualMachine vm = new() { Metadata = new() { Name = "vm" }, Spec = spec };
        VirtualMachineInstance? vmi = phase is null ? null : new() { Metadata = new() { Uid = "u1" }, Status = new() { Phase = phase } };
        try
        {
            JsonObject patch = (action switch
            {
                "start" => VirtualMachineActions.DecideStart(vm, vmi),
                "stop" => VirtualMachineActions.DecideStop(vm, vmi),
                _ => VirtualMachineActions.DecideRestart(vm, vmi),
            }).Patch;
            return patch.ToJsonString();
        }
        catch (ApiException e) when (e.IsConflict)
        {
            return "refused";
        }
    }
}
