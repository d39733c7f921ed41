using System.Text.Json;
using Musubi.Launcher.GuestAgent;
using Musubi.Linux.Addresses;
using Musubi.Machines;

namespace Musubi.Launcher.Tests.GuestAgent;

public sealed class GuestAgentTests
{
    private const string Mac = "02:00:00:00:00:01";

    private static AttachedInterface Attached(string binding, params string[] podAddresses) => new(
        new MachineInterface { Name = "default", Binding = binding, PodInterface = "eth0" },
        MacAddress.Parse(Mac),
        [.. podAddresses.Select(a => IpText.ParseAddress(a))],
        1);

    private static MachineInterfaceStatus Merge(AttachedInterface attached, params GuestInterface[] guest) => InterfaceStatusMerge.Merge([attached], guest)[0];

    [Fact]
    public void ReadInterfaces_TakesNameMacAndAddresses()
    {
        using JsonDocument json = JsonDocument.Parse("""
            [{"name":"lo","ip-addresses":[{"ip-address":"127.0.0.1","prefix":8}]},
             {"name":"eth0","hardware-address":"02:AA:00:00:00:01","ip-addresses":[{"ip-address-type":"ipv4","ip-address":"10.0.2.2","prefix":24},{"ip-address":"fe80::1"},{"prefix":3}]},
             {"name":"sit0"},{"hardware-address":"02:00:00:00:00:09"},5,null]
            """);

        IReadOnlyList<GuestInterface> read = GuestAgentClient.ReadInterfaces(json.RootElement);

        Assert.Equal(["eth0", "sit0"], read.Select(i => i.Name));
        Assert.Equal(("02:aa:00:00:00:01", null), (read[0].Mac, read[1].Mac));
        Assert.Equal(["10.0.2.2", "fe80::1"], read[0].Addresses);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[[]]")]
    [InlineData("[{\"name\":7}]")]
    [InlineData("[{\"name\":\"lo\",\"ip-addresses\":{}}]")]
    public void ReadInterfaces_OtherShapes_GiveNothing(string json) =>
        Assert.Empty(GuestAgentClient.ReadInterfaces(JsonDocument.Parse(json).RootElement));

    [Fact]
    public void Merge_WithoutAgent_ShowsThePods()
    {
        MachineInterfaceStatus status = InterfaceStatusMerge.Merge([Attached("masquerade", "10.244.0.5", "fd00::5")], guest: null)[0];

        Assert.Equal(("default", Mac, "eth0", null, "domain", 1, "up"), (status.Name, status.Mac, status.PodInterfaceName, status.InterfaceName, status.InfoSource, status.QueueCount, status.LinkState));
        Assert.Equal(["10.244.0.5", "fd00::5"], status.IpAddresses);
    }

    [Fact]
    public void Merge_Masquerade_ShowsPodAddressesNeverTheGuests()
    {
        MachineInterfaceStatus status = Merge(Attached("masquerade", "10.244.0.5", "fd00::5"), new GuestInterface("enp1s0", Mac, ["10.0.2.2", "fd10:0:2::2", "fe80::1"]));

        Assert.Equal(("enp1s0", "domain, guest-agent"), (status.InterfaceName, status.InfoSource));
        Assert.Equal(["10.244.0.5", "fd00::5"], status.IpAddresses);
    }

    [Fact]
    public void Merge_Masquerade_FamilyTheGuestHasNotConfiguredIsCleared() =>
        Assert.Equal(["10.244.0.5"], Merge(Attached("masquerade", "10.244.0.5", "fd00::5"), new GuestInterface("enp1s0", Mac, ["10.0.2.2", "fe80::1"])).IpAddresses);

    [Fact]
    public void Merge_Bridge_PodAddressFirstThenTheGuestsOthers() =>
        Assert.Equal(["10.1.0.5", "10.1.0.99", "fd00::7"], Merge(Attached("bridge", "10.1.0.5"), new GuestInterface("enp1s0", Mac, ["fd00::7", "10.1.0.5", "10.1.0.99"])).IpAddresses);

    [Fact]
    public void Merge_Bridge_WithoutPodAddressShowsTheGuests() =>
        Assert.Equal(["192.168.9.2", "fe80::1"], Merge(Attached("bridge"), new GuestInterface("enp2s0", Mac, ["fe80::1", "192.168.9.2"])).IpAddresses);

    [Fact]
    public void Merge_BridgeWithoutAgent_ShowsIPv4Only() =>
        Assert.Equal(["10.1.0.5"], InterfaceStatusMerge.Merge([Attached("bridge", "10.1.0.5", "fd00::5")], guest: null)[0].IpAddresses);

    [Fact]
    public void Merge_LinkDown_IsSaid()
    {
        AttachedInterface attached = Attached("bridge");

        Assert.Equal("down", Merge(attached with { Spec = attached.Spec with { LinkState = "down" } }).LinkState);
    }

    [Fact]
    public void Merge_OnlyTheGuestKnows_AtMostTenAreAdded()
    {
        GuestInterface[] guest = [.. Enumerable.Range(0, 15).Select(i => new GuestInterface($"veth{i}", null, ["fd00::1", "10.0.0.1"]))];

        IReadOnlyList<MachineInterfaceStatus> merged = InterfaceStatusMerge.Merge([Attached("bridge")], guest);

        Assert.Equal(11, merged.Count);
        Assert.Equal((null, "veth0", "guest-agent", 0, null), (merged[1].Name, merged[1].InterfaceName, merged[1].InfoSource, merged[1].QueueCount, merged[1].LinkState));
        Assert.Equal(["10.0.0.1", "fd00::1"], merged[1].IpAddresses);
    }

    [Fact]
    public void Merge_TwoGuestInterfacesWithOneMac_EachIsShownOnce()
    {
        IReadOnlyList<MachineInterfaceStatus> merged = InterfaceStatusMerge.Merge([Attached("bridge")], [new GuestInterface("bond0", Mac, []), new GuestInterface("eth0", Mac, [])]);

        Assert.Equal(["bond0", "eth0"], merged.Select(m => m.InterfaceName));
    }
}
