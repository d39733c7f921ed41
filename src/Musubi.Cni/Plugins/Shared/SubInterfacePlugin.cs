using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>What the keys of a plugin say whose interface sits on another one.</summary>
internal abstract record SubInterfaceConfig
{
    /// <summary>The interface to sit on; null finds it.</summary>
    public string? Master { get; init; }

    /// <summary>Whether the master is in the container.</summary>
    public bool LinkInContainer { get; init; }

    /// <summary>Null takes the master's.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>The interface's own address; null where it has none or we choose it.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The kind of link, as the kernel calls it.</summary>
    public abstract string Kind { get; }

    /// <summary>Whether an MTU larger than the master's is refused.</summary>
    public virtual bool BoundsMtu => true;

    /// <summary>Whether the interface cannot be set up while the master is down.</summary>
    public virtual bool NeedsMasterUp => false;

    /// <summary>Whether addresses of the plugin before this one in the chain are taken over when there is no IPAM.</summary>
    public virtual bool TakesOver => false;

    /// <summary>The link to make.</summary>
    public abstract LinkSpec Describe(string name, LinkInfo master);

    /// <summary>The master when the key does not name it.</summary>
    public virtual LinkInfo FindMaster(PluginCall call, RouteSocket route) => MasterLink.FindByDefaultRoute(route);

    /// <summary>What the link that was made still needs.</summary>
    public virtual LinkInfo Complete(RouteSocket inside, LinkInfo link) => link;

    /// <summary>CHECK of the kind's own options.</summary>
    public abstract void Verify(LinkInfo link);
}

/// <summary>A plugin whose interface in the container sits on another one, its master.</summary>
internal abstract class SubInterfacePlugin : ICniPlugin
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        SubInterfaceConfig config = Read(call);
        CniResult? takenOver = config.TakesOver && call.IpamType is null && call.PreviousResult is { Addresses.Count: > 0 } previous ? previous : null;
        if (takenOver is null)
        {
            SandboxNetwork.RequireExpressible(call);
        }

        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);
        RouteSocket maker = config.LinkInContainer ? inside : call.HostRoute;
        LinkInfo master = FindMaster(call, config, maker);
        Undo undo = new(call.Environment.Log);
        try
        {
            LinkInfo link = SandboxLink.Create(call, maker, sandbox, inside, config.Describe(call.Invocation.IfName, master) with { MtuBytes = config.MtuBytes });
            undo.Push(() => inside.Links.Delete(link.Index));
            link = config.Complete(inside, link);
            CniResult? addresses = takenOver is not null ? SandboxNetwork.Assign(takenOver)
                : call.IpamType is not null ? SandboxNetwork.Allocate(call, undo)
                : null;
            SandboxNetwork.Configure(call, sandbox, inside, link.Index, link.Mac, addresses);
            return (addresses ?? new CniResult()) with
            {
                Interfaces = [new CniInterface(link.Name) { Mac = link.Mac?.ToString(), Sandbox = call.Invocation.Netns }],
                Dns = CniDns.Read(call.Config.Object("dns")),
            };
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
        SubInterfaceConfig config = Read(call);
        call.RunIpam(CniCommand.Check);
        CniResult result = ResultCheck.PreviousResultOf(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);

        // With prevResult being our own result, the plugin before us and its interface are not to be seen any more.
        if (config.Master is not null || !config.TakesOver)
        {
            FindMaster(call, config, config.LinkInContainer ? inside : call.HostRoute);
        }

        LinkInfo link = ResultCheck.VerifyLink(call, inside, result, config.Kind);
        config.Verify(link);
        ResultCheck.Verify(inside, link, result);
    }

    /// <inheritdoc/>
    /// <remarks>Needs neither the master nor the keys about it: the interface's name is enough.</remarks>
    public void Del(PluginCall call) => SandboxLink.RemoveWithAddresses(call);

    /// <inheritdoc/>
    public void Gc(PluginCall call) => call.RunIpam(CniCommand.Gc);

    /// <inheritdoc/>
    public void Status(PluginCall call)
    {
        SubInterfaceConfig config = Read(call);
        if (!config.LinkInContainer && config.Master is not null)
        {
            try
            {
                FindMaster(call, config, call.HostRoute);
            }
            catch (CniException e)
            {
                throw new CniException(CniErrorCode.PluginNotAvailable, e.Message, e.Details, e);
            }
        }

        call.RunIpam(CniCommand.Status);
    }

    /// <summary>Reads the plugin's keys and refuses what is wrong in itself.</summary>
    protected abstract SubInterfaceConfig Read(PluginCall call);

    private static LinkInfo FindMaster(PluginCall call, SubInterfaceConfig config, RouteSocket route)
    {
        LinkInfo master = config.Master is { } name ? MasterLink.Find(route, name) : config.FindMaster(call, route);
        if (config.BoundsMtu && config.MtuBytes > master.MtuBytes)
        {
            throw CniException.InvalidConfig($"invalid MTU {config.MtuBytes}, must be [0, master MTU({master.MtuBytes})]: the master is {master.Name}");
        }

        return config.NeedsMasterUp && !master.AdminUp
            ? throw new CniException(CniErrorCode.TryAgainLater, $"the master \"{master.Name}\" is down: set it up first")
            : master;
    }
}
