using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;

namespace Musubi.Cni.Plugins.Vlan;

/// <summary>Gives a container an 802.1Q interface on an interface of the host, or of the container.</summary>
internal sealed class VlanPlugin : SubInterfacePlugin
{
    /// <inheritdoc/>
    public override string Name => "vlan";

    /// <inheritdoc/>
    protected override SubInterfaceConfig Read(PluginCall call) => VlanConfig.Read(call);
}
