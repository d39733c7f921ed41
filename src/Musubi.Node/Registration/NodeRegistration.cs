using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Musubi.Api.Core;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;
using Musubi.Linux.Addresses;

namespace Musubi.Node.Registration;

/// <summary>The node's object in the API and its sign of life, a Lease.</summary>
/// <param name="api">The API.</param>
/// <param name="options">The node.</param>
/// <param name="log">For trouble that goes away by itself.</param>
/// <param name="time">The clock.</param>
internal sealed partial class NodeRegistration(ApiClient api, NodeOptions options, ILogger log, TimeProvider time)
{
    private const string LeaseNamespace = "kube-node-lease";
    private const int LeaseSeconds = 40;
    private const int MostPods = 110;
    private static readonly TimeSpan _renewEvery = TimeSpan.FromSeconds(10);

    /// <summary>Registers the node, then renews its lease until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await RegisterAsync(ct);
                await RenewAsync(ct);
                await Task.Delay(_renewEvery, time, ct);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is ApiException or ApiUnreachableException or HttpRequestException)
            {
                LogNotRegistered(log, options.Name, e.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(250), time, ct);
            }
        }
    }

    /// <summary>Makes the node's object say what is true now; nothing is written when it does already.</summary>
    public async Task RegisterAsync(CancellationToken ct)
    {
        ResourceClient<Api.Core.Node> nodes = api.Resource<Api.Core.Node>();
        ObjectKey key = new("", options.Name);
        Api.Core.Node? present = await nodes.FindAsync(key, ct);
        if (present is null)
        {
            present = await nodes.CreateAsync(NewNode(), ct);
        }

        if (!IsReady(present))
        {
            await nodes.PatchStatusAsync(key, Patch.Merge(new JsonObject { ["status"] = Status(present) }), ct);
        }
    }

    private static bool IsReady(Api.Core.Node node) =>
        node.Status?.Conditions.Find("Ready") is { IsTrue: true } && node.Status.Addresses is { Count: > 0 } && node.Status.Capacity is not null;

    private async Task RenewAsync(CancellationToken ct)
    {
        ResourceClient<Lease> leases = api.Resource<Lease>();
        ObjectKey key = new(LeaseNamespace, options.Name);
        DateTimeOffset now = time.GetUtcNow();
        Lease? lease = await leases.FindAsync(key, ct);
        if (lease is null)
        {
            Lease made = new()
            {
                ApiVersion = Lease.Resource.ApiVersion,
                Kind = Lease.Resource.Kind,
                Metadata = new ObjectMeta { Namespace = key.Namespace, Name = key.Name },
                Spec = new LeaseSpec { HolderIdentity = options.Name, LeaseDurationSeconds = LeaseSeconds, RenewTime = now, AcquireTime = now },
            };
            await leases.CreateAsync(made, ct);
            return;
        }

        await leases.UpdateAsync(lease with { Spec = (lease.Spec ?? new LeaseSpec()) with { HolderIdentity = options.Name, LeaseDurationSeconds = LeaseSeconds, RenewTime = now } }, ct);
    }

    private Api.Core.Node NewNode() => new()
    {
        ApiVersion = Api.Core.Node.Resource.ApiVersion,
        Kind = Api.Core.Node.Resource.Kind,
        Metadata = new ObjectMeta
        {
            Name = options.Name,
            Labels = new Dictionary<string, string>
            {
                ["kubernetes.io/hostname"] = options.Name,
                ["kubernetes.io/os"] = "linux",
                ["kubernetes.io/arch"] = "amd64",
                ["kubevirt.io/schedulable"] = "true",
                ["node-role.kubernetes.io/worker"] = "",
            },
        },
        Spec = new NodeSpec
        {
            PodCIDR = options.PodCidrs[0].ToString(),
            PodCIDRs = [.. options.PodCidrs.Select(c => c.ToString())],
            ProviderID = $"musubi://{options.Cluster}/{options.Name}",
        },
    };

    private JsonObject Status(Api.Core.Node node)
    {
        string now = time.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        JsonObject capacity = Capacity();
        JsonArray conditions = [];
        foreach ((string type, string status, string reason, string message) in (ReadOnlySpan<(string, string, string, string)>)[
            ("Ready", Condition.True, "AgentReady", "the node agent is running"),
            ("MemoryPressure", Condition.False, "AgentHasSufficientMemory", "the node has memory to give"),
            ("DiskPressure", Condition.False, "AgentHasNoDiskPressure", "the node has room on its disk"),
            ("PIDPressure", Condition.False, "AgentHasSufficientPID", "the node has process ids to give"),
        ])
        {
            Condition? before = node.Status?.Conditions.Find(type);
            string since = before?.Status == status && before.LastTransitionTime is { } t ? t.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : now;
            conditions.Add(new JsonObject { ["type"] = type, ["status"] = status, ["reason"] = reason, ["message"] = message, ["lastHeartbeatTime"] = now, ["lastTransitionTime"] = since });
        }

        return new JsonObject
        {
            ["capacity"] = capacity,
            ["allocatable"] = capacity.DeepClone(),
            ["conditions"] = conditions,
            ["addresses"] = new JsonArray(
            [
                .. options.Addresses.Select(a => new JsonObject { ["type"] = "InternalIP", ["address"] = IpText.Format(a.Address) }),
                new JsonObject { ["type"] = "Hostname", ["address"] = options.Name },
            ]),
            ["nodeInfo"] = NodeFacts.Read(),
        };
    }

    private static JsonObject Capacity() => new()
    {
        ["cpu"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
        ["memory"] = $"{NodeFacts.MemoryBytes() / 1024}Ki",
        ["pods"] = MostPods.ToString(CultureInfo.InvariantCulture),
        ["devices.kubevirt.io/kvm"] = "1k",
        ["devices.kubevirt.io/tun"] = "1k",
    };

    [LoggerMessage(EventId = 5001, Level = LogLevel.Warning, Message = "Node {Name} is not registered yet: {Why}")]
    private static partial void LogNotRegistered(ILogger log, string name, string why);
}
