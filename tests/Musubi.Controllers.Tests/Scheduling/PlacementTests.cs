using FsCheck;
using FsCheck.Fluent;
using Musubi.Api.Core;
using Musubi.Controllers.Scheduling;
using Musubi.Kubernetes.Objects;
using static Musubi.Controllers.Tests.Virtualization.Machines;

namespace Musubi.Controllers.Tests.Scheduling;

public class PlacementTests
{
    private const string SmallPod = "metadata: {name: p, namespace: ns}\nspec: {containers: [{name: c, resources: {requests: {memory: 1Gi, cpu: 500m}}}]}";

    [Fact]
    public void Choose_MemoryTooLarge_SaysHowMuchThereIs()
    {
        Pod pod = Read<Pod>("metadata: {name: p}\nspec: {containers: [{name: c, resources: {requests: {memory: 300Gi}}}]}");
        Placement placement = Placement.Choose(pod, [Load("a", taken: Read<Pod>(SmallPod))]);
        Assert.Null(placement.Node);
        Assert.Equal(
            "0/1 nodes are available: 1 Insufficient memory. It asks for 300Gi of memory (resources.requests.memory), the most that a node has free is 7Gi.",
            placement.Message);
    }

    [Fact]
    public void Choose_SeveralReasons_AreCounted()
    {
        Pod pod = Read<Pod>("metadata: {name: p}\nspec: {nodeSelector: {zone: b}, containers: [{name: c, resources: {requests: {x.io/y: 1}}}]}");
        string message = Placement.Choose(pod, [Load("a"), Load("b", ready: false)]).Message;
        Assert.StartsWith("0/2 nodes are available: 1 node(s) were not ready, 2 Insufficient x.io/y, 2 node(s) didn't match Pod's node affinity/selector.", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Choose_NoNodes_SaysSo() => Assert.Equal("no nodes available to schedule pods", Placement.Choose(Read<Pod>(SmallPod), []).Message);

    [Fact]
    public void Choose_TwoFit_TakesTheEmptierThenTheFirstByName()
    {
        Assert.Equal("b", Placement.Choose(Read<Pod>(SmallPod), [Load("a", taken: Read<Pod>(SmallPod)), Load("b")]).Node);
        Assert.Equal("a", Placement.Choose(Read<Pod>(SmallPod), [Load("b"), Load("a")]).Node);
    }

    [Theory]
    [InlineData("spec: {nodeSelector: {zone: a}}", true)]
    [InlineData("spec: {nodeSelector: {zone: b}}", false)]
    [InlineData("spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a, b]}]}]}}}}", true)]
    [InlineData("spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: DoesNotExist}]}]}}}}", false)]
    [InlineData("spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [a]}]}]}}}}", true)]
    [InlineData("spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{}]}}}}", false)]
    [InlineData("spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: Like}]}]}}}}", false)]
    public void Obstacles_SelectorAndAffinity_DecideByLabels(string pod, bool fits) => Assert.Equal(fits, NodeFit.Obstacles(Read<Pod>("metadata: {name: p}\n" + pod), Load("a")).Count == 0);

    [Theory]
    [InlineData("spec: {}", false)]
    [InlineData("spec: {tolerations: [{key: k, value: v, effect: NoSchedule}]}", true)]
    [InlineData("spec: {tolerations: [{key: k, operator: Exists}]}", true)]
    [InlineData("spec: {tolerations: [{operator: Exists}]}", true)]
    [InlineData("spec: {tolerations: [{key: k, value: other}]}", false)]
    [InlineData("spec: {tolerations: [{key: k, operator: Exists, effect: NoExecute}]}", false)]
    public void Obstacles_Taint_NeedsAToleration(string pod, bool fits)
    {
        NodeLoad load = Load("a");
        load.Node.Spec = new() { Taints = [new() { Key = "k", Value = "v", Effect = "NoSchedule" }] };
        Assert.Equal(fits, NodeFit.Obstacles(Read<Pod>("metadata: {name: p}\n" + pod), load).Count == 0);
    }

    [Fact]
    public void Obstacles_CordonedOrFull_AreNamed()
    {
        NodeLoad load = Load("a");
        load.Node.Spec = new() { Unschedulable = true };
        Assert.Contains("node(s) were unschedulable", NodeFit.Obstacles(Read<Pod>(SmallPod), load));
        Assert.Contains("Too many pods", NodeFit.Obstacles(Read<Pod>(SmallPod), Load("a") with { Pods = 10 }));
    }

    [Fact]
    public void Requests_InitContainersAndOverhead_CountAsSchedulersCountThem()
    {
        Pod pod = Read<Pod>(
            """
            metadata: {name: p}
            spec:
              overhead: {memory: 10Mi}
              initContainers: [{name: i, resources: {requests: {memory: 500Mi}}}]
              containers: [{name: a, resources: {requests: {memory: 100Mi}}}, {name: b, resources: {limits: {memory: 200Mi}}}]
            """);
        Assert.Equal("510Mi", NodeFit.Requests(pod)["memory"].ToString());
    }

    /// <summary>However pods arrive, no node is ever given more than it has.</summary>
    [Fact]
    public void Choose_AnySequence_NeverOvercommits() =>
        Prop.ForAll(Gen.Choose(1, 5000).ListOf().ToArbitrary(), sizes =>
        {
            Dictionary<string, List<Pod>> placed = new() { ["a"] = [], ["b"] = [], ["c"] = [] };
            foreach (int mebibytes in sizes)
            {
                Pod pod = new() { Spec = new() { Containers = [new() { Resources = new() { Requests = new() { ["memory"] = Quantity.FromBytes((long)mebibytes << 20) } } }] } };
                if (Placement.Choose(pod, [.. placed.Select(p => PodScheduler.Load(Load(p.Key).Node, p.Value))]).Node is { } node)
                {
                    placed[node].Add(pod);
                }
            }

            return placed.Values.All(pods => pods.Count <= 10 && PodScheduler.Load(new Node(), pods).Taken.GetValueOrDefault("memory") <= Quantity.Parse("8Gi"));
        }).QuickCheckThrowOnFailure();

    private static NodeLoad Load(string name, bool ready = true, Pod? taken = null) => PodScheduler.Load(
        new Node
        {
            Metadata = new() { Name = name, Labels = new() { ["zone"] = "a" } },
            Status = new()
            {
                Allocatable = new() { ["memory"] = Quantity.Parse("8Gi"), ["cpu"] = Quantity.Parse("4"), ["pods"] = Quantity.Parse("10") },
                Conditions = [new() { Type = "Ready", Status = ready ? Condition.True : Condition.Unknown }],
            },
        },
        taken is null ? [] : [taken]);
}
