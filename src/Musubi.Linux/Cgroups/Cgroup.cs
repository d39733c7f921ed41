using System.Globalization;
using Musubi.Linux.Files;
using Musubi.Linux.Interop;
using Musubi.Linux.Processes;

namespace Musubi.Linux.Cgroups;

/// <summary>What a cgroup may use; null members are not limited.</summary>
public readonly record struct CgroupLimits
{
    /// <summary>Memory, page cache included.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Its share of the processors relative to others, where 1024 is the usual one.</summary>
    public int? CpuShares { get; init; }

    /// <summary>Processes and threads.</summary>
    public int? Processes { get; init; }
}

/// <summary>What a cgroup uses.</summary>
/// <param name="MemoryBytes">Memory, page cache included.</param>
/// <param name="CpuTime">Processor time so far.</param>
/// <param name="Processes">Processes and threads; null when the machine does not count them.</param>
public readonly record struct CgroupUsage(long MemoryBytes, TimeSpan CpuTime, int? Processes);

/// <summary>A group of processes that is limited, counted and ended together; cgroups(7), of version 1 and 2.</summary>
public sealed class Cgroup
{
    private const string ProcessesFile = "cgroup.procs";

    private readonly List<string> _directories;

    private Cgroup(string path, CgroupHierarchies hierarchies)
    {
        Path = path;
        _directories = hierarchies.DirectoriesOf(path);
    }

    /// <summary>Its path from the root of the trees, such as <c>musubi/4711</c>.</summary>
    public string Path { get; }

    /// <summary>Whether it is there.</summary>
    public bool Exists => _directories.TrueForAll(Directory.Exists);

    /// <summary>A cgroup that may be there or not.</summary>
    /// <exception cref="ArgumentException">The path is not relative, or leads upwards.</exception>
    public static Cgroup Open(string path)
    {
        foreach (string part in path.Split('/'))
        {
            if (part is "" or "." or "..")
            {
                throw new ArgumentException($"\"{path}\" is not a cgroup's path: expected one such as musubi/4711.", nameof(path));
            }
        }

        return new Cgroup(path, CgroupHierarchies.Current);
    }

    /// <summary>Creates a cgroup, with those above it, or opens the one that is there; and limits it.</summary>
    /// <exception cref="LinuxException">EROFS, EACCES: the cgroups are not ours to change.</exception>
    public static Cgroup Create(string path, CgroupLimits limits = default)
    {
        Cgroup cgroup = Open(path);
        CgroupHierarchies hierarchies = CgroupHierarchies.Current;
        foreach (string root in hierarchies.Version1.Values)
        {
            MakeDirectories(root, path, controllers: []);
        }

        if (hierarchies.Version2 is { } unified)
        {
            MakeDirectories(unified, path, hierarchies.Version2Controllers);
        }

        cgroup.Limit(limits);
        return cgroup;
    }

    /// <summary>Sets limits; those that are null stay as they are.</summary>
    public void Limit(CgroupLimits limits)
    {
        if (limits.MemoryBytes is { } memory)
        {
            Write("memory", "memory.limit_in_bytes", "memory.max", memory);
        }

        if (limits.CpuShares is { } shares)
        {
            // The kernel documentation's mapping of 2…262144 to 1…10000.
            WriteWhereIs("cpu", "cpu.shares", shares.ToString(CultureInfo.InvariantCulture), "cpu.weight",
                (1 + ((Math.Clamp(shares, 2, 262144) - 2L) * 9999 / 262142)).ToString(CultureInfo.InvariantCulture));
        }

        if (limits.Processes is { } processes)
        {
            Write("pids", "pids.max", "pids.max", processes);
        }
    }

    /// <summary>Moves a process into it.</summary>
    /// <exception cref="LinuxException">ESRCH: the process is gone; ENOENT: the cgroup is.</exception>
    public void AddProcess(int id)
    {
        foreach (string directory in _directories)
        {
            KernelFile.Write($"{directory}/{ProcessesFile}", id.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>The processes in it, without those in cgroups below; none when it is not there.</summary>
    public IReadOnlyList<int> Processes()
    {
        List<int> ids = [];
        foreach (string directory in _directories)
        {
            foreach (string line in (KernelFile.TryRead($"{directory}/{ProcessesFile}") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                int id = int.Parse(line, NumberStyles.None, CultureInfo.InvariantCulture);

                // A process of another pid namespace has no number here.
                if (id != 0 && !ids.Contains(id))
                {
                    ids.Add(id);
                }
            }
        }

        return ids;
    }

    /// <summary>Sends a signal to every process in it.</summary>
    public void Signal(Signal signal)
    {
        foreach (int id in Processes())
        {
            if (Libc.kill(id, (int)signal) < 0 && Libc.LastErrno != Errno.ESRCH)
            {
                LinuxException.ThrowLast($"send {signal} to process {id} of cgroup {Path}");
            }
        }
    }

    /// <summary>Kills all processes in it, also those they start meanwhile; answers false when some are left after the limit.</summary>
    public async Task<bool> KillAllAsync(TimeSpan limit, CancellationToken ct = default)
    {
        long start = Environment.TickCount64;
        for (int wait = 1; ; wait = Math.Min(2 * wait, 50))
        {
            Signal(Linux.Processes.Signal.Kill);
            if (Processes().Count == 0)
            {
                return true;
            }

            if (Environment.TickCount64 - start > limit.TotalMilliseconds)
            {
                return false;
            }

            await Task.Delay(wait, ct);
        }
    }

    /// <summary>Removes it, with the cgroups below; those above stay. Nothing there is no error.</summary>
    /// <exception cref="LinuxException">EBUSY: processes are in it.</exception>
    public void Remove()
    {
        foreach (string directory in _directories)
        {
            Remove(directory);
        }
    }

    /// <summary>What it uses.</summary>
    /// <exception cref="LinuxException">ENOENT: it is not there.</exception>
    public CgroupUsage Usage()
    {
        CgroupHierarchies hierarchies = CgroupHierarchies.Current;
        long memory = Number(hierarchies, "memory", "memory.usage_in_bytes", "memory.current") ?? 0;
        TimeSpan time = Number(hierarchies, "cpuacct", "cpuacct.usage", null) is { } nanoseconds
            ? TimeSpan.FromTicks(nanoseconds / 100)
            : CpuTimeOfVersion2(hierarchies);
        return new CgroupUsage(memory, time, (int?)Number(hierarchies, "pids", "pids.current", "pids.current"));
    }

    /// <summary>The path.</summary>
    public override string ToString() => Path;

    private static void MakeDirectories(string root, string path, IReadOnlyList<string> controllers)
    {
        string directory = root;
        foreach (string part in path.Split('/'))
        {
            // Version 2 hands controllers down one level at a time.
            foreach (string controller in controllers)
            {
                KernelFile.Write($"{directory}/cgroup.subtree_control", $"+{controller}");
            }

            directory = $"{directory}/{part}";
            if (Libc.mkdir(directory, 0x1ed) < 0 && Libc.LastErrno != Errno.EEXIST)
            {
                LinuxException.ThrowLast($"create cgroup {directory}");
            }
        }
    }

    private static void Remove(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return;
        }

        foreach (string below in Directory.GetDirectories(directory))
        {
            Remove(below);
        }

        if (Libc.rmdir(directory) < 0 && Libc.LastErrno != Errno.ENOENT)
        {
            LinuxException.ThrowLast($"remove cgroup {directory}");
        }
    }

    private void Write(string controller, string version1File, string version2File, long value)
    {
        string text = value.ToString(CultureInfo.InvariantCulture);
        WriteWhereIs(controller, version1File, text, version2File, text);
    }

    private void WriteWhereIs(string controller, string version1File, string version1Value, string version2File, string version2Value)
    {
        CgroupHierarchies hierarchies = CgroupHierarchies.Current;
        if (hierarchies.Version1.TryGetValue(controller, out string? root))
        {
            KernelFile.Write($"{root}/{Path}/{version1File}", version1Value);
        }
        else if (hierarchies.Version2 is { } unified && Contains(hierarchies.Version2Controllers, controller))
        {
            KernelFile.Write($"{unified}/{Path}/{version2File}", version2Value);
        }
        else
        {
            throw new LinuxException($"limit {controller} of cgroup {Path}", Errno.ENOENT, $"the machine has no {controller} controller mounted");
        }
    }

    private long? Number(CgroupHierarchies hierarchies, string controller, string version1File, string? version2File)
    {
        string? file = hierarchies.Version1.TryGetValue(controller, out string? root)
            ? $"{root}/{Path}/{version1File}"
            : hierarchies.Version2 is { } unified && version2File is not null && Contains(hierarchies.Version2Controllers, controller)
                ? $"{unified}/{Path}/{version2File}"
                : null;
        return file is null ? null : long.Parse(KernelFile.Read(file), NumberStyles.None, CultureInfo.InvariantCulture);
    }

    private TimeSpan CpuTimeOfVersion2(CgroupHierarchies hierarchies)
    {
        const string Key = "usage_usec ";
        if (hierarchies.Version2 is not { } unified)
        {
            return TimeSpan.Zero;
        }

        foreach (string line in KernelFile.Read($"{unified}/{Path}/cpu.stat").Split('\n'))
        {
            if (line.StartsWith(Key, StringComparison.Ordinal))
            {
                return TimeSpan.FromMicroseconds(long.Parse(line.AsSpan(Key.Length), NumberStyles.None, CultureInfo.InvariantCulture));
            }
        }

        return TimeSpan.Zero;
    }

    private static bool Contains(IReadOnlyList<string> list, string text)
    {
        foreach (string item in list)
        {
            if (item == text)
            {
                return true;
            }
        }

        return false;
    }
}
