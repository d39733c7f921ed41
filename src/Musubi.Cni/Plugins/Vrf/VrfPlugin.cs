using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Cni.Plugins.Vrf;

/// <summary>Puts the interface that the plugins before made into a routing domain (VRF) of the container. Only in a chain.</summary>
internal sealed class VrfPlugin : ICniPlugin
{
    private const uint LastReservedTable = Route.LocalTable;
    private const uint FirstReservedTable = 253; // default, main and local; ip-route(8)

    /// <inheritdoc/>
    public string Name => "vrf";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        VrfConfig config = VrfConfig.Read(call);
        CniResult previous = PreviousOf(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket route = RouteSocket.Open(sandbox);
        string ifName = call.Invocation.IfName;
        LinkInfo link = route.Links.Find(ifName) ?? throw new CniException(CniErrorCode.Internal, $"could not get link by name {ifName}");
        if (link.Master is { } master)
        {
            throw new CniException(CniErrorCode.Internal, $"interface {ifName} has already a master set: {route.Links.Find(master)?.Name}");
        }

        Undo undo = new(call.Environment.Log);
        try
        {
            LinkInfo vrf = Find(route, config) ?? Create(route, config, undo);
            uint table = vrf.VrfTable ?? Route.MainTable;
            VrfMembership membership = VrfMembership.Of(route, link.Index);
            undo.Push(() => membership.MoveTo(LinkIndex.None, Route.MainTable));
            membership.MoveTo(vrf.Index, table);
            return previous;
        }
        catch (NetlinkException e)
        {
            undo.Run();
            throw CniException.Wrap($"could not put {ifName} into VRF {config.VrfName}", e);
        }
        catch (Exception)
        {
            undo.Run();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        VrfConfig config = VrfConfig.Read(call);
        _ = PreviousOf(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket route = RouteSocket.Open(sandbox);
        LinkInfo vrf = Find(route, config) ?? throw ResultCheck.Failed($"Cannot find VRF {config.VrfName}");
        if (route.Links.Find(call.Invocation.IfName)?.Master != vrf.Index)
        {
            throw ResultCheck.Failed($"Failed to find {call.Invocation.IfName} associated to vrf {config.VrfName}");
        }
    }

    /// <inheritdoc/>
    /// <remarks>The domain is the one the interface is in, whatever the configuration has become since; the last interface takes it along.</remarks>
    public void Del(PluginCall call)
    {
        using NetworkNamespace? sandbox = call.FindSandbox();
        if (sandbox is null)
        {
            return;
        }

        using RouteSocket route = RouteSocket.Open(sandbox);
        LinkInfo? link = route.Links.Find(call.Invocation.IfName);
        LinkInfo? vrf = link?.Master is { } master ? route.Links.Find(master) : FindByName(route, call);
        if (vrf?.Kind != "vrf")
        {
            return;
        }

        if (link?.Master == vrf.Index)
        {
            route.Links.Change(link.Index, new LinkChange { Master = LinkIndex.None });
        }

        if (route.Links.ListPorts(vrf.Index).Count == 0)
        {
            route.Links.DeleteIfExists(vrf.Name);
        }
    }

    private static CniResult PreviousOf(PluginCall call) => call.PreviousResult ?? throw CniException.InvalidConfig("missing prevResult from earlier plugin: vrf works only in a chain");

    private static LinkInfo? FindByName(RouteSocket route, PluginCall call) =>
        call.Config.Find("vrfname") is { ValueKind: JsonValueKind.String } && call.Config.Text("vrfname") is { Length: > 0 } name ? route.Links.Find(name) : null;

    private static LinkInfo? Find(RouteSocket route, VrfConfig config)
    {
        LinkInfo? vrf = route.Links.Find(config.VrfName);
        return vrf switch
        {
            null => null,
            { Kind: not "vrf" } => throw CniException.InvalidConfig($"vrfname: {config.VrfName} already exists but is not a VRF"),
            _ when config.Table is { } table && vrf.VrfTable != table => throw CniException.InvalidConfig($"VRF {config.VrfName} already exist with different routing table {vrf.VrfTable}"),
            _ => vrf,
        };
    }

    private static LinkInfo Create(RouteSocket route, VrfConfig config, Undo undo)
    {
        uint table = config.Table ?? FreeTable(route);
        try
        {
            LinkIndex made = route.Links.Create(new VrfLink(config.VrfName, table) { AdminUp = true });
            undo.Push(() => route.Links.Delete(made));
            return route.Links.Get(made);
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST && Find(route, config) is { } other)
        {
            return other; // another interface's plugin was faster
        }
    }

    private static uint FreeTable(RouteSocket route)
    {
        HashSet<uint> taken = [.. route.Links.List().Where(l => l.VrfTable is not null).Select(l => l.VrfTable!.Value)];
        for (uint table = 1; ; table++)
        {
            if (table is < FirstReservedTable or > LastReservedTable && !taken.Contains(table))
            {
                return table;
            }
        }
    }
}
