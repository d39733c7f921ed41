using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Tests.Server;

public class ServerRestartTests(TestCluster cluster) : IClassFixture<TestCluster>
{
    [Fact]
    public async Task Server_RestartsInTheMiddle_ControllersGoOn()
    {
        string ns = await cluster.NewNamespaceAsync();
        await cluster.AddNodeAsync(ns);
        const string Machine =
            """
            apiVersion: kubevirt.io/v1
            kind: VirtualMachine
            metadata: {name: NAME, namespace: NAMESPACE}
            spec: {runStrategy: Always, template: {spec: {nodeSelector: {for: NAMESPACE}, domain: {memory: {guest: 64Mi}}}}}
            """;
        await cluster.ApplyAsync(ns, Machine.Replace("NAME,", "before,", StringComparison.Ordinal));
        await cluster.RestartServerAsync();
        await cluster.RunAsync(new ObjectKey(ns, "before"));
        await cluster.ApplyAsync(ns, Machine.Replace("NAME,", "after,", StringComparison.Ordinal));
        await cluster.WaitPodAsync(ns, p => p.Metadata.Label(KubeVirtNames.VmiIdLabel) == "after" && p.Spec?.NodeName is not null);
        Assert.NotNull(await cluster.Api.Resource<Namespace>().FindAsync(new ObjectKey("", ns), CancellationToken.None));
    }
}
