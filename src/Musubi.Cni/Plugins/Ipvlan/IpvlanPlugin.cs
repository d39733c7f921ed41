using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;

namespace Musubi.Cni.Plugins.Ipvlan;

/// <summary>
/// Gives a container an interface that shares the hardware address of an interface of the host; in a chain, with the addresses of the plugin
/// before it on the interface which that one made.
/// </summary>
internal sealed class IpvlanPlugin : SubInterfacePlugin
{
    /// <inheritdoc/>
    public override string Name => "ipvlan";

    /// <inheritdoc/>
    protected override SubInterfaceConfig Read(PluginCall call) => IpvlanConfig.Read(call);
}
