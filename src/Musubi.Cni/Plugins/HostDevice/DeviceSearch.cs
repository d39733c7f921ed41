using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Pci;

namespace Musubi.Cni.Plugins.HostDevice;

/// <summary>Finds the device that a configuration means.</summary>
internal static class DeviceSearch
{
    private static bool IsUserSpaceDriver(string? driver) => driver is "vfio-pci" or "uio_pci_generic" or "igb_uio";

    /// <summary>Whether a program drives the device by itself (DPDK), so that there is no interface to move.</summary>
    public static bool IsDrivenByUser(HostDeviceConfig config)
    {
        if (config is not { Device: null, HwAddr: null, KernelPath: null, DeviceId: { } id } || !PciAddress.TryParse(id, out PciAddress address))
        {
            return false;
        }

        return IsUserSpaceDriver(address.FindDriver());
    }

    /// <summary>The device on the host.</summary>
    public static LinkInfo Find(PluginCall call, HostDeviceConfig config)
    {
        try
        {
            return TryFind(call, config) ?? throw new CniException(CniErrorCode.Internal, $"failed to find host device: {Describe(config)} is no interface of the host; another container may have it");
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            throw CniException.InvalidConfig($"failed to find host device: {e.Message}");
        }
    }

    /// <summary>The device on the host; null when it is not there.</summary>
    public static LinkInfo? TryFind(PluginCall call, HostDeviceConfig config)
    {
        RouteSocket host = call.HostRoute;
        if (config.Device is { } name)
        {
            return host.Links.Find(name) ?? host.Links.List().FirstOrDefault(link => link.Alias == name && HasReturned(call, link));
        }

        if (config.HwAddr is { } text)
        {
            MacAddress mac = InterfaceKeys.ParseMac(text, "hwaddr");
            return host.Links.List().FirstOrDefault(link => link.Mac == mac);
        }

        return Interfaces(config).Select(host.Links.Find).FirstOrDefault(link => link is not null);
    }

    /// <summary>Whether a link of the host came back by itself from a container that is gone, so that its alias is the name by which the host knows it.</summary>
    /// <remarks>
    /// The kernel leaves it the container's name, or gives it one of its own, and sets it down. Any other link's alias is the administrator's, and no name.
    /// GC has no interface name to compare with.
    /// </remarks>
    public static bool HasReturned(PluginCall call, LinkInfo link) =>
        link.Alias is { } alias && IsName(alias)
        && ((!link.AdminUp && (link.Name == call.Invocation.IfName || IsFallbackName(link.Name))) || LentDevice.All(call).Any(lent => lent.IsReturned(link)));

    /// <summary>Whether the kernel named it: a device that comes back to a namespace where its name is taken becomes <c>dev</c> and a number.</summary>
    public static bool IsFallbackName(string name) => name.Length > 3 && name.StartsWith("dev", StringComparison.Ordinal) && name.AsSpan(3).IndexOfAnyExceptInRange('0', '9') < 0;

    /// <summary>Whether an interface can be called so.</summary>
    public static bool IsName(string text) => text.Length is > 0 and <= 15 && text.All(c => c > ' ' && c is not ('/' or ':')) && text is not ("." or "..");

    private static IReadOnlyList<string> Interfaces(HostDeviceConfig config)
    {
        if (config.KernelPath is { } path)
        {
            return DeviceInterfaces.OfPath(path);
        }

        string id = config.DeviceId!;
        if (PciAddress.TryParse(id, out PciAddress address))
        {
            return address.Exists() ? DeviceInterfaces.OfPci(address) : throw CniException.InvalidConfig($"failed to find host device: the host has no PCI device {address}");
        }

        return DeviceInterfaces.IsAuxiliary(id)
            ? DeviceInterfaces.OfAuxiliary(id)
            : throw CniException.InvalidConfig($"DeviceID {id} not found or unsupported: expected a PCI address as 0000:00:1f.6 or the name of an auxiliary device");
    }

    private static string Describe(HostDeviceConfig config) => config switch
    {
        { Device: { } name } => $"device \"{name}\"",
        { HwAddr: { } mac } => $"hwaddr {mac}",
        { KernelPath: { } path } => $"kernelpath {path}",
        _ => $"pciBusID {config.DeviceId}",
    };
}
