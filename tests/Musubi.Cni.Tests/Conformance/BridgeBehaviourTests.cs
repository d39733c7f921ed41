using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>What users and the reference plugin's own tests expect of the bridge plugin beyond what it is built around.</summary>
public sealed class BridgeBehaviourTests : IDisposable
{
    private const string V4 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\"}";
    private const string Named = "\"ipam\":{\"type\":\"static\",\"addresses\":[{\"address\":\"10.77.0.2/24\"}],\"dns\":{\"nameservers\":[\"10.77.0.53\"],\"domain\":\"a.test\"}}";

    private readonly PodBench _net = new("bridge", cable: false);

    public void Dispose() => _net.Dispose();

    [Fact]
    public void Add_BridgeNotNamed_IsCni0() => Assert.Equal("cni0", _net.Add(_net.Config(V4)).Interfaces[0].Name);

    [Fact]
    public void Add_Dns_IsIpams()
    {
        CniDns dns = _net.Add(_net.Config(Named)).Dns;

        Assert.Equal(("10.77.0.53", "a.test"), (Assert.Single(dns.Nameservers), dns.Domain));
    }

    [Fact]
    public void Add_DnsOfTheConfiguration_TakesThePlaceOfIpamsAltogether()
    {
        CniDns dns = _net.Add(_net.Config($"\"dns\":{{\"search\":[\"b.test\"]}},{Named}")).Dns;

        Assert.Equal("b.test", Assert.Single(dns.Search));
        Assert.Empty(dns.Nameservers);
        Assert.Null(dns.Domain);
    }

    [Fact]
    public void Add_ExistingBridge_KeepsItsMtuAndFiltering()
    {
        _net.Host.Run("ip link add cni0 type bridge");
        _net.Host.Run("ip link set cni0 mtu 1300");

        _net.Add(_net.Config($"\"mtu\":1400,{V4}"));

        Assert.Equal(1300, _net.Host.Link("cni0").GetProperty("mtu").GetInt32());
        Assert.Equal(0, PodBench.Data(_net.Host.Link("cni0")).GetProperty("vlan_filtering").GetInt32());
        Assert.Equal(1400, _net.Pod.Link("eth0").GetProperty("mtu").GetInt32());
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("\"forceAddress\":true,", true)]
    public void Add_OverlappingIPv6NetworkOnTheBridge_NeedsForceAddress(string more, bool accepted)
    {
        _net.Host.Run("ip link add cni0 type bridge");
        _net.Host.Run("ip -6 addr add fd77::9/56 dev cni0 nodad");
        string config = _net.Config($"\"isGateway\":true,{more}\"ipam\":{{\"type\":\"host-local\",\"subnet\":\"fd77::/64\"}}");

        if (accepted)
        {
            _net.Add(config);
            Assert.Equal(["fd77::1/64"], _net.Host.Addresses("cni0"));
        }
        else
        {
            Assert.StartsWith("\"cni0\" already has an IP address different from fd77::1/64", _net.Refused(config).Message, StringComparison.Ordinal);
            Assert.Equal(["fd77::9/56"], _net.Host.Addresses("cni0"));
        }
    }

    [Fact]
    public void Add_ThreeNetworks_AllGatewaysAreOnTheBridge()
    {
        // host-local gives one address of each set, so that IPv6 networks can share a bridge as the suites of the reference plugin have them.
        _net.Add(_net.Config("\"isDefaultGateway\":true,\"ipam\":{\"type\":\"host-local\",\"ranges\":[[{\"subnet\":\"10.77.0.0/24\"}],[{\"subnet\":\"fd77::/64\"}],[{\"subnet\":\"fd78::/64\"}]]}"));

        Assert.Equal(["10.77.0.1/24", "fd77::1/64", "fd78::1/64"], _net.Host.Addresses("cni0").Order(StringComparer.Ordinal));
        Assert.Equal(["10.77.0.2/24", "fd77::2/64", "fd78::2/64"], _net.Pod.Addresses("eth0").Order(StringComparer.Ordinal));
        JsonElement route = Assert.Single(_net.Pod.Ip("route show default"));
        Assert.Equal("10.77.0.1", PodBench.Text(route, "gateway"));
        Assert.Null(PodBench.Text(route, "prefsrc"));
        Assert.Equal("fd77::1", PodBench.Text(Assert.Single(_net.Pod.Ip("-6 route show default")), "gateway"));
    }

    [Fact]
    public void Add_RoutesToOnePlace_ExistSideBySide()
    {
        _net.Add(_net.Config("\"ipam\":{\"type\":\"static\",\"addresses\":[{\"address\":\"10.77.0.2/24\"}],"
            + "\"routes\":[{\"dst\":\"10.9.0.0/16\",\"gw\":\"10.77.0.3\"},{\"dst\":\"10.9.0.0/16\",\"gw\":\"10.77.0.4\"}]}"));

        Assert.Equal(["10.77.0.3", "10.77.0.4"], _net.Pod.Ip("route show 10.9.0.0/16").Select(r => PodBench.Text(r, "gateway")!).Order());
    }

    [Fact]
    public void Add_SameRouteTwice_IsRefusedAndNamed()
    {
        CniException error = _net.Refused(_net.Config("\"ipam\":{\"type\":\"static\",\"addresses\":[{\"address\":\"10.77.0.2/24\"}],"
            + "\"routes\":[{\"dst\":\"10.9.0.0/16\",\"gw\":\"10.77.0.3\"},{\"dst\":\"10.9.0.0/16\",\"gw\":\"10.77.0.3\"}]}"));

        Assert.Contains("10.9.0.0/16", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_Addresses_HaveTheirBroadcastAddressUnlessThereIsNone()
    {
        _net.Add(_net.Config("\"ipam\":{\"type\":\"static\",\"addresses\":[{\"address\":\"10.77.0.2/24\"},{\"address\":\"10.78.0.2/31\"}]}"));

        JsonElement[] addresses = [.. _net.Pod.Ip("-4 addr show dev eth0")[0].GetProperty("addr_info").EnumerateArray()];
        Assert.Equal(["10.77.0.255", null], addresses.Select(a => PodBench.Text(a, "broadcast")));
    }

    [Fact]
    public void Add_ContainerHasALinkLocalAddress()
    {
        _net.Add(_net.Config(V4));

        Assert.Contains(_net.Pod.Ip("-6 addr show dev eth0 scope link"), a => a.GetProperty("addr_info").GetArrayLength() == 1);
    }

    [Theory]
    [InlineData("02-00-00-00-00-0A")]
    [InlineData("02:00:00:00:00:0a")]
    [InlineData("0200.0000.000a")]
    public void Add_MacInAnyNotation_IsReportedInOne(string mac)
    {
        CniResult result = _net.Add(_net.Config($"\"runtimeConfig\":{{\"mac\":\"{mac}\"}},{V4}"));

        Assert.Equal("02:00:00:00:00:0a", result.Interfaces[2].Mac);
    }

    [Fact]
    public void Add_KeysInOtherCase_AreFound() =>
        Assert.Equal("02:00:00:00:00:0a", _net.Add(_net.Config($"\"RuntimeConfig\":{{\"Mac\":\"02:00:00:00:00:0a\"}},{V4}")).Interfaces[2].Mac);

    [Fact]
    public void Add_ArgumentsOfOtherPlugins_ArePassedOver() => _net.Add(_net.Config(V4), args: "K8S_POD_NAME=x;MAC=02:00:00:00:00:0a");

    [Theory]
    [InlineData("")]
    [InlineData("/run/netns/long-gone")]
    public void Del_WithoutNamespace_GivesTheAddressBack(string netns)
    {
        string config = _net.Config($"\"isGateway\":true,{V4}");
        _net.Add(config);

        _net.Del(config, netns);

        Assert.DoesNotContain("10.77.0.2", _net.Reservations());
    }

    [Theory]
    [InlineData("\"mtu\":-1")]
    [InlineData("\"mtu\":\"1500\"")]
    [InlineData("\"vlan\":5000")]
    [InlineData("\"hairpinMode\":true,\"promiscMode\":true")]
    [InlineData("\"runtimeConfig\":{\"mac\":\"nonsense\"}")]
    [InlineData("\"ipMasq\":\"yes\"")]
    public void Del_ConfigurationSpoiltSince_CleansUpAllTheSame(string more)
    {
        _net.Add(_net.Config($"\"ipMasq\":true,{V4}"));

        _net.Del(_net.Config($"{more},{V4}"));

        Assert.Equal(["lo"], _net.Pod.LinkNames());
        Assert.DoesNotContain("10.77.0.2", _net.Reservations());
    }

    [Fact]
    public void Check_PathOfAnotherNamespace_Fails()
    {
        string config = _net.Config(V4);
        CniResult result = _net.Add(config);

        CniResult elsewhere = result with { Interfaces = [.. result.Interfaces.Take(2), result.Interfaces[2] with { Sandbox = "/run/netns/other" }] };

        Assert.Contains(_net.Pod.Path, _net.CheckFails(config, elsewhere).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_PromiscuousModeGone_Fails()
    {
        string config = _net.Config($"\"promiscMode\":true,{V4}");
        CniResult result = _net.Add(config);
        _net.Check(config, result);

        _net.Host.Run("ip link set cni0 promisc off");

        _net.CheckFails(config, result);
    }
}
