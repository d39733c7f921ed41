using Musubi.Cli.Output;
using Musubi.Cli.Platform;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;
using ApiNode = Musubi.Api.Core.Node;

namespace Musubi.Cli.Commands;

/// <summary>A process of the platform as <c>musubi status</c> shows it.</summary>
internal sealed record ComponentRow(string Name, int Pid, string State, long MemoryBytes, int Restarts);

/// <summary>A node as <c>musubi status</c> shows it.</summary>
internal sealed record NodeRow(string Name, string State, IReadOnlyList<string> Addresses);

/// <summary>What <c>musubi status</c> shows.</summary>
internal sealed record PlatformStatus
{
    public bool Running { get; init; }

    public string? Server { get; init; }

    public string? Kubeconfig { get; init; }

    public IReadOnlyList<ComponentRow> Components { get; init; } = [];

    public IReadOnlyList<NodeRow> Nodes { get; init; } = [];

    public IReadOnlyList<MachineRow> Machines { get; init; } = [];

    public static async Task<PlatformStatus> ReadAsync(string stateDirectory, CancellationToken ct)
    {
        if (PlatformSettings.Find(stateDirectory) is not { } settings || ComponentsFile.Find(settings) is not { } file)
        {
            return new PlatformStatus();
        }

        PlatformStatus status = new()
        {
            Running = true,
            Server = $"https://127.0.0.1:{settings.Port}",
            Kubeconfig = settings.Kubeconfig,
            Components = [.. file.Components.Select(c => new ComponentRow(c.Name, c.Pid, c.IsAlive ? "running" : "dead", ResidentBytes(c.Pid), c.Restarts))],
        };
        try
        {
            using ApiClient api = new(KubeConfig.Load(settings.Kubeconfig) with { RetryLimit = TimeSpan.FromSeconds(2) });
            KubeList<ApiNode> nodes = await api.Resource<ApiNode>().ListAsync(Selection.All, ct);
            return status with
            {
                Nodes = [.. nodes.Items.Select(n => new NodeRow(
                    n.Metadata.Name ?? "",
                    n.Status?.Conditions.Find("Ready") is { IsTrue: true } ? "Ready" : "NotReady",
                    [.. (n.Status?.Addresses ?? []).Where(a => a.Type == "InternalIP").Select(a => a.Address)]))],
                Machines = await MachineRow.ListAsync(api, ns: null, ct),
            };
        }
        catch (Exception e) when (e is ApiException or ApiUnreachableException or IOException)
        {
            return status;
        }
    }

    public void Print()
    {
        if (!Running)
        {
            Console.Out.WriteLine("The platform is not running.");
            return;
        }

        Console.Out.WriteLine($"API server {Server}, kubeconfig {Kubeconfig}\n");
        Tables.Write(["COMPONENT", "PID", "STATE", "MEMORY", "RESTARTS"], Components.Select(c => (IReadOnlyList<string>)[c.Name, $"{c.Pid}", c.State, $"{c.MemoryBytes >> 20} MiB", $"{c.Restarts}"]));
        Console.Out.WriteLine();
        Tables.Write(["NODE", "STATE", "ADDRESSES"], Nodes.Select(n => (IReadOnlyList<string>)[n.Name, n.State, string.Join(", ", n.Addresses)]));
        if (Machines.Count > 0)
        {
            Console.Out.WriteLine();
            MachineRow.Print(Machines, withNamespace: true);
        }
    }

    /// <summary>Resident memory of a process, from /proc/PID/statm (proc(5)).</summary>
    private static long ResidentBytes(int pid)
    {
        string path = $"/proc/{pid}/statm";
        return File.Exists(path) && File.ReadAllText(path).Split(' ') is [_, var resident, ..] && long.TryParse(resident, out long pages)
            ? pages * Environment.SystemPageSize
            : 0;
    }
}
