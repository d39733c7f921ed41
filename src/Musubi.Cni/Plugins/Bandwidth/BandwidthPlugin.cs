using System.Text;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.TrafficControl;

namespace Musubi.Cni.Plugins.Bandwidth;

/// <summary>
/// Limits what a container receives and sends, on the host's end of its cable. What it sends arrives there, where nothing can be held back:
/// it is redirected to an interface of its own (ifb) and shaped when it leaves that. Comes after a plugin that makes a cable.
/// </summary>
internal sealed class BandwidthPlugin : ICniPlugin
{
    private const string DevicePrefix = "bwp";
    private const string AliasPrefix = "cni bandwidth ";
    private const int DeviceNameLength = 15;
    private const int LeastQueueLength = 1000;

    /// <inheritdoc/>
    public string Name => "bandwidth";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        BandwidthConfig config = BandwidthConfig.Read(call);
        CniResult result = ChainedResult.Require(call);
        if (config.IsEmpty)
        {
            return result;
        }

        LinkInfo host = FindHostEnd(call, result);
        Undo undo = new(call.Environment.Log);
        try
        {
            RouteBatch batch = call.HostRoute.Batch();
            if (config.Ingress is { } ingress)
            {
                Shaper.Add(batch, host.Index, ingress, config);
                undo.Push(() => call.HostRoute.Batch().DeleteQdisc(Qdisc.HtbRoot(host.Index, 0)).Tolerate(Errno.ENOENT).Tolerate(Errno.EINVAL).Commit());
            }

            LinkInfo? device = null;
            if (config.Egress is { } egress)
            {
                device = CreateDevice(call, host, undo);
                batch.AddQdisc(Qdisc.Ingress(host.Index));
                batch.AddFilter(new U32Filter(host.Index, TcHandle.IngressQdisc, 1) { RedirectTo = device.Index });
                undo.Push(() => call.HostRoute.Batch().DeleteQdisc(Qdisc.Ingress(host.Index)).Tolerate(Errno.ENOENT).Tolerate(Errno.EINVAL).Commit());
                Shaper.Add(batch, device.Index, egress, config);
            }

            batch.Commit();
            return device is null ? result : result with { Interfaces = [.. result.Interfaces, new CniInterface(device.Name) { Mac = device.Mac?.ToString() }] };
        }
        catch (Exception e)
        {
            undo.Run();
            throw e is NetlinkException ? CniException.Wrap($"failed to shape \"{host.Name}\"", e) : e;
        }
    }

    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        BandwidthConfig config = BandwidthConfig.Read(call);
        CniResult result = ChainedResult.Require(call);
        if (config.IsEmpty)
        {
            return;
        }

        LinkInfo host = FindHostEnd(call, result);
        string? difference = config.Ingress is { } ingress ? Shaper.FindDifference(call.HostRoute, host, ingress, config) : null;
        if (difference is null && config.Egress is { } egress)
        {
            string name = DeviceOf(call);
            LinkInfo device = call.HostRoute.Links.Find(name) ?? throw ResultCheck.Failed($"get ifb device: {name} is missing");
            bool redirects = call.HostRoute.TrafficControl.ListFilters(host.Index, TcHandle.IngressQdisc).Any(f => f.RedirectTo == device.Index);
            difference = redirects ? Shaper.FindDifference(call.HostRoute, device, egress, config) : $"what {host.Name} receives is not redirected to {name}";
        }

        if (difference is not null)
        {
            throw ResultCheck.Failed(difference);
        }
    }

    /// <inheritdoc/>
    /// <remarks>What hangs on the cable goes with it.</remarks>
    public void Del(PluginCall call) => call.HostRoute.Links.DeleteIfExists(DeviceOf(call));

    /// <inheritdoc/>
    public void Gc(PluginCall call)
    {
        string network = AliasPrefix + Attachment.NetworkKey(call.NetworkName) + "-";
        HashSet<string> valid = [.. call.ValidAttachments.Select(v => AliasOf(new Attachment(call.NetworkName, v.ContainerId, v.IfName)))];
        call.HostRoute.Links.DeleteTogether(call.HostRoute.Links.List()
            .Where(l => l.Kind == "ifb" && l.Alias is { } alias && alias.StartsWith(network, StringComparison.Ordinal) && !valid.Contains(alias))
            .Select(l => l.Index)
            .ToArray());
    }

    /// <inheritdoc/>
    public void Status(PluginCall call) => BandwidthConfig.Read(call);

    /// <summary>Tells GC whose device it is; the name tells nothing.</summary>
    private static string AliasOf(Attachment attachment) => AliasPrefix + attachment.Key;

    /// <summary>The reference plugin's name for the device of a container.</summary>
    private static string DeviceOf(PluginCall call)
    {
        Span<byte> digest = stackalloc byte[Sha512.HashBytes];
        Sha512.Hash(Encoding.UTF8.GetBytes(call.NetworkName + call.Invocation.ContainerId), digest);
        return (DevicePrefix + Convert.ToHexStringLower(digest))[..DeviceNameLength];
    }

    private static LinkInfo CreateDevice(PluginCall call, LinkInfo host, Undo undo)
    {
        string name = DeviceOf(call);
        IfbLink device = new(name)
        {
            MtuBytes = host.MtuBytes,
            TxQueueLength = Math.Max(host.TxQueueLength, LeastQueueLength),
            AdminUp = true,
        };

        // Both by one system call: a device without its alias could not be told by GC.
        call.HostRoute.Batch().CreateLink(device).AliasLink(name, AliasOf(Attachment.Of(call))).Commit();
        undo.Push(() => call.HostRoute.Links.DeleteIfExists(name));
        return call.HostRoute.Links.Get(name);
    }

    /// <summary>The host's end of the container's cable, which a plugin before must have reported.</summary>
    private static LinkInfo FindHostEnd(PluginCall call, CniResult result)
    {
        string ifName = call.Invocation.IfName;
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket route = RouteSocket.Open(sandbox);
        LinkInfo? inside = route.Links.Find(ifName);
        if (inside is not { Kind: "veth", PeerIndex: { } peer })
        {
            throw new CniException(CniErrorCode.Internal, $"container interface {ifName} has no veth peer: only a cable to the host can be limited");
        }

        LinkInfo host = call.HostRoute.Links.Find(peer)
            ?? throw new CniException(CniErrorCode.Internal, $"veth peer with index {peer} is not in host ns");
        return result.Interfaces.Any(i => i.Name == host.Name && string.IsNullOrEmpty(i.Sandbox))
            ? host
            : throw new CniException(CniErrorCode.Internal, $"no veth peer of container interface found in host ns: prevResult does not name {host.Name}");
    }
}
