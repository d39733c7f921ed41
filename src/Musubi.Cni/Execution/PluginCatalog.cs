using Musubi.Cni.Ipam.HostLocal;
using Musubi.Cni.Ipam.Static;
using Musubi.Cni.Plugins.Bridge;
using Musubi.Cni.Plugins.Loopback;

namespace Musubi.Cni.Execution;

/// <summary>The plugins of this project, by type.</summary>
public static class PluginCatalog
{
    /// <summary>Every type that can be served, in alphabetical order.</summary>
    public static IReadOnlyList<string> Names { get; } = ["bridge", "cnv-bridge", "host-local", "loopback", "static"];

    /// <summary>The plugin of a type; null when it is not one of ours.</summary>
    public static ICniPlugin? Find(string type) => type switch
    {
        "bridge" or "cnv-bridge" => new BridgePlugin(type),
        "host-local" => new HostLocalPlugin(),
        "loopback" => new LoopbackPlugin(),
        "static" => new StaticPlugin(),
        _ => null,
    };
}
