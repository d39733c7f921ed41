using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux.Links;

namespace Musubi.Cni.Plugins.Vlan;

/// <summary>The keys of the vlan plugin.</summary>
internal sealed record VlanConfig : SubInterfaceConfig
{
    /// <summary>The VLAN's number.</summary>
    public required VlanId Id { get; init; }

    public override string Kind => "vlan";

    public override bool NeedsMasterUp => true;

    public override bool TakesOver => true;

    public static VlanConfig Read(PluginCall call)
    {
        int id = call.Config.Number("vlanId") ?? throw CniException.InvalidConfig("\"vlanId\" field is required: the number of the VLAN, 1 to 4094");
        return new VlanConfig
        {
            Master = call.Config.Text("master") is { Length: > 0 } master
                ? master
                : throw CniException.InvalidConfig("\"master\" field is required. It specifies the host interface name to create the VLAN for"),
            LinkInContainer = call.Config.Flag("linkInContainer") ?? false,
            MtuBytes = InterfaceKeys.ReadMtu(call),
            Id = id is >= VlanId.MinValue and <= VlanId.MaxValue
                ? new VlanId(id)
                : throw CniException.InvalidConfig($"invalid VLAN ID {id} (must be between {VlanId.MinValue} and {VlanId.MaxValue} inclusive)"),
        };
    }

    public override LinkSpec Describe(string name, LinkInfo master) => new VlanLink(name, master.Index, Id);

    public override void Verify(LinkInfo link)
    {
        if (link.Vlan?.Id != Id.Value)
        {
            throw ResultCheck.Failed($"vlan {link.Name} has ID {link.Vlan?.Id}, configured is {Id}");
        }

        if (MtuBytes is { } mtu && link.MtuBytes != mtu)
        {
            throw ResultCheck.Failed($"vlan {link.Name} has MTU {link.MtuBytes}, configured is {mtu}");
        }
    }
}
