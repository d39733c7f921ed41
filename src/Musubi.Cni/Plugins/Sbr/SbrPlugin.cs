using System.Net.Sockets;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Files;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Sbr;

/// <summary>
/// Source based routing: what a container sends from an address of this interface leaves by this interface. Each address gets a table of its own,
/// which a rule for that source leads to; the interface's routes move there. Comes after a plugin that gives the interface addresses.
/// </summary>
internal sealed class SbrPlugin : ICniPlugin
{
    private static readonly TimeSpan _lockLimit = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public string Name => "sbr";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        CniResult result = ChainedResult.Require(call);
        string ifName = call.Invocation.IfName;
        CniAddress[] addresses = [.. SourcePlan.AddressesOf(result, ifName)];
        if (addresses.Length == 0)
        {
            throw CniException.InvalidConfig($"No IP addresses supplied on interface: {ifName}");
        }

        using NetworkNamespace sandbox = call.OpenSandbox();

        // Two interfaces of one container must not take the same table; the reference plugin locks the same file.
        using FileLock turn = FileLock.Acquire(call.Invocation.Netns, mode: null, _lockLimit, call.Environment.Cancellation);
        using RouteSocket route = RouteSocket.Open(sandbox);
        LinkInfo link = route.Links.Find(ifName) ?? throw new CniException(CniErrorCode.Internal, $"Cannot find network interface {ifName}");
        SourcePlan plan = SourcePlan.Make(addresses, link.Index, route.Routes.List(), Rules(route));
        try
        {
            plan.Apply(route);
        }
        catch (NetlinkException e)
        {
            Undo undo = new(call.Environment.Log);
            undo.Push(() => plan.TakeBack(route));
            undo.Run();
            throw CniException.Wrap($"failed to route by source for \"{ifName}\"", e);
        }

        return result;
    }

    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        CniResult result = ChainedResult.Require(call);
        string ifName = call.Invocation.IfName;
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket route = RouteSocket.Open(sandbox);
        LinkInfo link = route.Links.Find(ifName) ?? throw ResultCheck.Failed($"Cannot find network interface {ifName}");
        IReadOnlyList<RouteRule> rules = Rules(route);
        IReadOnlyList<Route> routes = route.Routes.List();
        foreach (CniAddress address in SourcePlan.AddressesOf(result, ifName))
        {
            Cidr source = Cidr.Host(address.Address.Address);
            RouteRule rule = rules.FirstOrDefault(r => SourcePlan.IsOf(r, source))
                ?? throw ResultCheck.Failed($"no rule leads what {IpText.Format(source.Address)} sends to a table of its own");
            bool leads = routes.Any(r => r.Table == rule.Table && r.Family == source.Address.AddressFamily && r.Link == link.Index
                && (address.Gateway is null || (r.IsDefault && address.Gateway.Equals(r.Gateway))));
            if (!leads)
            {
                throw ResultCheck.Failed($"table {rule.Table}, of {IpText.Format(source.Address)}, has no {(address.Gateway is null ? "" : "default ")}route by {ifName}");
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>Routes go with the interface; rules would stay.</remarks>
    public void Del(PluginCall call)
    {
        using NetworkNamespace? sandbox = call.FindSandbox();
        if (sandbox is null)
        {
            return;
        }

        using RouteSocket route = RouteSocket.Open(sandbox);
        HashSet<Cidr> sources = [.. call.FindPreviousResult() is { } result ? SourcePlan.AddressesOf(result, call.Invocation.IfName).Select(a => Cidr.Host(a.Address.Address)) : []];
        if (route.Links.Find(call.Invocation.IfName) is { } link)
        {
            sources.UnionWith(route.Addresses.List(link.Index).Select(a => Cidr.Host(a.Cidr.Address)));
        }

        RouteBatch batch = route.Batch();
        foreach (RouteRule rule in Rules(route).Where(r => sources.Any(s => SourcePlan.IsOf(r, s))))
        {
            batch.DeleteRule(rule).Tolerate(Errno.ENOENT);
        }

        batch.Commit();
    }

    private static List<RouteRule> Rules(RouteSocket route) => [.. route.Rules.List(AddressFamily.InterNetwork), .. route.Rules.List(AddressFamily.InterNetworkV6)];
}
