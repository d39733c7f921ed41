using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Node.Attachments;
using Musubi.Node.Sandboxes;
using Musubi.Node.Tests.Support;

namespace Musubi.Node.Tests.Attachments;

public sealed class NetworkPlannerTests : IDisposable
{
    private readonly StubApi _api = new();

    public void Dispose() => _api.Dispose();

    private void Define(string name, string config, string ns = "default") => _api.Put(
        $"/apis/k8s.cni.cncf.io/v1/namespaces/{ns}/network-attachment-definitions/{name}",
        $$$"""{"apiVersion":"k8s.cni.cncf.io/v1","kind":"NetworkAttachmentDefinition","metadata":{"name":"{{{name}}}","namespace":"{{{ns}}}"},"spec":{"config":{{{JsonSerializer.Serialize(config)}}}}}""");

    private Task<IReadOnlyList<SandboxAttachment>> PlanAsync(string? annotation) => new NetworkPlanner(_api.Client, Sample.Options).PlanAsync(
        Sample.Pod(annotation is null ? "" : $$""","annotations":{"k8s.v1.cni.cncf.io/networks":{{JsonSerializer.Serialize(annotation)}}}"""), CancellationToken.None);

    private async Task<string> RefusedAsync(string annotation)
    {
        PodSetupException error = await Assert.ThrowsAsync<PodSetupException>(() => PlanAsync(annotation));
        Assert.Equal("FailedCreatePodSandBox", error.Reason);
        return error.Message;
    }

    [Fact]
    public async Task Plan_WithoutAnnotation_IsTheClustersNetwork()
    {
        SandboxAttachment only = Assert.Single(await PlanAsync(null));

        Assert.Equal(("eth0", "musubi-pods", true), (only.IfName, only.Network, only.IsDefault));
        Assert.Equal("IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=virt-launcher-vm-a;K8S_POD_UID=0123456789abcdef", only.Args);
        NetworkConfigList network = NetworkConfigList.Parse(System.Text.Encoding.UTF8.GetBytes(only.Config));
        Assert.Equal("musubi-pods", network.Name);
        Assert.Contains("10.244.1.0/24", only.Config, StringComparison.Ordinal);
        Assert.Contains("fd10:244:0:1::/64", only.Config, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_Annotation_AddsEveryNetworkInOrder()
    {
        Define("a", """{"type":"bridge"}""");
        Define("b", """{"name":"own","type":"bridge"}""", "other");

        IReadOnlyList<SandboxAttachment> plan = await PlanAsync("""[{"name":"a","mac":"02:00:00:00:00:09","ips":["10.0.0.9/24"]},{"name":"b","namespace":"other","interface":"blue"}]""");

        Assert.Equal(["eth0", "net1", "blue"], plan.Select(p => p.IfName));
        Assert.Equal(["musubi-pods", "default/a", "other/b"], plan.Select(p => p.Network));
        Assert.EndsWith(";MAC=02:00:00:00:00:09", plan[1].Args, StringComparison.Ordinal);
        Assert.Equal(("\"02:00:00:00:00:09\"", "[\"10.0.0.9/24\"]"), (plan[1].CapabilityArgs["mac"], plan[1].CapabilityArgs["ips"]));
        Assert.Empty(plan[2].CapabilityArgs);
    }

    [Fact]
    public async Task Plan_DefinitionMissing_IsNamed() =>
        Assert.Equal("NetworkAttachmentDefinition default/a does not exist: create it, or correct the name", await RefusedAsync("a"));

    [Theory]
    [InlineData("", "NetworkAttachmentDefinition default/a has no spec.config, and this node keeps no configuration files")]
    [InlineData("{", "NetworkAttachmentDefinition default/a: spec.config: the network configuration is not valid JSON")]
    [InlineData("{}", "NetworkAttachmentDefinition default/a: spec.config: type is missing: it names the plugin")]
    [InlineData("""{"plugins":[]}""", "NetworkAttachmentDefinition default/a: spec.config: plugins must name at least one plugin")]
    public async Task Plan_ConfigWrong_IsNamed(string config, string message)
    {
        Define("a", config);

        Assert.StartsWith(message, await RefusedAsync("a"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_InterfaceAskedForTwice_IsRefused()
    {
        Define("a", """{"type":"bridge"}""");

        Assert.Contains("interface net7 is asked for 2 times", await RefusedAsync("a@net7,a@net7"), StringComparison.Ordinal);
        Assert.Contains("interface eth0 is asked for 2 times", await RefusedAsync("a@eth0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_AnnotationMalformed_IsRefused() => Assert.Contains("not a JSON list of networks", await RefusedAsync("[{"), StringComparison.Ordinal);
}
