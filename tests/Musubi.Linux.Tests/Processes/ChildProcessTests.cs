using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Processes;

namespace Musubi.Linux.Tests.Processes;

public sealed class ChildProcessTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>Runs a shell command and answers how it ended and what it wrote.</summary>
    internal static async Task<(ExitStatus Status, string Output)> RunAsync(ChildCommand command)
    {
        string path = Path.GetTempFileName();
        try
        {
            using SafeFileHandle output = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite);
            using ChildProcess child = ChildProcess.Start(command with { StandardOutput = output, StandardError = output });
            ExitStatus? status = await child.WaitForExitAsync(Limit);
            Assert.NotNull(status);
            return (status.Value, File.ReadAllText(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Start_ProgramEnds_CodeAndOutputAreTold()
    {
        (ExitStatus status, string output) = await RunAsync(new(["/bin/sh", "-c", "echo \"$0 $A\"; exit 3", "näme"]) { Environment = ["A=b c"] });
        Assert.Equal(new ExitStatus(3, null), status);
        Assert.Equal("näme b c\n", output);
    }

    [Fact]
    public async Task Start_ProgramKilled_SignalIsTold()
    {
        using ChildProcess child = ChildProcess.Start(new(["/bin/sleep", "60"]));
        Assert.Null(await child.WaitForExitAsync(TimeSpan.FromMilliseconds(20)));
        Assert.True(child.Identity.IsAlive);

        Assert.True(child.Kill(Signal.Term));

        Assert.Equal(new ExitStatus(128 + 15, 15), await child.WaitForExitAsync(Limit));
        Assert.False(child.Kill());
        Assert.False(child.Identity.IsAlive);
    }

    [Fact]
    public void Start_ProgramMissing_SaysSo()
    {
        LinuxException e = Assert.Throws<LinuxException>(() => ChildProcess.Start(new(["/nonexistent/program"])));
        Assert.Equal(Errno.ENOENT, e.Errno);
        Assert.Contains("/nonexistent/program", e.Message);
    }

    [Fact]
    public async Task Start_OnlyNamedDescriptorsAreInherited()
    {
        using SafeFileHandle named = File.OpenHandle("/dev/zero");
        using SafeFileHandle other = File.OpenHandle("/dev/zero");

        (_, string output) = await RunAsync(new(["/bin/ls", "/proc/self/fd"]) { Inherited = [named] });

        string[] numbers = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Contains($"{ChildProcess.NumberOf(named)}", numbers);
        Assert.DoesNotContain($"{ChildProcess.NumberOf(other)}", numbers);
    }

    [Fact]
    public async Task Start_FromAThreadThatEnds_ProgramKeepsItsParent()
    {
        int parent = 0;
        Thread thread = new(() =>
        {
            using ChildProcess child = ChildProcess.Start(new(["/bin/sleep", "60"]));
            parent = child.Identity.Id;
        });
        thread.Start();
        thread.Join();

        string children = File.ReadAllText($"/proc/self/task/{Environment.ProcessId}/children");
        Assert.DoesNotContain($"{parent} ", children);
        Assert.True(ProcessIdentity.Find(parent)!.Value.Kill());
        Assert.True(await ProcessIdentity.Find(parent)!.Value.WaitForExitAsync(Limit));
    }

    [Fact]
    public async Task WaitForExit_Cancelled_Throws()
    {
        using ChildProcess child = ChildProcess.Start(new(["/bin/sleep", "60"]));
        using CancellationTokenSource cancel = new(TimeSpan.FromMilliseconds(20));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => child.WaitForExitAsync(Limit, cancel.Token));

        child.Kill();
        Assert.NotNull(await child.WaitForExitAsync(Limit));
    }

    [Fact]
    public async Task Identity_NumberReused_IsAnotherProcess()
    {
        ProcessIdentity own = ProcessIdentity.Current;
        ProcessIdentity earlier = own with { StartTime = own.StartTime - 1 };
        Assert.True(own.IsAlive);
        Assert.False(earlier.IsAlive);
        Assert.False(earlier.Kill(Signal.None));
        Assert.True(own.Kill(Signal.None));
        Assert.True(await earlier.WaitForExitAsync(TimeSpan.Zero));
        Assert.True(ProcessIdentity.TryParse(own.ToString(), out ProcessIdentity read));
        Assert.Equal(own, read);
        Assert.False(ProcessIdentity.TryParse("12", out _));
        Assert.Null(ProcessIdentity.Find(int.MaxValue));
    }
}
