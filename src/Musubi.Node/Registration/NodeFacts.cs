using System.Runtime.InteropServices;
using System.Text.Json.Nodes;

namespace Musubi.Node.Registration;

/// <summary>What the node's status says of the machine.</summary>
internal static class NodeFacts
{
    /// <summary>All memory of the machine, from /proc/meminfo (proc(5)).</summary>
    public static long MemoryBytes()
    {
        foreach (string line in File.ReadLines("/proc/meminfo"))
        {
            if (line.StartsWith("MemTotal:", StringComparison.Ordinal))
            {
                return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;
            }
        }

        return GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    }

    /// <summary>The <c>nodeInfo</c> object.</summary>
    public static JsonObject Read() => new()
    {
        ["architecture"] = RuntimeInformation.OSArchitecture == Architecture.Arm64 ? "arm64" : "amd64",
        ["bootID"] = FirstLine("/proc/sys/kernel/random/boot_id"),
        ["containerRuntimeVersion"] = $"musubi://{Version}",
        ["kernelVersion"] = FirstLine("/proc/sys/kernel/osrelease"),
        ["kubeProxyVersion"] = "",
        ["kubeletVersion"] = $"v{Version}",
        ["machineID"] = FirstLine("/etc/machine-id"),
        ["operatingSystem"] = "linux",
        ["osImage"] = OsName(),
        ["systemUUID"] = FirstLine("/etc/machine-id"),
    };

    private static string Version => typeof(NodeFacts).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    private static string OsName()
    {
        const string key = "PRETTY_NAME=";
        return File.Exists("/etc/os-release")
            ? File.ReadLines("/etc/os-release").FirstOrDefault(l => l.StartsWith(key, StringComparison.Ordinal))?[key.Length..].Trim('"') ?? "Linux"
            : "Linux";
    }

    private static string FirstLine(string path) => File.Exists(path) ? File.ReadLines(path).FirstOrDefault()?.Trim() ?? "" : "";
}
