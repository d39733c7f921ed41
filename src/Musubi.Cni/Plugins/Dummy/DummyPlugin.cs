using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Dummy;

/// <summary>Gives a container addresses on an interface that leads nowhere.</summary>
internal sealed class DummyPlugin : ICniPlugin
{
    /// <inheritdoc/>
    public string Name => "dummy";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        RequireIpam(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);
        Undo undo = new(call.Environment.Log);
        try
        {
            LinkInfo link = SandboxLink.Create(call, inside, sandbox, inside, new DummyLink(call.Invocation.IfName) { Mac = MacAddress.Random() });
            undo.Push(() => inside.Links.Delete(link.Index));
            CniResult result = SandboxNetwork.Allocate(call, undo);
            SandboxInterface.Configure(inside, sandbox, link.Index, link.Name, index: 0, result, detectDuplicates: false, call.Environment.Cancellation);
            return result with { Interfaces = [new CniInterface(link.Name) { Mac = link.Mac?.ToString(), Sandbox = call.Invocation.Netns }] };
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
        RequireIpam(call);
        call.RunIpam(CniCommand.Check);
        CniResult result = ResultCheck.PreviousResultOf(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket inside = RouteSocket.Open(sandbox);
        LinkInfo link = ResultCheck.VerifyLink(call, inside, result, "dummy");
        if (!link.AdminUp)
        {
            throw ResultCheck.Failed($"Interface {link.Name} is down");
        }

        ResultCheck.Verify(inside, link, result);
    }

    /// <inheritdoc/>
    public void Del(PluginCall call) => SandboxLink.RemoveWithAddresses(call);

    /// <inheritdoc/>
    public void Gc(PluginCall call) => call.RunIpam(CniCommand.Gc);

    /// <inheritdoc/>
    public void Status(PluginCall call) => call.RunIpam(CniCommand.Status);

    private static void RequireIpam(PluginCall call)
    {
        if (call.IpamType is null)
        {
            throw CniException.InvalidConfig("dummy interface requires an IPAM configuration: ipam.type must name a plugin");
        }
    }
}
