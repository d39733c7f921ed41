namespace Musubi.Linux.Pci;

/// <summary>The network interfaces of hardware, as sysfs shows them; sysfs(5). What is seen are the interfaces of the namespace that sysfs was mounted in.</summary>
public static class DeviceInterfaces
{
    /// <summary>Where the kernel shows devices.</summary>
    public const string DefaultRoot = "/sys";

    /// <summary>The interfaces of the PCI function at an address; a virtio function has them one directory deeper.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such function.</exception>
    public static IReadOnlyList<string> OfPci(PciAddress address, string root = DefaultRoot)
    {
        string device = address.DirectoryIn(root);
        IReadOnlyList<string> names = Below(device);
        return names.Count > 0 ? names : [.. Directory.EnumerateDirectories(device, "virtio*").Order(StringComparer.Ordinal).SelectMany(Below)];
    }

    /// <summary>Whether a name is that of a device of the auxiliary bus (subfunctions, such as <c>mlx5_core.sf.2</c>).</summary>
    public static bool IsAuxiliary(string name, string root = DefaultRoot) => Directory.Exists(AuxiliaryDirectory(name, root));

    /// <summary>The interfaces of a device of the auxiliary bus.</summary>
    public static IReadOnlyList<string> OfAuxiliary(string name, string root = DefaultRoot) => Below(AuxiliaryDirectory(name, root));

    /// <summary>The interfaces of the device at a path below <c>/sys/devices</c>.</summary>
    /// <exception cref="ArgumentException">The path leads elsewhere.</exception>
    public static IReadOnlyList<string> OfPath(string path, string root = DefaultRoot)
    {
        string devices = $"{root}/devices/";
        string full = Path.GetFullPath(path);
        return full.StartsWith(devices, StringComparison.Ordinal)
            ? Below(full)
            : throw new ArgumentException($"kernel device path \"{path}\" must be absolute and begin with {devices}", nameof(path));
    }

    private static IReadOnlyList<string> Below(string device)
    {
        string directory = Path.Combine(device, "net");
        return Directory.Exists(directory) ? [.. Directory.EnumerateFileSystemEntries(directory).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)] : [];
    }

    private static string AuxiliaryDirectory(string name, string root) => name.Contains('/', StringComparison.Ordinal) || name is "" or "." or ".."
        ? throw new ArgumentException($"\"{name}\" is not a device's name", nameof(name))
        : $"{root}/bus/auxiliary/devices/{name}";
}
