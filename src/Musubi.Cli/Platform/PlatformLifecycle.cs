using System.Net;
using System.Net.Sockets;
using Musubi.Api.KubeVirt;
using Musubi.Cli.Output;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;
using Musubi.Linux.Processes;
using Musubi.Node;
using Musubi.Node.HostNetwork;
using ApiNode = Musubi.Api.Core.Node;

namespace Musubi.Cli.Platform;

/// <summary>Brings the embedded platform up and down.</summary>
internal static class PlatformLifecycle
{
    private static readonly TimeSpan _readyLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _stopLimit = TimeSpan.FromSeconds(30);

    /// <summary>Starts the platform unless it runs, and waits until it is ready.</summary>
    /// <returns>Whether it was started now.</returns>
    public static async Task<bool> UpAsync(PlatformSettings settings, IProgressDisplay progress, CancellationToken ct)
    {
        RequireRoot("up");
        if (ComponentsFile.Find(settings) is not null)
        {
            await WaitUntilReadyAsync(settings, progress, ct);
            return false;
        }

        RequireFreePort(settings.Port);
        settings.Save();
        using ChildProcess supervisor = ComponentProcess.Start(settings, Supervisor.Name, ["supervisor"], newSession: true, boundToCaller: false);
        try
        {
            await WaitUntilReadyAsync(settings, progress, ct);
        }
        catch (TimeoutException e)
        {
            await DownAsync(settings, purge: false, progress, ct);
            throw new UserException($"{e.Message}; the logs in {settings.LogsDirectory} say why");
        }

        return true;
    }

    /// <summary>Ends everything: components, machines, namespaces, control groups. The state directory stays unless it is purged.</summary>
    public static async Task DownAsync(PlatformSettings settings, bool purge, IProgressDisplay progress, CancellationToken ct)
    {
        RequireRoot("down");
        if (ComponentsFile.Find(settings) is { Supervisor: { } supervisor })
        {
            progress.Report("stopping the control plane and the nodes");
            ProcessIdentity process = new(supervisor.Pid, supervisor.StartTime);
            process.Kill(Signal.Term);
            if (!await process.WaitForExitAsync(_stopLimit, ct))
            {
                throw new TimeoutException($"the supervisor (process {process.Id}) did not end within {_stopLimit.TotalSeconds:0} s");
            }
        }

        progress.Report("removing machines and networks");
        await Task.Run(
            () =>
            {
                foreach (string node in settings.NodeNames)
                {
                    NodeAgent.Remove(settings.NodeOptionsFor(node));
                }

                SimulatedNode.RemoveFabric(settings.Cluster);
                Linux.Cgroups.Cgroup.Open(settings.Cluster).Remove();
            },
            ct);
        RemoveDirectory(settings.RuntimeDirectory);
        RemoveIfEmpty(Path.GetDirectoryName(settings.RuntimeDirectory)!);
        if (purge)
        {
            RemoveDirectory(settings.StateDirectory);
        }
    }

    private static async Task WaitUntilReadyAsync(PlatformSettings settings, IProgressDisplay progress, CancellationToken ct)
    {
        progress.Report("waiting for the API server");
        await Wait.UntilAsync(() => File.Exists(settings.Kubeconfig), _readyLimit, "the API server did not write its kubeconfig", ct);
        using ApiClient api = new(KubeConfig.Load(settings.Kubeconfig) with { RetryLimit = TimeSpan.Zero });
        await Wait.UntilAsync(() => AnswersAsync(() => api.SendAsync(HttpMethod.Get, "/readyz", body: null, ct)), _readyLimit, "the API server did not become ready", ct);
        progress.Report("waiting for the resource definitions");
        await Wait.UntilAsync(() => AnswersAsync(() => api.Resource<VirtualMachine>().ListAsync(Selection.All, ct)), _readyLimit, "the resource definitions were not established", ct);
        progress.Report("waiting for the nodes");
        await Wait.UntilAsync(() => NodesReadyAsync(api, settings, ct), _readyLimit, $"not every node ({string.Join(", ", settings.NodeNames)}) became ready", ct);
    }

    private static async Task<bool> NodesReadyAsync(ApiClient api, PlatformSettings settings, CancellationToken ct)
    {
        KubeList<ApiNode> nodes = await api.Resource<ApiNode>().ListAsync(Selection.All, ct);
        return settings.NodeNames.All(name => nodes.Items.Any(n => n.Metadata.Name == name && n.Status?.Conditions.Find("Ready") is { IsTrue: true }));
    }

    private static async Task<bool> AnswersAsync(Func<Task> request)
    {
        try
        {
            await request();
            return true;
        }
        catch (Exception e) when (e is ApiException or ApiUnreachableException or HttpRequestException)
        {
            return false;
        }
    }

    private static void RequireFreePort(int port)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        }
        catch (SocketException e)
        {
            throw new UserException($"port {port} of 127.0.0.1 cannot be used ({e.Message}): choose another with --port");
        }
    }

    private static void RequireRoot(string command)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new UserException($"\"musubi {command}\" makes network namespaces and control groups: run it as root");
        }
    }

    private static void RemoveDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static void RemoveIfEmpty(string path)
    {
        if (Directory.Exists(path) && !Directory.EnumerateFileSystemEntries(path).Any())
        {
            Directory.Delete(path);
        }
    }
}
