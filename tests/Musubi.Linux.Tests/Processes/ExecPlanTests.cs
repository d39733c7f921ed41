using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Cgroups;
using Musubi.Linux.Processes;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Processes;

public sealed class ExecPlanTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private static ChildCommand Command(ExecPlan plan) =>
        new([ExecShim.Path, .. plan.ToArguments()]) { Environment = [ExecShim.Environment, "PATH=/usr/bin:/bin", "DOTNET_TieredCompilation=1"] };

    private static async Task<string> RunAsync(ExecPlan plan, params SafeHandle[] inherited)
    {
        (ExitStatus status, string output) = await ChildProcessTests.RunAsync(Command(plan) with { Inherited = inherited });
        Assert.True(status.IsSuccess, $"{status}: {output}");
        return output.Trim();
    }

    [Fact]
    public async Task Execute_UserAndGroups_AreThoseAndNothingMore()
    {
        ExecPlan plan = new()
        {
            Command = ["/bin/sh", "-c", "id -u; id -g; id -G; grep -E '^(NoNewPrivs|CapEff|SigIgn|SigBlk)' /proc/self/status"],
            UserId = 107,
            GroupId = 107,
            SupplementaryGroups = [108],
            NoNewPrivileges = true,
        };

        string[] lines = (await RunAsync(plan)).Split('\n');

        Assert.Equal(["107", "107", "107 108"], lines[..3]);
        Assert.Contains("NoNewPrivs:\t1", lines);
        Assert.Contains("CapEff:\t0000000000000000", lines);
        Assert.Contains("SigIgn:\t0000000000000000", lines);
        Assert.Contains("SigBlk:\t0000000000000000", lines);
    }

    [Fact]
    public async Task Execute_NamespaceCgroupAndSession_AreEntered()
    {
        using TestNamespace net = new();
        string path = $"musubi-test-{net.Name}/inner";
        Cgroup cgroup = Cgroup.Create(path, new CgroupLimits { MemoryBytes = 64 << 20, CpuShares = 512, Processes = 64 });
        try
        {
            string output = await RunAsync(new ExecPlan
            {
                Command = ["/bin/sh", "-c", "readlink /proc/self/ns/net; cut -d' ' -f1,6 /proc/$$/stat; cat /proc/self/cgroup; pwd"],
                NetworkNamespacePath = net.Path,
                CgroupPath = path,
                NewSession = true,
                WorkingDirectory = "/proc",
            });

            string[] lines = output.Split('\n');
            Assert.Equal($"net:[{net.Network.Inode}]", lines[0]);
            string[] ids = lines[1].Split(' ');
            Assert.Equal(ids[0], ids[1]);
            Assert.Contains(lines, line => line.EndsWith($":memory:/{path}", StringComparison.Ordinal) || line == $"0::/{path}");
            Assert.Equal("/proc", lines[^1]);
        }
        finally
        {
            cgroup.Remove();
            Cgroup.Open(path.Split('/')[0]).Remove();
        }

        Assert.False(cgroup.Exists);
    }

    [Fact]
    public async Task Execute_DescriptorKept_ProgramReadsIt()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "from the starter");
        try
        {
            using SafeFileHandle file = File.OpenHandle(path);
            int number = ChildProcess.NumberOf(file);
            string output = await RunAsync(new ExecPlan { Command = ["/bin/sh", "-c", $"cat /proc/self/fd/{number}"], KeepDescriptors = [number] }, file);
            Assert.Equal("from the starter", output);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Execute_ParentDies_ProgramDies()
    {
        string path = Path.GetTempFileName();
        try
        {
            // A shell between us and the program is the parent that dies.
            string script = $"'{ExecShim.Path}' --parent-death-signal KILL --parent-pid $$ -- /bin/sh -c 'echo $$ > {path}; exec sleep 60' & wait";
            using ChildProcess shell = ChildProcess.Start(new(["/bin/sh", "-c", script]) { Environment = [ExecShim.Environment, "PATH=/usr/bin:/bin"] });
            await Eventually.IsTrueAsync(() => File.ReadAllText(path).EndsWith('\n'), "the program runs");
            ProcessIdentity program = ProcessIdentity.Find(int.Parse(File.ReadAllText(path)))!.Value;
            Assert.True(program.IsAlive);

            shell.Kill();

            Assert.NotNull(await shell.WaitForExitAsync(Limit));
            Assert.True(await program.WaitForExitAsync(Limit));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Execute_ParentDiedBefore_NothingIsExecuted()
    {
        ExecPlan plan = new() { Command = ["/bin/true"], ParentDeathSignal = Signal.Kill, ParentId = 1 };
        (ExitStatus status, string output) = await ChildProcessTests.RunAsync(Command(plan));
        Assert.Equal(126, status.Code);
        Assert.Contains("process 1, which started this one, has ended", output);
    }

    [Fact]
    public void Arguments_ReadBack_AreTheSamePlan()
    {
        ExecPlan plan = new()
        {
            Command = ["/usr/bin/qemu", "-netdev", "tap,fd=5", "--", "--uid"],
            NetworkNamespacePath = "/run/netns/pod",
            CgroupPath = "musubi/1",
            UserId = 107,
            GroupId = 108,
            SupplementaryGroups = [],
            NewSession = true,
            NoNewPrivileges = true,
            ParentDeathSignal = Signal.Kill,
            ParentId = 42,
            KeepDescriptors = [5, 6],
            WorkingDirectory = "/",
        };

        Assert.True(ExecPlan.TryParse(plan.ToArguments(), out ExecPlan? read, out _));

        Assert.Equal(plan.ToArguments(), read.ToArguments());
        Assert.Equal(plan.Command, read.Command);
    }

    [Theory]
    [InlineData("--uid root -- /bin/true", "--uid root")]
    [InlineData("--netns", "--netns")]
    [InlineData("--frobnicate 1 -- /bin/true", "--frobnicate")]
    [InlineData("--groups 1,,2 -- /bin/true", "--groups")]
    [InlineData("--parent-death-signal NOPE -- /bin/true", "--parent-death-signal")]
    [InlineData("--new-session --", "the command is missing")]
    [InlineData("", "the command is missing")]
    public void TryParse_WrongArguments_SaysWhich(string arguments, string error)
    {
        Assert.False(ExecPlan.TryParse(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), out _, out string? said));
        Assert.Contains(error, said);
    }
}
