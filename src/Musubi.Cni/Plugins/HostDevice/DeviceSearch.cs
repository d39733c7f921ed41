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
    public static LinkInfo Find(RouteSocket host, HostDeviceConfig config)
    {
        try
        {
            return TryFind(host, config) ?? throw new CniException(CniErrorCode.Internal, $"failed to find host device: {Describe(config)} is no interface of the host; another container may have it");
        }
        catch (Exception e) when (e is IOException or ArgumentException)
        {
            throw CniException.InvalidConfig($"failed to find host device: {e.Message}");
        }
    }

    /// <summary>The device on the host; null when it is not there.</summary>
    public static LinkInfo? TryFind(RouteSocket host, HostDeviceConfig config)
    {
        if (config.Device is { } name)
        {
            return host.Links.Find(name) ?? host.Links.List().FirstOrDefault(link => link.Alias == name);
        }

        if (config.HwAddr is { } text)
        {
            MacAddress mac = InterfaceKeys.ParseMac(text, "hwaddr");
            return host.Links.List().FirstOrDefault(link => link.Mac == mac);
        }

        return Interfaces(config).Select(host.Links.Find).FirstOrDefault(link => link is not null);
    }

    /// <summary>The name by which the host knows the device: one that came back by itself from a container that is gone has it as its alias.</summary>
    public static string NameOnHost(LinkInfo link) => string.IsNullOrEmpty(link.Alias) || !link.Alias.All(c => c > ' ' && c != '/') || link.Alias.Length > 15 ? link.Name : link.Alias;

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
