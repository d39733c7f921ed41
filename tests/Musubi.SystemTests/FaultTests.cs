using System.Text.Json;
using Musubi.Linux.Processes;

namespace Musubi.SystemTests;

/// <summary>Any process may be killed at any moment; nothing acknowledged is lost, no machine that should run stops, and nothing leaks.</summary>
public sealed class FaultTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Platform_KilledPieceByPiece_RecoversAndLeavesNothing()
    {
        Leftovers before = await Leftovers.CountAsync();
        Platform platform = await Platform.StartAsync("f");
        try
        {
            await platform.KubectlAsync("apply", "-f", Platform.Example("quickstart/1-layer2-network.yaml"));
            await platform.KubectlAsync("apply", "-f", Platform.Example("quickstart/2-vm-a.yaml"));
            await platform.WaitUntilUpAsync("vm-a");

            await KillControlPlaneAsync(platform);
            await KillNodeAgentAsync(platform);
            await KillLauncherAsync(platform);
            await KillQemuAsync(platform);
            await DeleteMachineAsync(platform);
        }
        finally
        {
            await platform.DisposeAsync();
        }

        Assert.Equal(before, await Leftovers.CountAsync());
    }

    /// <summary>Every write that was answered is there afterwards, and the machine did not notice.</summary>
    private static async Task KillControlPlaneAsync(Platform platform)
    {
        Machines.MachineStatus machine = (await platform.LauncherStatusAsync("vm-a"))!;
        int pid = (await platform.ComponentsAsync())["control-plane"];
        List<string> acknowledged = [];
        Task writing = Task.Run(async () =>
        {
            for (int i = 0; i < 40; i++)
            {
                CommandResult result = await platform.TryKubectlAsync(["create", "configmap", $"written-{i}", "--from-literal", $"n={i}"]);
                if (result.ExitCode == 0)
                {
                    acknowledged.Add($"written-{i}");
                }
            }
        });
        await Shell.EventuallyAsync(() => Task.FromResult(acknowledged.Count), n => n >= 5, _limit, "some writes were answered");
        ProcessIdentity.Find(pid)!.Value.Kill();
        await writing;

        string names = await Shell.EventuallyAsync(
            async () => (await platform.TryKubectlAsync(["get", "configmaps", "-o", "jsonpath={.items[*].metadata.name}"])).Output, n => n.Length > 0, _limit, "the API answers again");
        Assert.Empty(acknowledged.Except(names.Split(' ')));
        Assert.Equal(machine.QemuPid, (await platform.LauncherStatusAsync("vm-a"))!.QemuPid);
        await platform.KubectlAsync("delete", "configmaps", "--all", "--wait=false");
    }

    /// <summary>The machine runs on, and the next agent follows it again.</summary>
    private static async Task KillNodeAgentAsync(Platform platform)
    {
        Machines.MachineStatus machine = (await platform.LauncherStatusAsync("vm-a"))!;
        string pod = await PodOfAsync(platform, "vm-a");
        int pid = (await platform.ComponentsAsync())["node node1"];
        ProcessIdentity.Find(pid)!.Value.Kill();
        await Shell.EventuallyAsync(platform.ComponentsAsync, c => c.GetValueOrDefault("node node1") is var next && next != 0 && next != pid, _limit, "another agent was started");

        Assert.Equal(machine.QemuPid, (await platform.LauncherStatusAsync("vm-a"))!.QemuPid);
        Assert.Equal(pod, await PodOfAsync(platform, "vm-a"));
        JsonElement vmi = await platform.WaitUntilUpAsync("vm-a");
        Assert.Contains("vm-a", await platform.FetchAsync(Platform.AddressOf(vmi, "default")), StringComparison.Ordinal);
    }

    /// <summary>QEMU goes with its launcher, and runStrategy Always starts another machine.</summary>
    private static async Task KillLauncherAsync(Platform platform)
    {
        Machines.MachineStatus machine = (await platform.LauncherStatusAsync("vm-a"))!;
        ProcessIdentity qemu = ProcessIdentity.Find(machine.QemuPid)!.Value;
        ProcessIdentity.Find(machine.Pid)!.Value.Kill();

        Assert.True(await qemu.WaitForExitAsync(TimeSpan.FromSeconds(10)), "QEMU outlived its launcher");
        await AnotherMachineAsync(platform, machine);
    }

    private static async Task KillQemuAsync(Platform platform)
    {
        Machines.MachineStatus machine = (await platform.LauncherStatusAsync("vm-a"))!;
        ProcessIdentity.Find(machine.QemuPid)!.Value.Kill();

        await AnotherMachineAsync(platform, machine);
    }

    private static async Task AnotherMachineAsync(Platform platform, Machines.MachineStatus before)
    {
        await Shell.EventuallyAsync(
            () => platform.LauncherStatusAsync("vm-a"),
            s => s is { Phase: Machines.MachinePhase.Running } && s.QemuPid != before.QemuPid,
            _limit,
            "another machine runs");
        await platform.WaitUntilUpAsync("vm-a");
    }

    /// <summary>Even a launcher that hangs holds up its machine's end only as long as its pod may take.</summary>
    private static async Task DeleteMachineAsync(Platform platform)
    {
        ProcessIdentity.Find((await platform.LauncherStatusAsync("vm-a"))!.Pid)!.Value.Kill(Signal.Stop);
        await platform.KubectlAsync("delete", "vm", "vm-a", "--wait");

        await Shell.EventuallyAsync(
            () => Task.FromResult((Directory.GetDirectories(platform.PodsDirectory).Length, AddressesTaken(platform), PodNamespaces(platform))),
            left => left is (0, 0, 0),
            TimeSpan.FromSeconds(30),
            "pod directories, addresses and namespaces are gone");
    }

    private static int AddressesTaken(Platform platform) =>
        Reservations.In(platform.AddressDirectory).Count;

    private static int PodNamespaces(Platform platform) => Directory.GetFiles("/run/netns", $"{platform.Name}-pod-*").Length;

    private static async Task<string> PodOfAsync(Platform platform, string machine) =>
        (await platform.TryKubectlAsync(["get", "pods", "-l", $"vmi.kubevirt.io/id={machine}", "--field-selector", "status.phase=Running", "-o", "jsonpath={.items[*].metadata.name}"])).Output;

    /// <summary>What a platform could leave on the machine.</summary>
    private sealed record Leftovers(int Namespaces, int Links, int Cgroups, int Mounts, bool RuntimeDirectory)
    {
        public static async Task<Leftovers> CountAsync()
        {
            string mounts = await File.ReadAllTextAsync("/proc/self/mountinfo");
            return new Leftovers(
                Directory.Exists("/run/netns") ? Directory.GetFiles("/run/netns", "tf-*").Length : 0,
                (await Shell.OutputAsync("ip", "-o", "link")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length,
                Directory.EnumerateDirectories("/sys/fs/cgroup", "tf-*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2, IgnoreInaccessible = true }).Count(),
                mounts.Split('\n').Count(l => l.Contains("/run/netns/tf-", StringComparison.Ordinal)),
                Directory.Exists("/run/musubi") && Directory.GetDirectories("/run/musubi", "tf-*").Length > 0);
        }
    }
}
