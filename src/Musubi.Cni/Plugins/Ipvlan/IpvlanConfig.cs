using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Ipvlan;

/// <summary>The keys of the ipvlan plugin.</summary>
internal sealed record IpvlanConfig : SubInterfaceConfig
{
    /// <summary>Where packets are told apart.</summary>
    public IpvlanMode Mode { get; init; } = IpvlanMode.L2;

    public override string Kind => "ipvlan";

    // The reference plugin leaves the MTU to the kernel, which allows any.
    public override bool BoundsMtu => false;

    public override bool TakesOver => true;

    public static IpvlanConfig Read(PluginCall call) => new()
    {
        Master = call.Config.Text("master") is { Length: > 0 } master ? master : null,
        LinkInContainer = call.Config.Flag("linkInContainer") ?? false,
        MtuBytes = InterfaceKeys.ReadMtu(call),
        Mode = call.Config.Text("mode") switch
        {
            null or "" or "l2" => IpvlanMode.L2,
            "l3" => IpvlanMode.L3,
            "l3s" => IpvlanMode.L3S,
            var other => throw CniException.InvalidConfig($"unknown ipvlan mode: \"{other}\"; mode must be l2, l3 or l3s"),
        },
    };

    public override LinkSpec Describe(string name, LinkInfo master) => new IpvlanLink(name, master.Index) { Mode = Mode };

    public override LinkInfo FindMaster(PluginCall call, RouteSocket route)
    {
        if (call.PreviousResult is not { } previous)
        {
            return base.FindMaster(call, route);
        }

        return previous.Interfaces is [{ Name.Length: > 0 } only]
            ? MasterLink.Find(route, only.Name)
            : throw CniException.InvalidConfig("chained master failure. PrevResult lacks a single named interface: name the interface with the key master");
    }

    public override void Verify(LinkInfo link)
    {
        if (link.IpvlanMode != Mode)
        {
            throw ResultCheck.Failed($"ipvlan {link.Name} has mode {TextOf(link.IpvlanMode)}, configured is {TextOf(Mode)}");
        }
    }

    private static string TextOf(IpvlanMode? mode) => mode?.ToString().ToLowerInvariant() ?? "unknown";
}
