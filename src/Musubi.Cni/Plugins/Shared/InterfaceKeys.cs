using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>Keys that mean the same in every plugin that makes an interface.</summary>
internal static class InterfaceKeys
{
    /// <summary>The <c>mtu</c> key; null (also for 0) leaves it to the kernel.</summary>
    public static int? ReadMtu(PluginCall call) => call.Config.Number("mtu") switch
    {
        null or 0 => null,
        < 0 and int negative => throw CniException.InvalidConfig($"invalid MTU {negative}: mtu must not be negative"),
        int mtu => mtu,
    };

    /// <summary>The interface's address: <c>runtimeConfig.mac</c> wins over <c>MAC</c> of <c>CNI_ARGS</c>, which wins over <c>mac</c>; null leaves it to us.</summary>
    public static MacAddress? ReadMac(PluginCall call)
    {
        string? text = call.RuntimeConfig?.Text("mac") is { Length: > 0 } runtime ? runtime : call.Arguments["MAC"] ?? call.Config.Text("mac");
        return string.IsNullOrEmpty(text) ? null : ParseMac(text, "mac");
    }

    /// <summary>A whole number of 32 bits without sign; null when absent.</summary>
    public static uint? ReadUnsigned(ConfigObject config, string key) => config.Find(key) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetUInt32(out uint number)
            ? number
            : throw CniException.InvalidConfig($"{config.PathOf(key)} must be a whole number from 0 to {uint.MaxValue}");

    /// <summary>An interface's own address given as text.</summary>
    public static MacAddress ParseMac(string text, string key) => MacAddress.TryParse(text, out MacAddress mac) && !mac.IsMulticast
        ? mac
        : throw CniException.InvalidConfig($"invalid args {text} for MAC addr: {key} must be six octets of a unicast address, as 02:00:00:00:00:01");
}
