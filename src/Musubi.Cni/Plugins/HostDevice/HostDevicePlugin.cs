using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.HostDevice;

/// <summary>Lends a device of the host to a container.</summary>
internal sealed class HostDevicePlugin : ICniPlugin
{
    /// <inheritdoc/>
    public string Name => "host-device";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        HostDeviceConfig config = HostDeviceConfig.Read(call);
        SandboxNetwork.RequireExpressible(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);
        CniDns dns = CniDns.Read(call.Config.Object("dns"));
        Undo undo = new(call.Environment.Log);
        try
        {
            if (DeviceSearch.IsDrivenByUser(config))
            {
                // There is no interface that could have the addresses: whoever drives the device gives them to it.
                CniResult given = call.IpamType is null ? new CniResult() : SandboxNetwork.Allocate(call, undo);
                return given with { Addresses = [.. given.Addresses.Select(a => a with { Interface = null })], Dns = dns };
            }

            LinkInfo link = DeviceMove.MoveIn(call, sandbox, inside, DeviceSearch.Find(call, config), undo);
            CniResult? addresses = call.IpamType is null ? null : SandboxNetwork.Allocate(call, undo);
            if (addresses is not null)
            {
                SandboxNetwork.Configure(call, sandbox, inside, link.Index, link.Mac, addresses);
            }

            return (addresses ?? new CniResult()) with
            {
                Interfaces = [new CniInterface(link.Name) { Mac = link.Mac?.ToString(), Sandbox = call.Invocation.Netns }],
                Dns = dns,
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
        HostDeviceConfig config = HostDeviceConfig.Read(call);
        call.RunIpam(CniCommand.Check);
        CniResult result = ResultCheck.PreviousResultOf(call);
        if (DeviceSearch.IsDrivenByUser(config))
        {
            return;
        }

        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);
        LinkInfo link = ResultCheck.VerifyLink(call, inside, result, kind: null);
        ResultCheck.Verify(inside, link, result);
    }

    /// <inheritdoc/>
    public void Del(PluginCall call)
    {
        call.Detach(() =>
        {
            using NetworkNamespace? sandbox = call.FindSandbox();
            if (sandbox is null || !DeviceMove.MoveOut(call, sandbox))
            {
                DeviceMove.Recover(call, sandbox is null ? TryRead(call) : null);
            }
        });
    }

    /// <inheritdoc/>
    public void Gc(PluginCall call)
    {
        try
        {
            DeviceMove.RecoverInvalid(call, TryRead(call));
        }
        finally
        {
            call.RunIpam(CniCommand.Gc);
        }
    }

    /// <inheritdoc/>
    /// <remarks>A device that is lent out is no fault: ADD says so when it is asked for again.</remarks>
    public void Status(PluginCall call)
    {
        _ = HostDeviceConfig.Find(call);
        call.RunIpam(CniCommand.Status);
    }

    private static HostDeviceConfig? TryRead(PluginCall call)
    {
        try
        {
            return HostDeviceConfig.Find(call);
        }
        catch (CniException)
        {
            return null; // spoilt since: there is nothing to look for
        }
    }
}
