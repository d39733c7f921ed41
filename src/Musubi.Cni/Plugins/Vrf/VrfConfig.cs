using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Plugins.Vrf;

/// <summary>The keys of the vrf plugin.</summary>
/// <param name="VrfName">The routing domain's name.</param>
/// <param name="Table">Its routing table; null takes a free one, or that of the domain that is there.</param>
internal sealed record VrfConfig(string VrfName, uint? Table)
{
    public static VrfConfig Read(PluginCall call)
    {
        string? name = call.Config.Text("vrfname");
        if (string.IsNullOrEmpty(name))
        {
            throw CniException.InvalidConfig("configuration is expected to have a valid vrf name: vrfname is missing");
        }

        return CniInvocation.IsInterfaceName(name)
            ? new VrfConfig(name, InterfaceKeys.ReadUnsigned(call.Config, "table") is { } table and not 0 ? table : null)
            : throw CniException.InvalidConfig($"vrfname \"{name}\" cannot be an interface's name");
    }
}
