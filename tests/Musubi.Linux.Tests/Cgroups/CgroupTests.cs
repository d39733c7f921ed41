using System.Security.Cryptography;
using Musubi.Linux.Cgroups;
using Musubi.Linux.Processes;

namespace Musubi.Linux.Tests.Cgroups;

public sealed class CgroupTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static string NewPath() => "musubi-test-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5));

    [Fact]
    public async Task Create_ProcessAdded_IsCountedKilledAndRemoved()
    {
        string path = NewPath();
        Cgroup cgroup = Cgroup.Create(path, new CgroupLimits { MemoryBytes = 32 << 20, CpuShares = 1024, Processes = 50 });
        using ChildProcess child = ChildProcess.Start(new(["/bin/sh", "-c", "sleep 60 & sleep 60"]));
        try
        {
            cgroup.AddProcess(child.Identity.Id);

            Assert.Contains(child.Identity.Id, cgroup.Processes());
            CgroupUsage usage = cgroup.Usage();
            Assert.InRange(usage.Processes ?? 1, 1, 3);
            Assert.Equal(Errno.EBUSY, Assert.Throws<LinuxException>(cgroup.Remove).Errno);

            Assert.True(await cgroup.KillAllAsync(Limit));

            Assert.NotNull(await child.WaitForExitAsync(Limit));
            Assert.Empty(cgroup.Processes());
        }
        finally
        {
            await cgroup.KillAllAsync(Limit);
            cgroup.Remove();
        }

        Assert.False(cgroup.Exists);
        cgroup.Remove();
        Assert.Empty(cgroup.Processes());
    }

    [Fact]
    public void Create_Twice_IsTheSame()
    {
        string path = NewPath();
        Cgroup cgroup = Cgroup.Create($"{path}/a");
        try
        {
            Assert.True(Cgroup.Create($"{path}/a").Exists);
        }
        finally
        {
            Cgroup.Open(path).Remove();
        }

        Assert.False(cgroup.Exists);
    }

    [Fact]
    public void Limit_Memory_KernelHasIt()
    {
        string path = NewPath();
        Cgroup cgroup = Cgroup.Create(path, new CgroupLimits { MemoryBytes = 32 << 20 });
        try
        {
            string file = CgroupHierarchies.Current.Version1.TryGetValue("memory", out string? root)
                ? $"{root}/{path}/memory.limit_in_bytes"
                : $"{CgroupHierarchies.Current.Version2}/{path}/memory.max";
            Assert.Equal((32 << 20).ToString(), File.ReadAllText(file).Trim());
        }
        finally
        {
            cgroup.Remove();
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/abs")]
    [InlineData("a/../b")]
    [InlineData("a//b")]
    public void Open_PathThatLeadsElsewhere_IsRefused(string path) => Assert.Throws<ArgumentException>(() => Cgroup.Open(path));

    [Fact]
    public void Hierarchies_Version1And2_EachControllerIsFoundWhereItIs()
    {
        const string Mounts = """
            tmpfs /sys/fs/cgroup tmpfs rw 0 0
            cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
            cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
            cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0
            """;
        CgroupHierarchies mixed = CgroupHierarchies.Parse(Mounts, path => path == "/sys/fs/cgroup/unified/cgroup.controllers" ? "pids rdma" : null);
        Assert.Equal(["/sys/fs/cgroup/cpu,cpuacct/a", "/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/unified/a"], mixed.DirectoriesOf("a"));
        Assert.Equal(["pids"], mixed.Version2Controllers);

        CgroupHierarchies unified = CgroupHierarchies.Parse("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0", _ => "cpuset cpu io memory pids");
        Assert.Equal(["/sys/fs/cgroup/a"], unified.DirectoriesOf("a"));
        Assert.Equal(["cpu", "memory", "pids"], unified.Version2Controllers);

        CgroupHierarchies none = CgroupHierarchies.Parse("proc /proc proc rw 0 0", _ => null);
        Assert.Equal(Errno.ENOENT, Assert.Throws<LinuxException>(() => none.DirectoriesOf("a")).Errno);
    }
}
