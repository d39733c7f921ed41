using System.Net;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Ipam.HostLocal;

/// <summary>IPAM that gives out addresses of configured ranges and keeps its books on this host.</summary>
internal sealed class HostLocalPlugin : ICniPlugin
{
    /// <inheritdoc/>
    public string Name => "host-local";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        ConfigObject ipam = IpamArguments.Ipam(call);
        IReadOnlyList<RangeSet> sets = RangeSet.ReadAll(ipam, call.RuntimeConfig);
        IpamArguments.RequireExpressible(call, sets.Count(s => !s.IsIPv6), sets.Count(s => s.IsIPv6));
        CniDns dns = ipam.Text("resolvConf") is { Length: > 0 } file ? ResolvConf.Read(file) : CniDns.Empty;
        IReadOnlyList<CniRoute> routes = CniResultJson.ReadRoutes(ipam.Objects("routes"));
        List<IPAddress> requested = RequestedAddresses(call);

        // Nothing may fail any more once an address is taken.
        using ReservationStore store = Open(call, ipam);
        return new CniResult
        {
            Addresses = new AddressAllocator(store, call.Invocation.ContainerId, call.Invocation.IfName).Allocate(sets, requested),
            Routes = routes,
            Dns = dns,
        };
    }

    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        using ReservationStore store = Open(call, IpamArguments.Ipam(call));
        if (store.AddressesOf(call.Invocation.ContainerId, call.Invocation.IfName).Count == 0)
        {
            throw new CniException(CniErrorCode.Internal, $"host-local: Failed to find address added by container {call.Invocation.ContainerId}");
        }
    }

    /// <inheritdoc/>
    public void Del(PluginCall call)
    {
        // The ranges are not read: what was given out must be given back even after the configuration was changed or broken.
        ConfigObject ipam = IpamArguments.Ipam(call);
        if (!ReservationStore.Exists(DataDirectory(call, ipam), call.NetworkName))
        {
            return;
        }

        using ReservationStore store = Open(call, ipam);
        foreach (IPAddress address in store.AddressesOf(call.Invocation.ContainerId, call.Invocation.IfName))
        {
            store.Release(address);
        }
    }

    /// <inheritdoc/>
    public void Gc(PluginCall call)
    {
        ConfigObject ipam = IpamArguments.Ipam(call);
        if (!ReservationStore.Exists(DataDirectory(call, ipam), call.NetworkName))
        {
            return;
        }

        HashSet<string> validIds = [.. call.ValidAttachments.Select(a => a.ContainerId)];
        using ReservationStore store = Open(call, ipam);
        foreach ((IPAddress address, ReservationOwner owner) in store.All())
        {
            bool valid = owner.IfName is { } ifName ? call.ValidAttachments.Contains((owner.ContainerId, ifName)) : validIds.Contains(owner.ContainerId);
            if (!valid)
            {
                store.Release(address);
            }
        }
    }

    private static ReservationStore Open(PluginCall call, ConfigObject ipam) =>
        ReservationStore.Open(DataDirectory(call, ipam), call.NetworkName, call.Environment.Cancellation);

    private static string DataDirectory(PluginCall call, ConfigObject ipam) =>
        ipam.Text("dataDir") is { Length: > 0 } directory ? directory : Path.Combine(call.Environment.StateDirectory, ReservationStore.DefaultDirectory);

    /// <summary>Addresses asked for by CNI_ARGS, args.cni and runtimeConfig, all together; a prefix length is allowed and ignored.</summary>
    private static List<IPAddress> RequestedAddresses(PluginCall call)
    {
        List<IPAddress> requested = [];
        Add(call.Arguments["IP"]?.Split(',') ?? []);
        Add(call.CniArgs?.Texts("ips") ?? []);
        Add(call.RuntimeConfig?.Texts("ips") ?? []);
        return requested;

        void Add(IEnumerable<string> texts)
        {
            foreach (string text in texts)
            {
                IPAddress address = Cidr.TryParse(text, out Cidr cidr) ? cidr.Address : IpamArguments.ParseAddress(text, "requested IP");
                if (!requested.Contains(address))
                {
                    requested.Add(address);
                }
            }
        }
    }
}
