using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>The kernel parameters that the bridge plugin sets and leaves alone, on both sides.</summary>
public sealed class NamespaceParametersTests : IDisposable
{
    private const string Dual = "\"ipam\":{\"type\":\"host-local\",\"ranges\":[[{\"subnet\":\"10.77.0.0/24\"}],[{\"subnet\":\"fd77::/64\"}]]}";

    private readonly PodBench _net = new("bridge", cable: false);

    public void Dispose() => _net.Dispose();

    private string Pod(string parameter, string name = "eth0") => _net.Pod.Sysctl($"net/{parameter.Replace("IF", name, StringComparison.Ordinal)}");

    [Fact]
    public void Add_HostSide_AcceptsNoRouterAdvertisements()
    {
        CniResult result = _net.Add(_net.Config(Dual));

        Assert.All(result.Interfaces.Take(2), i => Assert.Equal("0", _net.Host.Sysctl($"net/ipv6/conf/{i.Name}/accept_ra")));
    }

    [Theory]
    [InlineData("", "0")]
    [InlineData("\"enabledad\":true,", "1")]
    public void Add_WithAddresses_TellsNeighboursAndDetectsDuplicatesAsConfigured(string more, string detection)
    {
        _net.Add(_net.Config(more + Dual));

        Assert.Equal("1", Pod("ipv4/conf/IF/arp_notify"));
        Assert.Equal(detection, Pod("ipv6/conf/IF/accept_dad"));
        Assert.Equal("1", Pod("ipv6/conf/IF/keep_addr_on_down"));
    }

    [Fact]
    public void Add_NamespaceWithoutIPv6_SwitchesItOnForTheAddress()
    {
        _net.Pod.Run("sysctl -q -w net.ipv6.conf.default.disable_ipv6=1 net.ipv6.conf.lo.disable_ipv6=1");

        _net.Add(_net.Config(Dual));

        Assert.Equal(("0", "0"), (Pod("ipv6/conf/IF/disable_ipv6"), Pod("ipv6/conf/IF/disable_ipv6", "lo")));
        Assert.Equal(["10.77.0.2/24", "fd77::2/64"], _net.Pod.Addresses("eth0"));
    }

    [Fact]
    public void Add_AddressOutlivesTheLinkBeingDown()
    {
        _net.Add(_net.Config(Dual));

        _net.Pod.Run("ip link set eth0 down");

        Assert.Contains("fd77::2/64", _net.Pod.Addresses("eth0"));
    }

    [Fact]
    public void Add_LayerTwo_LeavesTheContainersParametersAlone()
    {
        _net.Add(_net.Config(""));

        Assert.Equal("0", Pod("ipv4/conf/IF/arp_notify"));
        Assert.Equal("0", Pod("ipv6/conf/IF/keep_addr_on_down"));
    }

    [Fact]
    public void Add_InterfaceNameWithDots_IsNotTakenForAPath()
    {
        _net.Add(_net.Config(Dual), ifName: "eth0.100");

        Assert.Equal("1", Pod("ipv4/conf/IF/arp_notify", "eth0.100"));
    }

    [Fact]
    public void Add_NotAGateway_LeavesForwardingAlone()
    {
        _net.Add(_net.Config(Dual));

        Assert.Equal(("0", "0"), (_net.Host.Sysctl("net/ipv4/ip_forward"), _net.Host.Sysctl("net/ipv6/conf/all/forwarding")));
    }

    [Fact]
    public void Add_GatewayOfOneFamily_ForwardsThatFamilyOnly()
    {
        _net.Add(_net.Config("\"isGateway\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\"}"));

        Assert.Equal(("1", "0"), (_net.Host.Sysctl("net/ipv4/ip_forward"), _net.Host.Sysctl("net/ipv6/conf/all/forwarding")));
    }
}
