using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Bridge;

/// <summary>CHECK of the bridge plugin.</summary>
internal sealed partial class BridgePlugin
{
    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        BridgeConfig config = BridgeConfig.Read(call);
        call.RunIpam(CniCommand.Check);
        CniResult result = call.PreviousResult ?? throw CniException.InvalidConfig("Required prevResult missing");

        LinkInfo bridge = CheckBridge(call, config, result);
        using NetworkNamespace sandbox = call.OpenSandbox();
        using RouteSocket route = RouteSocket.Open(sandbox);
        LinkInfo inside = CheckSandboxEnd(call, route, result);
        CheckHostEnd(call, result, bridge, inside);
        ResultCheck.Verify(route, inside, result);
    }

    private static LinkInfo CheckBridge(PluginCall call, BridgeConfig config, CniResult result)
    {
        CniInterface reported = result.Interfaces.FirstOrDefault(i => i.Name == config.Bridge && string.IsNullOrEmpty(i.Sandbox))
            ?? throw ResultCheck.Failed($"interface {config.Bridge} is not in prevResult");
        LinkInfo bridge = call.HostRoute.Links.Find(config.Bridge) ?? throw ResultCheck.Failed($"Cannot find bridge {config.Bridge}");
        if (bridge.Kind != "bridge")
        {
            throw ResultCheck.Failed($"interface {config.Bridge} is not a bridge");
        }

        RequireMac(bridge, reported);
        bool promiscuous = bridge.Flags.HasFlag(LinkFlags.Promiscuous);
        return promiscuous == config.PromiscMode
            ? bridge
            : throw ResultCheck.Failed($"bridge {config.Bridge}: promiscuous mode is {promiscuous}, configured {config.PromiscMode}");
    }

    private static LinkInfo CheckSandboxEnd(PluginCall call, RouteSocket route, CniResult result)
    {
        string ifName = call.Invocation.IfName;
        CniInterface reported = result.Interfaces.FirstOrDefault(i => i.Name == ifName && i.Sandbox == call.Invocation.Netns)
            ?? throw ResultCheck.Failed($"interface {ifName} in sandbox {call.Invocation.Netns} is not in prevResult");
        LinkInfo inside = route.Links.Find(ifName) ?? throw ResultCheck.Failed($"Cannot find container link {ifName}");
        if (inside.Kind != "veth")
        {
            throw ResultCheck.Failed($"container interface {ifName} is not a veth");
        }

        RequireMac(inside, reported);
        return inside;
    }

    private static void CheckHostEnd(PluginCall call, CniResult result, LinkInfo bridge, LinkInfo inside)
    {
        LinkInfo? port = inside.PeerIndex is { } peer ? call.HostRoute.Links.Find(peer) : null;
        if (port is null || port.Kind != "veth" || port.PeerIndex != inside.Index || port.Master != bridge.Index)
        {
            throw ResultCheck.Failed($"CNI veth created for bridge {bridge.Name} was not found");
        }

        if (result.Interfaces.FirstOrDefault(i => i.Name == port.Name) is { } reported)
        {
            RequireMac(port, reported);
        }
    }

    private static void RequireMac(LinkInfo link, CniInterface reported)
    {
        if (!string.IsNullOrEmpty(reported.Mac) && !string.Equals(reported.Mac, link.Mac?.ToString(), StringComparison.OrdinalIgnoreCase))
        {
            throw ResultCheck.Failed($"interface {link.Name} has MAC {link.Mac}, not {reported.Mac} as prevResult says");
        }
    }
}
