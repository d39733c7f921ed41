using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Macvlan;

/// <summary>The keys of the macvlan plugin.</summary>
internal sealed record MacvlanConfig : SubInterfaceConfig
{
    /// <summary>How the interfaces of one master see each other.</summary>
    public MacvlanMode Mode { get; init; } = MacvlanMode.Bridge;

    /// <summary>Broadcast frames that may wait; null leaves it to the kernel.</summary>
    public uint? BroadcastQueueLength { get; init; }

    public override string Kind => "macvlan";

    public static MacvlanConfig Read(PluginCall call) => new()
    {
        Master = call.Config.Text("master") is { Length: > 0 } master ? master : null,
        LinkInContainer = call.Config.Flag("linkInContainer") ?? false,
        MtuBytes = InterfaceKeys.ReadMtu(call),
        Mac = InterfaceKeys.ReadMac(call),
        Mode = ReadMode(call.Config.Text("mode")),
        BroadcastQueueLength = InterfaceKeys.ReadUnsigned(call.Config, "bcqueuelen") is { } length and not 0 ? length : null,
    };

    // An address of our own choice, from the kernel's generator, which unlike the driver's is seeded on a clone of a machine. In passthru mode the
    // interface takes over its master's address.
    public override LinkSpec Describe(string name, LinkInfo master) => new MacvlanLink(name, master.Index)
    {
        Mode = Mode,
        BroadcastQueueLength = BroadcastQueueLength,
        Mac = Mode == MacvlanMode.Passthru ? null : Mac ?? MacAddress.Random(),
    };

    public override LinkInfo Complete(RouteSocket inside, LinkInfo link)
    {
        if (Mode != MacvlanMode.Passthru || Mac is not { } mac)
        {
            return link;
        }

        inside.Links.Change(link.Index, new LinkChange { Mac = mac });
        return link with { Mac = mac };
    }

    public override void Verify(LinkInfo link)
    {
        if (link.Macvlan?.Mode != Mode)
        {
            throw ResultCheck.Failed($"macvlan {link.Name} has mode {TextOf(link.Macvlan?.Mode)}, configured is {TextOf(Mode)}");
        }
    }

    private static MacvlanMode ReadMode(string? text) => text switch
    {
        null or "" or "bridge" => MacvlanMode.Bridge,
        "private" => MacvlanMode.Private,
        "vepa" => MacvlanMode.Vepa,
        "passthru" => MacvlanMode.Passthru,
        _ => throw CniException.InvalidConfig($"unknown macvlan mode: \"{text}\"; mode must be bridge, private, vepa or passthru"),
    };

    private static string TextOf(MacvlanMode? mode) => mode switch
    {
        MacvlanMode.Bridge => "bridge",
        MacvlanMode.Private => "private",
        MacvlanMode.Vepa => "vepa",
        MacvlanMode.Passthru => "passthru",
        MacvlanMode.Source => "source",
        _ => "unknown",
    };
}
