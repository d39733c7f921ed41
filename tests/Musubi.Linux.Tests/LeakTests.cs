using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables;
using Musubi.Linux.Packets;
using Musubi.Linux.Processes;
using Musubi.Linux.Taps;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests;

/// <summary>Counts the descriptors of this process, after everything was used once.</summary>
[Collection(nameof(LeakTests))]
public sealed class LeakTests
{
    [Fact]
    public async Task EverythingOpened_IsClosedAgain()
    {
        using TestNamespace net = new();
        await UseEverythingAsync(net);
        string before = Descriptors();

        for (int i = 0; i < 5; i++)
        {
            await UseEverythingAsync(net);
        }

        await Eventually.IsTrueAsync(() => Descriptors() == before, $"the descriptors of before:\n{before}\nnow:\n{Descriptors()}");
    }

    private static async Task UseEverythingAsync(TestNamespace net)
    {
        using (RouteSocket route = RouteSocket.Open(net.Network))
        using (NftSocket nft = NftSocket.Open(net.Network))
        using (NetworkNamespace again = NetworkNamespace.Open(net.Path))
        using (CancellationTokenSource cancel = new())
        {
            LinkIndex link = route.Links.Create(new VethLink("v0", "v1") { PeerNamespace = again, AdminUp = true });
            await using (IAsyncEnumerator<RouteEvent<LinkInfo>> events = route.Links.WatchAsync(cancel.Token).GetAsyncEnumerator(cancel.Token))
            {
                await events.MoveNextAsync();
            }

            nft.ListTables();
            Sysctl.Read(again, "net/ipv4/ip_forward");
            using (SafeFileHandle tap = TapDevice.Open(again, "tap0", new TapOptions()))
            {
                route.Links.Get("tap0");
            }

            PacketSocket.Open(again, link).Dispose();
            route.Links.Delete(link);
            Assert.Throws<LinuxException>(() => NetworkNamespace.Open("/etc/passwd"));
            Assert.Throws<ArgumentException>(() => TapDevice.Open(again, "a-name-too-long-0", new TapOptions()));
        }

        // A wait that is sure to happen: the first one opens a descriptor that stays.
        using ChildProcess child = ChildProcess.Start(new(["/bin/sleep", "60"]));
        Task<ExitStatus?> ended = child.WaitForExitAsync(TimeSpan.FromSeconds(30));
        child.Kill();
        Assert.NotNull(await ended);
        Assert.False(child.Identity.Kill());
    }

    /// <summary>How many descriptors of each kind this library opens; files that the runtime maps as it goes do not count.</summary>
    private static string Descriptors()
    {
        string[] kinds = ["socket:", "net:", "anon_inode:[pidfd]", "anon_inode:[eventfd]", "/dev/net/tun", "/proc/sys/", "/dev/null"];
        string[] targets = [.. Directory.GetFiles("/proc/self/fd").Select(fd => File.ResolveLinkTarget(fd, returnFinalTarget: false)?.ToString() ?? "")];
        return string.Join('\n', kinds.Select(kind => $"{kind} {targets.Count(target => target.Contains(kind, StringComparison.Ordinal))}"));
    }
}

/// <summary>Runs alone: it counts what the whole process has open.</summary>
[CollectionDefinition(nameof(LeakTests), DisableParallelization = true)]
public sealed class LeakTestsCollection;
