using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Musubi.Api;
using Musubi.Api.Admission;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.ApiServer;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Tests.Server;

/// <summary>A real API server with the real controllers; the test plays the node agent.</summary>
public class TestCluster : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>The store's native library is set up once per process, by the first server.</summary>
    private static readonly SemaphoreSlim Starting = new(1);
    private readonly string _directory = Directory.CreateTempSubdirectory("musubi-test-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private ApiServerHost? _server;
    private ApiClient? _api;
    private Task _controllers = Task.CompletedTask;

    public ApiClient Api => _api!;

    private protected virtual ControllerOptions Options { get; } = new() { OrphanedPodGracePeriod = TimeSpan.FromSeconds(1) };

    public async ValueTask InitializeAsync()
    {
        await StartServerAsync(port: 0);
        _api = new ApiClient(KubeConfig.Load(_server!.KubeconfigPath));
        await CustomResourceInstaller.InstallAsync(Api, CancellationToken.None);
        _controllers = ControllerHost.RunAsync(Api, Options, NullLoggerFactory.Instance, _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _controllers;
        _api?.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        Directory.Delete(_directory, recursive: true);
        _stop.Dispose();
        GC.SuppressFinalize(this);
    }

    public async Task RestartServerAsync()
    {
        int port = _server!.Port;
        await _server.DisposeAsync();
        await StartServerAsync(port);
    }

    /// <summary>A namespace of its own for a test, so that tests do not see each other.</summary>
    public async Task<string> NewNamespaceAsync()
    {
        string name = $"t-{Guid.NewGuid():n}"[..12];
        await Api.Resource<Namespace>().CreateAsync(new Namespace { Metadata = new() { Name = name } }, CancellationToken.None);
        return name;
    }

    /// <summary>A ready node whose label <c>for</c> only pods of one namespace ask for.</summary>
    public async Task<Node> AddNodeAsync(string ns, string memory = "8Gi")
    {
        Node node = await Api.Resource<Node>().CreateAsync(new Node { Metadata = new() { Name = $"node-{ns}-{memory.ToLowerInvariant()}", Labels = new() { ["for"] = ns } } }, CancellationToken.None);
        JsonObject resources = new() { ["memory"] = memory, ["cpu"] = "8", ["pods"] = "20" };
        JsonObject status = new()
        {
            ["capacity"] = resources,
            ["allocatable"] = resources.DeepClone(),
            ["conditions"] = new JsonArray(new JsonObject { ["type"] = "Ready", ["status"] = "True", ["reason"] = "AgentReady", ["lastTransitionTime"] = "2026-01-01T00:00:00Z" }),
        };
        return await Api.Resource<Node>().PatchStatusAsync(node.Key, Patch.Merge(new JsonObject { ["status"] = status }), CancellationToken.None);
    }

    public async Task ApplyAsync(string ns, string manifests)
    {
        ManifestApplier applier = new(Api);
        foreach (Manifest manifest in Manifest.Parse(manifests.Replace("NAMESPACE", ns, StringComparison.Ordinal), "test"))
        {
            await applier.ApplyAsync(manifest, CancellationToken.None);
        }
    }

    /// <summary>Waits until an object is as wanted.</summary>
    public async Task<T> WaitAsync<T>(ObjectKey key, Func<T, bool> wanted)
        where T : KubeObject, IKubeObject<T>
    {
        T? last = null;
        await WaitAsync(async () => (last = await Api.Resource<T>().FindAsync(key, CancellationToken.None)) is not null && wanted(last), () => last?.ToJson().ToJsonString());
        return last!;
    }

    public Task WaitGoneAsync<T>(ObjectKey key)
        where T : KubeObject, IKubeObject<T>
    {
        T? last = null;
        return WaitAsync(async () => (last = await Api.Resource<T>().FindAsync(key, CancellationToken.None)) is null, () => last?.ToJson().ToJsonString());
    }

    /// <summary>Waits for the launcher pod of an instance.</summary>
    public async Task<Pod> WaitPodAsync(string ns, Func<Pod, bool> wanted)
    {
        Pod? found = null;
        IReadOnlyList<Pod> last = [];
        await WaitAsync(
            async () =>
            {
                last = (await Api.Resource<Pod>().ListAsync(new Selection { Namespace = ns }, CancellationToken.None)).Items;
                found = last.FirstOrDefault(wanted);
                return found is not null;
            },
            () => string.Join('\n', last.Select(p => p.ToJson().ToJsonString())));
        return found!;
    }

    public Task WaitEventAsync(string ns, string reason, string text) => WaitAsync(
        async () => (await Api.Resource<CoreEvent>().ListAsync(new Selection { Namespace = ns }, CancellationToken.None)).Items
            .Any(e => e.Reason == reason && e.Message!.Contains(text, StringComparison.Ordinal)),
        () => $"no event {reason} with \"{text}\"");

    /// <summary>As the node agent: the pod runs.</summary>
    public Task PodRunsAsync(Pod pod) => PodStatusAsync(pod, """{"phase":"Running","podIP":"10.244.0.5","conditions":[{"type":"Ready","status":"True"}]}""");

    /// <summary>As the node agent: the pod ended.</summary>
    public Task PodEndedAsync(Pod pod, string phase) => PodStatusAsync(pod, $$"""{"phase":"{{phase}}","conditions":[{"type":"Ready","status":"False","reason":"PodCompleted"}]}""");

    /// <summary>As the node agent: everything of the pod is gone from the node.</summary>
    public Task<bool> PodTornDownAsync(Pod pod) => Api.Resource<Pod>().DeleteAsync(pod.Key, CancellationToken.None, new DeleteOptions { GracePeriodSeconds = 0, Uid = pod.Metadata.Uid });

    /// <summary>As the node agent: the guest is in a phase.</summary>
    public Task GuestAsync(ObjectKey vmi, string phase) =>
        Api.Resource<VirtualMachineInstance>().PatchStatusAsync(vmi, Patch.Merge(new JsonObject { ["status"] = new JsonObject { ["phase"] = phase } }), CancellationToken.None);

    /// <summary>From a machine just made to one that runs.</summary>
    public async Task<Pod> RunAsync(ObjectKey vm)
    {
        Pod pod = await WaitPodAsync(vm.Namespace, p => p.Spec?.NodeName is not null && p.Status?.Phase == "Pending" && !p.IsTerminating);
        await PodRunsAsync(pod);
        await WaitAsync<VirtualMachineInstance>(vm, v => v.Status?.Phase == VmiPhases.Scheduled);
        await GuestAsync(vm, VmiPhases.Running);
        await WaitAsync<VirtualMachine>(vm, v => v.Status is { PrintableStatus: "Running", Ready: true });
        return pod;
    }

    private async Task PodStatusAsync(Pod pod, string status)
    {
        JsonObject patch = new() { ["status"] = JsonNode.Parse(status) };
        await Api.Resource<Pod>().PatchStatusAsync(pod.Key, Patch.Strategic(patch), CancellationToken.None);
    }

    private static async Task WaitAsync(Func<Task<bool>> condition, Func<string?> last)
    {
        for (long start = TimeProvider.System.GetTimestamp(); !await condition(); await Task.Delay(20))
        {
            if (TimeProvider.System.GetElapsedTime(start) > Limit)
            {
                Assert.Fail($"not reached within {Limit.TotalSeconds} s; last seen: {last() ?? "nothing"}");
            }
        }
    }

    private async Task StartServerAsync(int port)
    {
        await Starting.WaitAsync();
        try
        {
            _server = await ApiServerHost.StartAsync(new ApiServerOptions { StateDirectory = _directory, Port = port, Admissions = ObjectAdmissions.All });
        }
        finally
        {
            Starting.Release();
        }
    }
}
