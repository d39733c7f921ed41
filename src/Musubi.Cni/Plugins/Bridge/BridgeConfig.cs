using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;

namespace Musubi.Cni.Plugins.Bridge;

/// <summary>The keys of the bridge plugin.</summary>
internal sealed record BridgeConfig
{
    public const string DefaultBridge = "cni0";

    public string Bridge { get; init; } = DefaultBridge;

    /// <summary>The bridge gets the networks' gateway addresses.</summary>
    public bool IsGateway { get; init; }

    /// <summary>The container's default route leads there.</summary>
    public bool IsDefaultGateway { get; init; }

    /// <summary>An address of the bridge that is in the way is replaced.</summary>
    public bool ForceAddress { get; init; }

    public bool IpMasq { get; init; }

    /// <summary>Null leaves it to the kernel.</summary>
    public int? MtuBytes { get; init; }

    public bool HairpinMode { get; init; }

    public bool PromiscMode { get; init; }

    /// <summary>The port's own VLAN; null for none.</summary>
    public VlanId? Vlan { get; init; }

    /// <summary>VLANs that pass tagged; null when the key is absent, which unlike an empty list leaves VLAN filtering alone.</summary>
    public IReadOnlyList<BridgeVlan>? Trunk { get; init; }

    public bool PreserveDefaultVlan { get; init; }

    public bool MacSpoofCheck { get; init; }

    /// <summary>Duplicate address detection for IPv6.</summary>
    public bool EnableDad { get; init; }

    public bool DisableContainerInterface { get; init; }

    public bool PortIsolation { get; init; }

    /// <summary>The container's address: runtimeConfig wins over args.cni, which wins over CNI_ARGS; null lets us choose.</summary>
    public MacAddress? Mac { get; init; }

    public CniDns Dns { get; init; } = CniDns.Empty;

    public bool UsesVlans => Vlan is not null || Trunk is { Count: > 0 };

    /// <summary>Reads the configuration and refuses what contradicts itself.</summary>
    public static BridgeConfig Read(PluginCall call)
    {
        ConfigObject config = call.Config;
        int vlan = config.Number("vlan") ?? 0;
        if (vlan is < 0 or > VlanId.MaxValue)
        {
            throw CniException.InvalidConfig($"invalid VLAN ID {vlan} (must be between 0 and {VlanId.MaxValue})");
        }

        int mtu = config.Number("mtu") ?? 0;
        if (mtu < 0)
        {
            throw CniException.InvalidConfig($"mtu must not be negative: {mtu}");
        }

        string? backend = config.Text("ipMasqBackend");
        if (backend is { Length: > 0 } and not "nftables" and not "iptables")
        {
            throw CniException.InvalidConfig($"unknown ipmasq backend \"{backend}\"");
        }

        bool isDefaultGateway = config.Flag("isDefaultGateway") ?? false;
        BridgeConfig read = new()
        {
            Bridge = config.Text("bridge") is { Length: > 0 } name ? name : DefaultBridge,
            IsGateway = isDefaultGateway || (config.Flag("isGateway") ?? false),
            IsDefaultGateway = isDefaultGateway,
            ForceAddress = config.Flag("forceAddress") ?? false,
            IpMasq = config.Flag("ipMasq") ?? false,
            MtuBytes = mtu == 0 ? null : mtu,
            HairpinMode = config.Flag("hairpinMode") ?? false,
            PromiscMode = config.Flag("promiscMode") ?? false,
            Vlan = vlan == 0 ? null : new VlanId(vlan),
            Trunk = VlanTrunk.Read(config.Objects("vlanTrunk")),
            PreserveDefaultVlan = config.Flag("preserveDefaultVlan") ?? false,
            MacSpoofCheck = config.Flag("macspoofchk") ?? false,
            EnableDad = config.Flag("enabledad") ?? false,
            DisableContainerInterface = config.Flag("disableContainerInterface") ?? false,
            PortIsolation = config.Flag("portIsolation") ?? false,
            Mac = ReadMac(call),
            Dns = CniDns.Read(config.Object("dns")),
        };

        return read switch
        {
            { HairpinMode: true, PromiscMode: true } =>
                throw CniException.InvalidConfig("cannot set hairpin mode and promiscuous mode at the same time: hairpinMode and promiscMode exclude each other"),
            { DisableContainerInterface: true } when call.IpamType is not null =>
                throw CniException.InvalidConfig("cannot use IPAM when DisableContainerInterface flag is set"),
            _ => read,
        };
    }

    private static MacAddress? ReadMac(PluginCall call)
    {
        string? text = call.RuntimeConfig?.Text("mac") is { Length: > 0 } runtime ? runtime
            : call.CniArgs?.Text("mac") is { Length: > 0 } args ? args
            : call.Arguments["MAC"];
        if (text is null)
        {
            return null;
        }

        return MacAddress.TryParse(text, out MacAddress mac) && !mac.IsMulticast
            ? mac
            : throw CniException.InvalidConfig($"invalid MAC address \"{text}\": expected six octets of a unicast address, as 02:00:00:00:00:01");
    }
}
