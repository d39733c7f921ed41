using Musubi.Linux.Files;

namespace Musubi.Linux.Cgroups;

/// <summary>
/// Where this machine's cgroups are: version 1 has a tree for each controller, version 2 one for all, and many machines have both, with each controller
/// in one of them; cgroups(7).
/// </summary>
internal sealed class CgroupHierarchies
{
    /// <summary>The controllers that limit and count what a VM uses. The freezer is in version 2 always there.</summary>
    private static readonly string[] Controllers = ["memory", "cpu", "cpuacct", "pids"];

    private static CgroupHierarchies? s_current;

    private CgroupHierarchies(Dictionary<string, string> version1, string? version2, IReadOnlyList<string> version2Controllers)
    {
        Version1 = version1;
        Version2 = version2;
        Version2Controllers = version2Controllers;
    }

    internal static CgroupHierarchies Current => s_current ??= Parse(KernelFile.Read("/proc/self/mounts"), KernelFile.TryRead);

    /// <summary>Mount point of each version 1 controller of ours.</summary>
    internal IReadOnlyDictionary<string, string> Version1 { get; }

    /// <summary>Mount point of the version 2 tree, when one of our controllers is there.</summary>
    internal string? Version2 { get; }

    /// <summary>Our controllers in version 2.</summary>
    internal IReadOnlyList<string> Version2Controllers { get; }

    /// <summary>Reads the list of mounts: device, directory, type and options of each.</summary>
    internal static CgroupHierarchies Parse(string mounts, Func<string, string?> read)
    {
        Dictionary<string, string> version1 = new(StringComparer.Ordinal);
        string? version2 = null;
        foreach (string line in mounts.Split('\n'))
        {
            string[] fields = line.Split(' ');
            if (fields.Length < 4)
            {
                continue;
            }

            if (fields[2] == "cgroup2")
            {
                version2 ??= fields[1];
            }
            else if (fields[2] == "cgroup")
            {
                string[] options = fields[3].Split(',');
                foreach (string controller in Controllers)
                {
                    if (Array.IndexOf(options, controller) >= 0)
                    {
                        version1.TryAdd(controller, fields[1]);
                    }
                }
            }
        }

        List<string> version2Controllers = [];
        string available = version2 is null ? "" : read($"{version2}/cgroup.controllers") ?? "";
        foreach (string controller in available.Split(' '))
        {
            if (Array.IndexOf(Controllers, controller) >= 0 && !version1.ContainsKey(controller))
            {
                version2Controllers.Add(controller);
            }
        }

        return new CgroupHierarchies(version1, version2Controllers.Count > 0 || version1.Count == 0 ? version2 : null, version2Controllers);
    }

    /// <summary>The directories of a cgroup, one for each tree.</summary>
    internal List<string> DirectoriesOf(string path)
    {
        List<string> directories = [];
        foreach (string root in Version1.Values)
        {
            string directory = $"{root}/{path}";
            if (!directories.Contains(directory))
            {
                directories.Add(directory);
            }
        }

        if (Version2 is not null)
        {
            directories.Add($"{Version2}/{path}");
        }

        return directories.Count > 0
            ? directories
            : throw new LinuxException($"find cgroup {path}", Errno.ENOENT, "no cgroup file system is mounted below /sys/fs/cgroup");
    }
}
