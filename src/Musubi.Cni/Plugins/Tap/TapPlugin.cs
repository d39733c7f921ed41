using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Taps;

namespace Musubi.Cni.Plugins.Tap;

/// <summary>Gives a container a tap, which whoever runs a virtual machine there opens.</summary>
internal sealed class TapPlugin : ICniPlugin
{
    /// <inheritdoc/>
    public string Name => "tap";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        TapConfig config = TapConfig.Read(call);
        SandboxNetwork.RequireExpressible(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);
        LinkInfo? bridge = FindBridge(inside, config);
        string ifName = call.Invocation.IfName;
        Undo undo = new(call.Environment.Log);
        try
        {
            Make(sandbox, inside, ifName, config);
            undo.Push(() => inside.Links.DeleteIfExists(ifName));
            LinkIndex link = inside.Links.IndexOf(ifName);

            MacAddress mac = config.Mac ?? MacAddress.Random();
            inside.Links.Change(link, new LinkChange { Mac = mac, MtuBytes = config.MtuBytes, Master = bridge?.Index });
            CniResult? addresses = call.IpamType is null ? null : SandboxNetwork.Allocate(call, undo);
            SandboxNetwork.Configure(call, sandbox, inside, link, mac, addresses);
            return (addresses ?? new CniResult()) with
            {
                Interfaces = [new CniInterface(ifName) { Mac = mac.ToString(), Sandbox = call.Invocation.Netns }],
                Dns = CniDns.Read(call.Config.Object("dns")),
            };
        }
        catch (NetlinkException e)
        {
            undo.Run();
            throw CniException.Wrap($"failed to configure tap {ifName}", e);
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
        TapConfig config = TapConfig.Read(call);
        call.RunIpam(CniCommand.Check);
        CniResult result = ResultCheck.PreviousResultOf(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);
        LinkInfo link = ResultCheck.VerifyLink(call, inside, result, "tun");
        if (FindBridge(inside, config) is { } bridge && link.Master != bridge.Index)
        {
            throw ResultCheck.Failed($"tap {link.Name} is not a port of bridge {bridge.Name}");
        }

        ResultCheck.Verify(inside, link, result);
    }

    /// <inheritdoc/>
    public void Del(PluginCall call) => SandboxLink.RemoveWithAddresses(call);

    /// <inheritdoc/>
    public void Gc(PluginCall call) => call.RunIpam(CniCommand.Gc);

    /// <inheritdoc/>
    public void Status(PluginCall call) => call.RunIpam(CniCommand.Status);

    private static LinkInfo? FindBridge(RouteSocket inside, TapConfig config)
    {
        if (config.Bridge is not { } name)
        {
            return null;
        }

        LinkInfo bridge = inside.Links.Find(name) ?? throw new CniException(CniErrorCode.Internal, $"failed to get bridge {name}: the container has no such interface");
        return bridge.Kind == "bridge" ? bridge : throw CniException.InvalidConfig($"\"{name}\" already exists but is not a bridge");
    }

    private static void Make(NetworkNamespace sandbox, RouteSocket inside, string ifName, TapConfig config)
    {
        try
        {
            TapDevice.Open(sandbox, ifName, config.Options).Dispose();
        }
        catch (LinuxException e) when (e.Errno is Errno.EBUSY or Errno.EINVAL && inside.Links.Find(ifName) is not null)
        {
            throw new CniException(CniErrorCode.Internal, $"failed to create tap {ifName}: the container has an interface of this name already");
        }
        catch (LinuxException e) when (config.Options.SecurityContext is { } context && e.Operation.Contains("/attr/", StringComparison.Ordinal))
        {
            throw new CniException(CniErrorCode.UnsupportedField,
                $"selinuxContext \"{context}\" cannot be taken on: {e.Message}; the host needs SELinux with a policy that allows the runtime to change to it", details: null, e);
        }
        catch (LinuxException e)
        {
            throw CniException.Wrap($"failed to create tap {ifName}", e);
        }
    }
}
