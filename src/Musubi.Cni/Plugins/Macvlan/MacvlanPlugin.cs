using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;

namespace Musubi.Cni.Plugins.Macvlan;

/// <summary>Gives a container an interface with a hardware address of its own on an interface of the host.</summary>
internal sealed class MacvlanPlugin : SubInterfacePlugin
{
    /// <inheritdoc/>
    public override string Name => "macvlan";

    /// <inheritdoc/>
    protected override SubInterfaceConfig Read(PluginCall call) => MacvlanConfig.Read(call);
}
