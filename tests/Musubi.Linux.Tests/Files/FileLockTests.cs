using System.Diagnostics;
using Musubi.Linux.Files;

namespace Musubi.Linux.Tests.Files;

/// <summary>Locks against other processes, here flock(1) of the distribution.</summary>
public sealed class FileLockTests : IDisposable
{
    private const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan _short = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _long = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory _files = new();

    private string LockPath => _files.File("lock");

    public void Dispose() => _files.Dispose();

    [Fact]
    public async Task Acquire_HeldByAProcess_WaitsUntilItEnds()
    {
        using Process holder = Hold();
        Task<FileLock> waiting = Task.Run(() => FileLock.Acquire(LockPath, Mode, _long));
        Assert.NotSame(waiting, await Task.WhenAny(waiting, Task.Delay(_short)));

        Release(holder);

        (await waiting).Dispose();
        Assert.True(IsFree());
    }

    [Fact]
    public async Task Acquire_HeldBeyondTheLimit_SaysSo_AndWantsTheLockNoMore()
    {
        using Process holder = Hold();

        TimeoutException error = Assert.Throws<TimeoutException>(() => FileLock.Acquire(LockPath, Mode, _short));

        Assert.Contains(LockPath, error.Message, StringComparison.Ordinal);
        Release(holder);
        await Eventually.IsTrueAsync(IsFree, "the lock is free");
    }

    [Fact]
    public async Task Acquire_Cancelled_EndsAtOnce_AndWantsTheLockNoMore()
    {
        using Process holder = Hold();
        using CancellationTokenSource source = new(_short);

        Assert.ThrowsAny<OperationCanceledException>(() => FileLock.Acquire(LockPath, Mode, _long, source.Token));

        Release(holder);
        await Eventually.IsTrueAsync(IsFree, "the lock is free");
    }

    [Fact]
    public void Lock_Held_KeepsOtherProcessesOut()
    {
        using (FileLock.Acquire(LockPath, Mode, _long))
        {
            Assert.False(IsFree());
        }

        Assert.True(IsFree());
    }

    private bool IsFree() => Witness.TryRun("flock", "--nonblock", LockPath, "true").Code == 0;

    /// <summary>A process that holds the lock until its input ends.</summary>
    private Process Hold()
    {
        Process process = Process.Start(new ProcessStartInfo("flock", [LockPath, "sh", "-c", "echo held; cat"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        Assert.Equal("held", process.StandardOutput.ReadLine());
        return process;
    }

    private static void Release(Process holder)
    {
        holder.StandardInput.Close();
        Assert.True(holder.WaitForExit(_long));
    }
}
