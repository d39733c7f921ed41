using System.Text.Json.Nodes;
using Musubi.Api.Core;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Tests.Server;

/// <summary>A cluster that loses patience with silent nodes soon.</summary>
public sealed class ImpatientCluster : TestCluster
{
    private protected override ControllerOptions Options { get; } = new() { NodeGracePeriod = TimeSpan.FromSeconds(2), OrphanedPodGracePeriod = TimeSpan.FromSeconds(1) };
}

public class SilentNodeTests(ImpatientCluster cluster) : IClassFixture<ImpatientCluster>
{
    [Fact]
    public async Task Lease_NoLongerRenewed_NodeBecomesUnknown_AndTheLivelyOneDoesNot()
    {
        string ns = await cluster.NewNamespaceAsync();
        Node silent = await cluster.AddNodeAsync(ns, "1Gi");
        Node lively = await cluster.AddNodeAsync(ns, "2Gi");
        using CancellationTokenSource stop = new();
        Task renewing = RenewAsync(lively.Metadata.Name!, stop.Token);
        await cluster.WaitAsync<Node>(silent.Key, n => n.Status?.Conditions.Find("Ready") is { Status: Condition.Unknown, Reason: "NodeStatusUnknown" });
        await cluster.WaitEventAsync("default", "NodeNotReady", silent.Metadata.Name!);
        Node other = (await cluster.Api.Resource<Node>().FindAsync(lively.Key, CancellationToken.None))!;
        Assert.True(other.Status!.Conditions.Find("Ready")!.IsTrue);
        await stop.CancelAsync();
        await renewing;
    }

    private async Task RenewAsync(string node, CancellationToken ct)
    {
        ObjectKey key = new("kube-node-lease", node);
        Lease lease = new() { Metadata = new() { Name = key.Name, Namespace = key.Namespace }, Spec = new() { HolderIdentity = node, LeaseDurationSeconds = 40 } };
        await cluster.Api.Resource<Lease>().CreateAsync(lease, ct);
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(200));
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                JsonObject spec = new() { ["renewTime"] = KubeTime.FormatMicro(TimeProvider.System.GetUtcNow()) };
                await cluster.Api.Resource<Lease>().PatchAsync(key, Patch.Merge(new JsonObject { ["spec"] = spec }), ct);
            }
        }
        catch (OperationCanceledException)
        {
            // the test has seen enough
        }
    }
}
