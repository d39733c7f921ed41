using Musubi.Cni.Ipam.Dhcp;
using Musubi.Cni.Ipam.HostLocal;
using Musubi.Cni.Ipam.Static;
using Musubi.Cni.Plugins.Bandwidth;
using Musubi.Cni.Plugins.Bridge;
using Musubi.Cni.Plugins.Dummy;
using Musubi.Cni.Plugins.Firewall;
using Musubi.Cni.Plugins.HostDevice;
using Musubi.Cni.Plugins.Ipvlan;
using Musubi.Cni.Plugins.Loopback;
using Musubi.Cni.Plugins.Macvlan;
using Musubi.Cni.Plugins.Portmap;
using Musubi.Cni.Plugins.Ptp;
using Musubi.Cni.Plugins.Sbr;
using Musubi.Cni.Plugins.Tap;
using Musubi.Cni.Plugins.Tuning;
using Musubi.Cni.Plugins.Vlan;
using Musubi.Cni.Plugins.Vrf;

namespace Musubi.Cni.Execution;

/// <summary>The plugins of this project, by type.</summary>
public static class PluginCatalog
{
    /// <summary>Every type that can be served, in alphabetical order.</summary>
    public static IReadOnlyList<string> Names { get; } = ["bandwidth", "bridge", "cnv-bridge", "dhcp", "dummy", "firewall", "host-device", "host-local", "ipvlan", "loopback", "macvlan", "portmap", "ptp", "sbr", "static", "tap", "tuning", "vlan", "vrf"];

    /// <summary>The plugin of a type; null when it is not one of ours.</summary>
    public static ICniPlugin? Find(string type) => type switch
    {
        "bandwidth" => new BandwidthPlugin(),
        "bridge" or "cnv-bridge" => new BridgePlugin(type),
        "dhcp" => new DhcpPlugin(),
        "dummy" => new DummyPlugin(),
        "firewall" => new FirewallPlugin(),
        "host-device" => new HostDevicePlugin(),
        "host-local" => new HostLocalPlugin(),
        "ipvlan" => new IpvlanPlugin(),
        "loopback" => new LoopbackPlugin(),
        "macvlan" => new MacvlanPlugin(),
        "portmap" => new PortmapPlugin(),
        "ptp" => new PtpPlugin(),
        "sbr" => new SbrPlugin(),
        "static" => new StaticPlugin(),
        "tap" => new TapPlugin(),
        "tuning" => new TuningPlugin(),
        "vlan" => new VlanPlugin(),
        "vrf" => new VrfPlugin(),
        _ => null,
    };
}
