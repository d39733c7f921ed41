using Musubi.Cni.Execution;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Plugins.HostDevice;

/// <summary>The keys of the host-device plugin: which device, in the order in which they count.</summary>
internal sealed record HostDeviceConfig
{
    /// <summary>Its name.</summary>
    public string? Device { get; init; }

    /// <summary>Its hardware address.</summary>
    public string? HwAddr { get; init; }

    /// <summary>Its path below /sys/devices.</summary>
    public string? KernelPath { get; init; }

    /// <summary>Its PCI address, or its name on the auxiliary bus; <c>runtimeConfig.deviceID</c> wins over <c>pciBusID</c>.</summary>
    public string? DeviceId { get; init; }

    public static HostDeviceConfig Read(PluginCall call)
    {
        HostDeviceConfig read = new()
        {
            Device = TextOf(call.Config, "device"),
            HwAddr = TextOf(call.Config, "hwaddr"),
            KernelPath = TextOf(call.Config, "kernelpath"),
            DeviceId = (call.RuntimeConfig is { } runtime ? TextOf(runtime, "deviceID") : null) ?? TextOf(call.Config, "pciBusID"),
        };
        return read is { Device: null, HwAddr: null, KernelPath: null, DeviceId: null }
            ? throw CniException.InvalidConfig("specify either \"device\", \"hwaddr\", \"kernelpath\" or \"pciBusID\"")
            : read;
    }

    private static string? TextOf(ConfigObject config, string key) => config.Text(key) is { Length: > 0 } text ? text : null;
}
