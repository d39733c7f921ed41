using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Tests.Server;

/// <summary>Applying manifests, against the real server.</summary>
public class ManifestApplierTests(TestCluster cluster) : IClassFixture<TestCluster>
{
    [Theory]
    [InlineData(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: one, b: two}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: three}}")]
    [InlineData(
        "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: {app: x}, ports: [{name: a, port: 80}, {name: b, port: 81}]}}",
        "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {selector: {app: x}, ports: [{name: a, port: 80, targetPort: 8080}]}}")]
    [InlineData(
        "{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: net, labels: {a: b}}, spec: {config: '{\"type\":\"bridge\"}'}}",
        "{apiVersion: k8s.cni.cncf.io/v1, kind: NetworkAttachmentDefinition, metadata: {name: net}, spec: {config: '{\"type\":\"macvlan\"}'}}")]
    public async Task ApplyAsync_CreatedThenSameThenChanged_ReportsEach(string first, string second)
    {
        string ns = await cluster.NewNamespaceAsync();
        ManifestApplier applier = new(cluster.Api);
        Assert.Equal(ApplyOutcome.Created, (await ApplyAsync(applier, ns, first)).Outcome);
        Assert.Equal(ApplyOutcome.Unchanged, (await ApplyAsync(applier, ns, first)).Outcome);
        Applied changed = await ApplyAsync(applier, ns, second);
        Assert.Equal(ApplyOutcome.Configured, changed.Outcome);
        Assert.Equal(ApplyOutcome.Unchanged, (await ApplyAsync(applier, ns, second)).Outcome);
        Assert.Null(changed.Object.Object("data")?["b"]);
        Assert.Null(changed.Object.Object("metadata")!["labels"]);
        if (changed.Type.Kind == "Service")
        {
            Assert.Single(changed.Object.Object("spec")!.Array("ports")!);
            Assert.NotNull(changed.Object.Object("spec")!["clusterIP"]);
        }
    }

    [Fact]
    public async Task ApplyAsync_OthersFields_AreKept()
    {
        string ns = await cluster.NewNamespaceAsync();
        ManifestApplier applier = new(cluster.Api);
        Applied made = await ApplyAsync(applier, ns, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: one}}");
        await cluster.Api.Resource<Musubi.Api.Core.ConfigMap>().PatchAsync(
            new ObjectKey(ns, "c"), Patch.Merge(new() { ["data"] = new System.Text.Json.Nodes.JsonObject { ["theirs"] = "x" } }), CancellationToken.None);
        Applied again = await ApplyAsync(applier, ns, "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {b: two}}");
        Assert.Equal("""{"b":"two","theirs":"x"}""", again.Object["data"].Sorted()!.ToJsonString());
        Assert.Equal(made.Object.Object("metadata")!.Text("uid"), again.Object.Object("metadata")!.Text("uid"));
    }

    [Fact]
    public async Task ApplyAsync_UnknownKind_NamesIt()
    {
        ApiException e = await Assert.ThrowsAsync<ApiException>(() => ApplyAsync(new ManifestApplier(cluster.Api), "default", "{apiVersion: v9, kind: Nothing, metadata: {name: x}}"));
        Assert.Contains("the server has no kind \"Nothing\" in version \"v9\"", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeleteAsync_Twice_SecondFindsNothing()
    {
        string ns = await cluster.NewNamespaceAsync();
        ManifestApplier applier = new(cluster.Api);
        Manifest manifest = Assert.Single(Manifest.Parse($"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c, namespace: {ns}}}}}", "test"));
        await applier.ApplyAsync(manifest, CancellationToken.None);
        Assert.True(await applier.DeleteAsync(manifest, CancellationToken.None));
        Assert.False(await applier.DeleteAsync(manifest, CancellationToken.None));
    }

    private static async Task<Applied> ApplyAsync(ManifestApplier applier, string ns, string text)
    {
        Manifest manifest = Assert.Single(Manifest.Parse(text, "test"));
        manifest.Object.Object("metadata")!["namespace"] = ns;
        return await applier.ApplyAsync(manifest, CancellationToken.None);
    }
}
