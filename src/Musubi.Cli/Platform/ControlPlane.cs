using Microsoft.Extensions.Logging;
using Musubi.Api.Admission;
using Musubi.Api;
using Musubi.ApiServer;
using Musubi.Controllers;
using Musubi.Kubernetes.Client;

namespace Musubi.Cli.Platform;

/// <summary>The process that serves the API and runs the controllers.</summary>
internal static class ControlPlane
{
    public static async Task RunAsync(PlatformSettings settings, ILoggerFactory logs, CancellationToken ct)
    {
        await using ApiServerHost server = await ApiServerHost.StartAsync(
            new ApiServerOptions
            {
                StateDirectory = settings.ApiServerDirectory,
                Port = settings.Port,
                KubeconfigPath = settings.Kubeconfig,
                Admissions = ObjectAdmissions.All,
                LoggerFactory = logs,
            },
            ct);

        // The controllers are a client like any other: they would run against any API server.
        using ApiClient api = new(KubeConfig.Load(settings.Kubeconfig) with { UserAgent = "musubi-controllers/0.1" });
        await CustomResourceInstaller.InstallAsync(api, ct);
        await ControllerHost.RunAsync(api, new ControllerOptions(), logs, ct);
    }
}
