using System.Globalization;

namespace Musubi.Linux.Pci;

/// <summary>The place of a PCI function: <c>0000:00:1f.6</c>, as domain, bus, device and function.</summary>
/// <param name="Domain">Domain, 0 on most machines.</param>
/// <param name="Bus">Bus.</param>
/// <param name="Device">Device, 0 to 31.</param>
/// <param name="Function">Function, 0 to 7.</param>
public readonly record struct PciAddress(int Domain, byte Bus, byte Device, byte Function)
{
    private const int MostDevices = 32;
    private const int MostFunctions = 8;

    /// <summary>Reads <c>0000:00:1f.6</c>; the domain may be left out.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PciAddress address)
    {
        address = default;
        int dot = text.LastIndexOf('.');
        if (dot < 0 || !TryHex(text[(dot + 1)..], 1, 1, MostFunctions - 1, out int function))
        {
            return false;
        }

        ReadOnlySpan<char> rest = text[..dot];
        int colon = rest.LastIndexOf(':');
        if (colon < 0 || !TryHex(rest[(colon + 1)..], 2, 2, MostDevices - 1, out int device))
        {
            return false;
        }

        rest = rest[..colon];
        colon = rest.LastIndexOf(':');
        if (!TryHex(rest[(colon + 1)..], 2, 2, byte.MaxValue, out int bus))
        {
            return false;
        }

        int domain = 0;
        if (colon >= 0 && !TryHex(rest[..colon], 4, 8, int.MaxValue, out domain))
        {
            return false;
        }

        address = new PciAddress(domain, (byte)bus, (byte)device, (byte)function);
        return true;
    }

    /// <summary>Whether the machine has it.</summary>
    public bool Exists(string root = DeviceInterfaces.DefaultRoot) => Directory.Exists(DirectoryIn(root));

    /// <summary>The driver bound to it; null when there is none.</summary>
    public string? FindDriver(string root = DeviceInterfaces.DefaultRoot) =>
        new FileInfo(Path.Combine(DirectoryIn(root), "driver")).LinkTarget is { } driver ? Path.GetFileName(driver) : null;

    /// <summary>The form that the kernel writes.</summary>
    public override string ToString() => $"{Domain:x4}:{Bus:x2}:{Device:x2}.{Function:x}";

    internal string DirectoryIn(string root) => $"{root}/bus/pci/devices/{this}";

    private static bool TryHex(ReadOnlySpan<char> text, int leastDigits, int mostDigits, int max, out int value)
    {
        value = 0;
        return text.Length >= leastDigits && text.Length <= mostDigits
            && int.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value) && value >= 0 && value <= max;
    }
}
