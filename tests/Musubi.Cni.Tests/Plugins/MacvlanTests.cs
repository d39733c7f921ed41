using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The macvlan plugin in real namespaces.</summary>
public sealed class MacvlanTests : IDisposable
{
    private const string V4 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}";
    private const string V6 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"fd77::/64\",\"routes\":[{\"dst\":\"::/0\"}]}";
    private const string OnEth1 = "\"master\":\"eth1\"";

    private readonly PodBench _net = new("macvlan");

    public void Dispose() => _net.Dispose();

    private static string? Text(JsonElement link, string key) => PodBench.Text(link, key);

    [Fact]
    public void Add_HostLocal_MakesWhatTheResultSays()
    {
        CniResult result = _net.Add(_net.Config($"{OnEth1},{V4}"));

        CniInterface made = Assert.Single(result.Interfaces);
        Assert.Equal(("eth0", _net.Pod.Path), (made.Name, made.Sandbox));
        CniAddress address = Assert.Single(result.Addresses);
        Assert.Equal(("10.77.0.2/24", 0), (address.Address.ToString(), address.Interface));

        JsonElement link = _net.Pod.Link("eth0");
        Assert.Equal(("macvlan", made.Mac, true), (PodBench.Kind(link), Text(link, "address"), PodBench.IsUp(link)));
        Assert.Equal("bridge", Text(PodBench.Data(link), "mode"));
        Assert.Equal(["10.77.0.2/24"], _net.Pod.Addresses("eth0"));
        Assert.Equal("10.77.0.1", Text(Assert.Single(_net.Pod.Ip("route show default")), "gateway"));
        Assert.Equal("1", _net.Pod.Sysctl("net/ipv4/conf/eth0/arp_notify"));
        Assert.True((Convert.ToByte(made.Mac![..2], 16) & 3) == 2, "the address is a locally administered one");

        _net.Outside.Run("ip addr add 10.77.0.1/24 dev out1");
        _net.Pod.Run("ping -c1 -W2 10.77.0.1");
    }

    [Theory]
    [InlineData(V4, "10.77.0.2")]
    [InlineData(V6, "fd77::2")]
    public async Task Add_AddressThatAnotherHadBefore_NeighboursLearnAtOnce(string ipam, string address)
    {
        await Eventually.IsTrueAsync(
            () => Text(_net.Host.Link("eth1"), "operstate") == "UP" && Text(_net.Outside.Link("out1"), "operstate") == "UP", "the cable passes frames");
        _net.Outside.Run("ip addr add 10.77.0.1/24 dev out1");
        _net.Outside.Run($"ip neigh add {address} lladdr 02:00:00:00:00:99 dev out1 nud stale");

        string? mac = _net.Add(_net.Config($"{OnEth1},{ipam}")).Interfaces[0].Mac;

        await Eventually.IsTrueAsync(() => Text(Assert.Single(_net.Outside.Ip($"neigh show {address} dev out1")), "lladdr") == mac, "the neighbour knows the new owner");
    }

    [Fact]
    public void Add_IPv6_AddressIsUsableAtOnce()
    {
        CniResult result = _net.Add(_net.Config($"{OnEth1},{V6}"));

        Assert.Equal(["fd77::2/64"], _net.Pod.Addresses("eth0"));
        Assert.DoesNotContain(_net.Pod.Ip("addr show dev eth0")[0].GetProperty("addr_info").EnumerateArray(), a => a.TryGetProperty("tentative", out _) && Text(a, "scope") == "global");
        Assert.Equal(("1", "1"), (_net.Pod.Sysctl("net/ipv6/conf/eth0/ndisc_notify"), _net.Pod.Sysctl("net/ipv6/conf/eth0/keep_addr_on_down")));
        Assert.Equal("fd77::1", Text(Assert.Single(_net.Pod.Ip("-6 route show default")), "gateway"));
        _net.Check(_net.Config($"{OnEth1},{V6}"), result);
    }

    [Fact]
    public void Add_WithoutIpam_IsAPlainLayer2Interface()
    {
        CniResult result = _net.Add(_net.Config($"{OnEth1},\"ipam\":{{}}"));

        Assert.Empty(result.Addresses);
        Assert.Empty(_net.Pod.Addresses("eth0"));
        Assert.True(PodBench.IsUp(_net.Pod.Link("eth0")));
        _net.Check(_net.Config(OnEth1), result);
        _net.Del(_net.Config(OnEth1));
        _net.AssertNothingLeft();
    }

    [Theory]
    [InlineData("private")]
    [InlineData("vepa")]
    [InlineData("bridge")]
    [InlineData("passthru")]
    public void Add_Mode_IsTheLinksAndChecked(string mode)
    {
        string config = _net.Config($"{OnEth1},\"mode\":\"{mode}\",\"bcqueuelen\":2000");

        CniResult result = _net.Add(config);

        JsonElement link = _net.Pod.Link("eth0");
        Assert.Equal((mode, "2000"), (Text(PodBench.Data(link), "mode"), Text(PodBench.Data(link), "bcqueuelen")));
        Assert.Equal(Text(link, "address"), result.Interfaces[0].Mac);
        _net.Check(config, result);
        string other = mode == "private" ? "vepa" : "private";
        Assert.Equal($"macvlan eth0 has mode {mode}, configured is {other}", _net.CheckFails(config.Replace($"\"{mode}\"", $"\"{other}\"", StringComparison.Ordinal), result).Message);
    }

    [Fact]
    public void Add_PassthruWithMac_MasterHasItToo()
    {
        CniResult result = _net.Add(_net.Config($"{OnEth1},\"mode\":\"passthru\",\"mac\":\"02:00:00:00:00:07\""));

        Assert.Equal("02:00:00:00:00:07", result.Interfaces[0].Mac);
        Assert.Equal(("02:00:00:00:00:07", "02:00:00:00:00:07"), (Text(_net.Pod.Link("eth0"), "address"), Text(_net.Host.Link("eth1"), "address")));
    }

    [Theory]
    [InlineData("", "", "02:00:00:00:00:01")]
    [InlineData("IgnoreUnknown=true;MAC=02:00:00:00:00:02", "", "02:00:00:00:00:02")]
    [InlineData("IgnoreUnknown=true;MAC=02:00:00:00:00:02", "\"RuntimeConfig\":{\"mac\":\"02:00:00:00:00:AA\"}", "02:00:00:00:00:aa")]
    public void Add_Mac_RuntimeConfigBeatsVariableBeatsKey(string args, string more, string mac)
    {
        CniResult result = _net.Add(_net.Config($"{OnEth1},\"mac\":\"02:00:00:00:00:01\"{(more.Length > 0 ? "," : "")}{more}"), args: args);

        Assert.Equal((mac, mac), (result.Interfaces[0].Mac, Text(_net.Pod.Link("eth0"), "address")));
    }

    [Fact]
    public void Add_NameThatTheHostHas_IsNoObstacle()
    {
        _net.Host.Run("ip link add eth0 type bridge");

        _net.Add(_net.Config($"{OnEth1},{V4}"));

        Assert.Equal("macvlan", PodBench.Kind(_net.Pod.Link("eth0")));
        Assert.Equal("bridge", PodBench.Kind(_net.Host.Link("eth0")));
        Assert.Equal(["lo", "eth0"], _net.Pod.LinkNames());
    }

    [Fact]
    public void Add_LinkInContainer_SitsOnTheContainersInterface()
    {
        _net.Pod.Run("ip link add inner type veth peer name inner2");
        string config = _net.Config($"\"master\":\"inner\",\"linkInContainer\":true,{V4}");

        CniResult result = _net.Add(config);

        Assert.Equal("inner", Text(_net.Pod.Link("eth0"), "link"));
        _net.Check(config, result);
        _net.Del(config);
        Assert.DoesNotContain("eth0", _net.Pod.LinkNames());
    }

    [Fact]
    public void Add_NoMaster_TakesTheDefaultRouteOfLowestMetricIPv4First()
    {
        _net.Host.Run("ip link add eth2 type veth peer name out2");
        _net.Host.Run("ip link set eth2 up");
        _net.Host.Run("ip addr add 10.1.0.2/24 dev eth1");
        _net.Host.Run("ip addr add 10.2.0.2/24 dev eth2");
        _net.Host.Run("ip route add default via 10.1.0.1 metric 20");
        _net.Host.Run("ip route add unreachable default metric 5");
        _net.Host.Run("ip route add default metric 10 nexthop via 10.2.0.1 nexthop via 10.1.0.1");

        _net.Add(_net.Config(V4));

        Assert.Equal(_net.Host.Link("eth2").GetProperty("ifindex").GetInt32(), _net.Pod.Link("eth0").GetProperty("link_index").GetInt32());
    }

    [Fact]
    public void Add_NoMasterAndNoDefaultRoute_SaysWhatToDo() =>
        Assert.Equal("no default route interface found: name the interface with the key master", _net.Refused(_net.Config(V4)).Message);

    [Theory]
    [InlineData("\"master\":\"nope\"", 999, "failed to lookup master \"nope\": Link not found")]
    [InlineData("\"master\":\"eth1\",\"mode\":\"source\"", 7, "unknown macvlan mode: \"source\"; mode must be bridge, private, vepa or passthru")]
    [InlineData("\"master\":\"eth1\",\"mtu\":1501", 7, "invalid MTU 1501, must be [0, master MTU(1500)]: the master is eth1")]
    [InlineData("\"master\":\"eth1\",\"mtu\":-1", 7, "invalid MTU -1: mtu must not be negative")]
    [InlineData("\"master\":\"eth1\",\"mac\":\"01:00:00:00:00:01\"", 7, "invalid args 01:00:00:00:00:01 for MAC addr: mac must be six octets of a unicast address, as 02:00:00:00:00:01")]
    [InlineData("\"master\":\"eth1\",\"bcqueuelen\":-1", 7, "bcqueuelen must be a whole number from 0 to 4294967295")]
    [InlineData("\"master\":5", 7, "master must be a string, not 5")]
    public void Add_WrongKey_IsRefusedBeforeAnythingIsDone(string keys, int code, string message)
    {
        CniException error = _net.Refused(_net.Config($"{keys},{V4}"));

        Assert.Equal((code, message), (error.Code, error.Message));
        _net.AssertNothingLeft();
    }

    [Fact]
    public void Add_Mtu_IsTheLinks()
    {
        _net.Add(_net.Config($"{OnEth1},\"mtu\":1400,{V4}"));

        Assert.Equal("1400", Text(_net.Pod.Link("eth0"), "mtu"));
    }

    [Theory]
    [InlineData("\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"rangeStart\":\"10.78.0.1\"}")]
    [InlineData("\"ipam\":{\"type\":\"static\",\"addresses\":[]}")]
    [InlineData("\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{\"dst\":\"10.99.0.0/16\",\"gw\":\"10.88.0.1\"}]}")]
    [InlineData("\"ipam\":{\"type\":\"no-such-plugin\"}")]
    public void Add_LaterStepFails_LeavesNothing(string ipam)
    {
        _net.Refused(_net.Config($"{OnEth1},{ipam}"));

        _net.AssertNothingLeft();
    }

    [Fact]
    public void Add_RefusedRoute_IsNamed() =>
        Assert.StartsWith(
            "failed to add route '10.99.0.0/16 via 10.88.0.1 dev eth0 metric 0 (Scope: 0, Table: 254)': ",
            _net.Refused(_net.Config($"{OnEth1},\"ipam\":{{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{{\"dst\":\"10.99.0.0/16\",\"gw\":\"10.88.0.1\"}}]}}")).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Add_ContainerHasTheName_IsRefusedAndLeftAlone()
    {
        _net.Pod.Run("ip link add eth0 type bridge");

        Assert.Equal("failed to create macvlan eth0: the container has an interface of this name already", _net.Refused(_net.Config($"{OnEth1},{V4}")).Message);
        Assert.Equal("bridge", PodBench.Kind(_net.Pod.Link("eth0")));
        Assert.Empty(_net.Reservations());
    }

    [Theory]
    [InlineData("0.1.0")]
    [InlineData("0.2.0")]
    public void Add_Layer2InAnOldVersion_IsRefusedBeforeAnythingIsDone(string version)
    {
        Assert.Equal("cannot convert: no valid IP addresses", _net.Refused(_net.Config(OnEth1, version)).Message);
        _net.AssertNothingLeft();
    }

    [Theory]
    [InlineData("0.3.0")]
    [InlineData("0.4.0")]
    [InlineData("1.0.0")]
    public void AddAndDel_OlderVersion_Work(string version)
    {
        string config = _net.Config($"{OnEth1},{V4}", version);

        Assert.Equal("10.77.0.2/24", _net.Add(config).Addresses[0].Address.ToString());

        _net.Del(config);
        _net.AssertNothingLeft();
    }

    [Fact]
    public void Del_MasterGoneOrConfigurationSpoilt_StillCleansUp()
    {
        _net.Add(_net.Config($"{OnEth1},{V4}"));

        _net.Del(_net.Config($"\"master\":\"gone\",\"mode\":\"nonsense\",\"mtu\":-5,{V4}"));

        _net.AssertNothingLeft();
        _net.Del(_net.Config(V4));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/run/netns/mct-none")]
    public void Del_WithoutNamespace_GivesTheAddressBack(string netns)
    {
        string config = _net.Config($"{OnEth1},{V4}");
        _net.Add(config);

        _net.Del(config, netns);

        Assert.Empty(_net.Reservations());
    }

    [Fact]
    public void Check_InterfaceChanged_Fails()
    {
        string config = _net.Config($"{OnEth1},{V4}");
        CniResult result = _net.Add(config);
        _net.Check(config, result);

        _net.Pod.Run("ip link set eth0 address 02:00:00:00:00:99");
        Assert.Equal($"interface eth0 has MAC 02:00:00:00:00:99, not {result.Interfaces[0].Mac} as prevResult says", _net.CheckFails(config, result).Message);

        _net.Pod.Run("ip link del eth0");
        Assert.Equal("Cannot find container link eth0", _net.CheckFails(config, result).Message);

        _net.Pod.Run("ip link add eth0 type bridge");
        Assert.Equal("container interface eth0 is not a macvlan", _net.CheckFails(config, result).Message);
    }

    [Fact]
    public void Status_MasterMissing_SaysSo()
    {
        Assert.Null(_net.StatusOf(_net.Config($"{OnEth1},{V4}")));

        CniException error = _net.StatusOf(_net.Config($"\"master\":\"nope\",{V4}"))!;

        Assert.Equal((50, "failed to lookup master \"nope\": Link not found"), (error.Code, error.Message));
    }

    [Fact]
    public void Gc_NoValidAttachment_ForwardsToIpam()
    {
        _net.Add(_net.Config($"{OnEth1},{V4}"));

        _net.Gc(_net.Config($"{OnEth1},{V4},\"cni.dev/valid-attachments\":[]"));

        Assert.Empty(_net.Reservations());
    }

    [Fact]
    public void Add_Dns_IsTheConfigurations() =>
        Assert.Equal(["9.9.9.9"], _net.Add(_net.Config($"{OnEth1},{V4},\"dns\":{{\"nameservers\":[\"9.9.9.9\"]}}")).Dns.Nameservers);
}
