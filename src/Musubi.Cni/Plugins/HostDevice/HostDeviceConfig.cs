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

    /// <summary>Reads the keys; one of them must be there.</summary>
    public static HostDeviceConfig Read(PluginCall call) =>
        Find(call) ?? throw CniException.InvalidConfig("specify either \"device\", \"hwaddr\", \"kernelpath\" or \"pciBusID\"");

    /// <summary>Reads the keys; null when none is there, as in STATUS and GC of a network whose runtime names the device with each ADD.</summary>
    public static HostDeviceConfig? Find(PluginCall call)
    {
        HostDeviceConfig read = new()
        {
            Device = TextOf(call.Config, "device"),
            HwAddr = TextOf(call.Config, "hwaddr"),
            KernelPath = TextOf(call.Config, "kernelpath"),
            DeviceId = (call.RuntimeConfig is { } runtime ? TextOf(runtime, "deviceID") : null) ?? TextOf(call.Config, "pciBusID"),
        };
        return read is { Device: null, HwAddr: null, KernelPath: null, DeviceId: null }
            ? null
            : read;
    }

    private static string? TextOf(ConfigObject config, string key) => config.Text(key) is { Length: > 0 } text ? text : null;
}
