using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Links;
using Musubi.Linux.Taps;
using Musubi.Linux.Tests.Support;

namespace Musubi.Linux.Tests.Taps;

public sealed class TapTests
{
    /// <summary>Programs started by tests beside hold copies of all descriptors for the moment between fork and exec.</summary>
    private static Task IsGoneAsync(TestNamespace net) => Eventually.IsTrueAsync(() => net.Route.Links.Find("tap0") is null, "the tap is gone");

    [Fact]
    public void Open_PersistentWithOwner_WitnessSeesItAndItStays()
    {
        using TestNamespace net = new();
        TapOptions options = new() { Persistent = true, VnetHeader = true, MultiQueue = true, OwnerUid = 107, OwnerGid = 108 };

        TapDevice.Open(net.Network, "tap0", options).Dispose();

        JsonElement link = net.Ip("link show tap0")[0];
        JsonElement data = link.GetProperty("linkinfo").GetProperty("info_data");
        Assert.Equal("tap", data.GetProperty("type").GetString());
        Assert.True(data.GetProperty("vnet_hdr").GetBoolean());
        Assert.True(data.GetProperty("multi_queue").GetBoolean());
        Assert.Equal("107", data.GetProperty("user").ToString());
        Assert.Equal("108", data.GetProperty("group").ToString());
        LinkInfo info = net.Route.Links.Get("tap0");
        Assert.Equal("tun", info.Kind);
        net.Route.Links.Delete(info.Index);
    }

    [Fact]
    public async Task Open_NotPersistent_GoesWithItsDescriptor()
    {
        using TestNamespace net = new();
        SafeFileHandle tap = TapDevice.Open(net.Network, "tap0", new TapOptions());
        Assert.NotNull(net.Route.Links.Find("tap0"));
        Assert.Equal(Errno.EBUSY, Assert.Throws<LinuxException>(() => TapDevice.Open(net.Network, "tap0", new TapOptions())).Errno);

        tap.Dispose();

        await IsGoneAsync(net);
    }

    [Fact]
    public async Task OpenQueues_Four_AreOneTap()
    {
        using TestNamespace net = new();
        SafeFileHandle[] queues = TapDevice.OpenQueues(net.Network, "tap0", new TapOptions { VnetHeader = true }, 4);
        Assert.Equal(4, queues.Distinct().Count());
        Assert.Single(net.Route.Links.List(), link => link.Name == "tap0");
        foreach (SafeFileHandle queue in queues)
        {
            queue.Dispose();
        }

        await IsGoneAsync(net);
    }

    [Fact]
    public void Open_NameTooLong_SaysSo()
    {
        ArgumentException e = Assert.Throws<ArgumentException>(() => TapDevice.Open(null, "a-name-too-long-0", new TapOptions()));
        Assert.Contains("1 to 15 bytes", e.Message);
    }

    [Fact]
    public void Open_FrameSentOnTheLink_ComesOutOfTheDescriptor()
    {
        using TestNamespace net = new();
        using SafeFileHandle tap = TapDevice.Open(net.Network, "tap0", new TapOptions());
        LinkIndex link = net.Route.Links.IndexOf("tap0");
        Sysctl.Write(net.Network, "net/ipv6/conf/tap0/disable_ipv6", "1");
        net.Route.Links.Change(link, new LinkChange { AdminUp = true });
        Musubi.Linux.Addresses.MacAddress mac = Musubi.Linux.Addresses.MacAddress.Parse("02:00:00:00:00:09");

        Packets.AnnouncementTests.SendArp(net, link, mac);

        byte[] frame = new byte[2000];
        using FileStream stream = new(tap, FileAccess.ReadWrite, bufferSize: 0);
        Assert.Equal(42, stream.Read(frame));
        Assert.Equal(mac.ToArray(), frame[6..12]);
    }
}
