using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Plugins.Bandwidth;

/// <summary>The keys of the bandwidth plugin; they win, all together, over <c>runtimeConfig.bandwidth</c>.</summary>
/// <param name="Ingress">What the container receives; null for no limit.</param>
/// <param name="Egress">What the container sends; null for no limit.</param>
/// <param name="Subnets">The networks that are limited, or are not.</param>
/// <param name="SubnetsAreLimited">Whether only they are limited; else all but they.</param>
internal sealed record BandwidthConfig(BandwidthLimit? Ingress, BandwidthLimit? Egress, IReadOnlyList<Cidr> Subnets, bool SubnetsAreLimited)
{
    private static readonly string[] _keys = ["ingressRate", "ingressBurst", "egressRate", "egressBurst", "unshapedSubnets", "shapedSubnets"];

    public bool IsEmpty => Ingress is null && Egress is null;

    public static BandwidthConfig Read(PluginCall call)
    {
        ConfigObject section = _keys.Any(k => call.Config.Find(k) is not null) ? call.Config : call.RuntimeConfig?.Object("bandwidth") ?? call.Config;
        IReadOnlyList<Cidr> unshaped = ReadSubnets(section, "unshapedSubnets");
        IReadOnlyList<Cidr> shaped = ReadSubnets(section, "shapedSubnets");
        return unshaped.Count > 0 && shaped.Count > 0
            ? throw CniException.InvalidConfig("unshapedSubnets and shapedSubnets cannot be both specified, one of them should be discarded")
            : new BandwidthConfig(
                BandwidthLimit.Read(section, "ingressRate", "ingressBurst"),
                BandwidthLimit.Read(section, "egressRate", "egressBurst"),
                shaped.Count > 0 ? shaped : unshaped,
                shaped.Count > 0);
    }

    private static IReadOnlyList<Cidr> ReadSubnets(ConfigObject section, string key) =>
    [
        .. (section.Texts(key) ?? []).Select(text => Cidr.TryParse(text, out Cidr subnet)
            ? subnet.Network
            : throw CniException.InvalidConfig($"bad subnet \"{text}\" provided: {section.PathOf(key)} takes networks such as 10.0.0.0/8 or fd00::/8")),
    ];
}

/// <summary>How much may pass.</summary>
/// <param name="BytesPerSecond">All the time.</param>
/// <param name="BurstBytes">At once, after a pause.</param>
internal sealed record BandwidthLimit(ulong BytesPerSecond, ulong BurstBytes)
{
    private const int BitsPerByte = 8;

    /// <summary>Reads a pair of keys, which are in bits; null when neither is set.</summary>
    public static BandwidthLimit? Read(ConfigObject section, string rateKey, string burstKey)
    {
        ulong rate = section.Amount(rateKey) ?? 0;
        ulong burst = section.Amount(burstKey) ?? 0;
        return (rate, burst) switch
        {
            (0, 0) => null,
            (_, 0) => throw CniException.InvalidConfig($"if rate is set, burst must also be set: {section.PathOf(rateKey)} is {rate}, {section.PathOf(burstKey)} is not set"),
            (0, _) => throw CniException.InvalidConfig($"if burst is set, rate must also be set: {section.PathOf(burstKey)} is {burst}, {section.PathOf(rateKey)} is not set"),
            ( < BitsPerByte, _) => throw CniException.InvalidConfig($"{section.PathOf(rateKey)} must be at least {BitsPerByte} bits per second, not {rate}"),
            (_, _) when burst / BitsPerByte >= uint.MaxValue => throw CniException.InvalidConfig($"burst cannot be more than 4GB: {section.PathOf(burstKey)} is {burst} bits"),
            _ => new BandwidthLimit(rate / BitsPerByte, burst / BitsPerByte),
        };
    }
}
