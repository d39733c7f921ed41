using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Linux.Addresses;
using Musubi.Linux.Taps;

namespace Musubi.Cni.Plugins.Tap;

/// <summary>The keys of the tap plugin.</summary>
internal sealed record TapConfig
{
    /// <summary>How the tap is made; nobody has it open afterwards.</summary>
    public required TapOptions Options { get; init; }

    /// <summary>Null leaves it to the kernel.</summary>
    public int? MtuBytes { get; init; }

    /// <summary>Null lets us choose.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>A bridge in the container that the tap becomes a port of.</summary>
    public string? Bridge { get; init; }

    public static TapConfig Read(PluginCall call) => new()
    {
        Options = new TapOptions
        {
            Persistent = true,
            Exclusive = true,
            MultiQueue = call.Config.Flag("multiQueue") ?? false,
            OwnerUid = InterfaceKeys.ReadUnsigned(call.Config, "owner"),
            OwnerGid = InterfaceKeys.ReadUnsigned(call.Config, "group"),
            SecurityContext = call.Config.Text("selinuxContext") is { Length: > 0 } context ? context : null,
        },
        MtuBytes = InterfaceKeys.ReadMtu(call),
        Mac = InterfaceKeys.ReadMac(call),
        Bridge = call.Config.Text("bridge") is { Length: > 0 } bridge ? bridge : null,
    };
}
