using Microsoft.Extensions.Logging;
using Musubi.Kubernetes.Client;
using Musubi.Node;

namespace Musubi.Cli.Platform;

/// <summary>The process that is one node's agent.</summary>
internal static class NodeProcess
{
    private static readonly TimeSpan _kubeconfigLimit = TimeSpan.FromMinutes(1);

    public static async Task RunAsync(PlatformSettings settings, string name, ILoggerFactory logs, CancellationToken ct)
    {
        await Wait.UntilAsync(() => File.Exists(settings.Kubeconfig), _kubeconfigLimit, $"{settings.Kubeconfig} was not written", ct);
        using ApiClient api = new(KubeConfig.Load(settings.Kubeconfig) with { UserAgent = $"musubi-node-{name}/0.1" });
        await NodeAgent.RunAsync(api, settings.NodeOptionsFor(name), logs, TimeProvider.System, ct);
    }
}
