using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The bridge plugin in real namespaces, one playing the host and one the container.</summary>
public sealed class BridgeTests : IDisposable
{
    private const string V4 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\"}";
    private const string Dual = "\"ipam\":{\"type\":\"host-local\",\"ranges\":[[{\"subnet\":\"10.77.0.0/24\"}],[{\"subnet\":\"fd77::/64\"}]]}";

    private readonly TestNamespace _host = new("host");
    private readonly TestNamespace _pod = new("pod");
    private readonly PluginBench _bench;

    public BridgeTests() => _bench = new PluginBench(_host.Network);

    public void Dispose()
    {
        _bench.Dispose();
        _pod.Dispose();
        _host.Dispose();
    }

    private static string Config(string more, string version = "1.1.0") => $$"""{"cniVersion":"{{version}}","name":"net","type":"bridge","bridge":"br7"{{(more.Length > 0 ? "," : "")}}{{more}}}""";

    private CniResult Add(string config, string id = "c1", string ifName = "eth0", string? args = null) => _bench.Add("bridge", config, id, _pod.Path, ifName, args);

    private void Del(string config, string ifName = "eth0") => _bench.Del("bridge", config, "c1", _pod.Path, ifName);

    private CniException Refused(string config, string ifName = "eth0", string? args = null) => Assert.Throws<CniException>(() => Add(config, ifName: ifName, args: args));

    /// <summary>Neither end of a cable is left, and no address is taken.</summary>
    private void AssertNothingLeft()
    {
        Assert.Equal(["lo"], _pod.LinkNames());
        Assert.DoesNotContain(_host.LinkNames(), name => name.StartsWith("veth", StringComparison.Ordinal));
        Assert.Empty(Reservations());
        Assert.DoesNotContain(_host.Rules(), r => r.TryGetProperty("comment", out _));
    }

    private IReadOnlyList<string> Reservations()
    {
        string directory = Path.Combine(_bench.StateDirectory, "networks", "net");
        return Testing.Reservations.In(directory);
    }

    private JsonElement Port(CniResult result) => _host.Link(result.Interfaces[1].Name);

    private static string? Text(JsonElement link, string key) => link.TryGetProperty(key, out JsonElement value) ? value.ToString() : null;

    [Fact]
    public void Add_Gateway_MakesWhatTheResultSays()
    {
        CniResult result = Add(Config($"\"isDefaultGateway\":true,{V4}"));

        Assert.Equal(["br7", result.Interfaces[1].Name, "eth0"], result.Interfaces.Select(i => i.Name));
        Assert.Equal([null, null, _pod.Path], result.Interfaces.Select(i => i.Sandbox));
        CniAddress address = Assert.Single(result.Addresses);
        Assert.Equal(("10.77.0.2/24", "10.77.0.1", 2), (address.Address.ToString(), address.Gateway!.ToString(), address.Interface));
        Assert.Equal(["0.0.0.0/0"], result.Routes.Select(r => r.Destination.ToString()));

        JsonElement bridge = _host.Link("br7");
        Assert.Equal("bridge", bridge.GetProperty("linkinfo").GetProperty("info_kind").GetString());
        Assert.Equal(result.Interfaces[0].Mac, Text(bridge, "address"));
        Assert.Equal(["10.77.0.1/24"], _host.Addresses("br7"));
        Assert.Equal(3, _host.LinkNames().Count);

        JsonElement port = Port(result);
        Assert.Equal(("br7", "UP", result.Interfaces[1].Mac), (Text(port, "master"), Text(port, "operstate"), Text(port, "address")));

        JsonElement inside = _pod.Link("eth0");
        Assert.Equal(("UP", result.Interfaces[2].Mac), (Text(inside, "operstate"), Text(inside, "address")));
        Assert.Equal(["10.77.0.2/24"], _pod.Addresses("eth0"));
        JsonElement route = Assert.Single(_pod.Ip("route show default"));
        Assert.Equal(("10.77.0.1", "eth0"), (Text(route, "gateway"), Text(route, "dev")));
        Assert.Equal("1", _host.Sysctl("net/ipv4/ip_forward"));
        _pod.Run("ping -c1 -W2 10.77.0.1");
    }

    [Fact]
    public void Add_DualStack_AddressesRoutesAndForwardingOfBothFamilies()
    {
        CniResult result = Add(Config($"\"isDefaultGateway\":true,{Dual}"));

        Assert.Equal(["10.77.0.2/24", "fd77::2/64"], result.Addresses.Select(a => a.Address.ToString()));
        Assert.Equal(["10.77.0.1/24", "fd77::1/64"], _host.Addresses("br7"));
        Assert.Equal(["10.77.0.2/24", "fd77::2/64"], _pod.Addresses("eth0"));
        Assert.Equal("fd77::1", Text(Assert.Single(_pod.Ip("-6 route show default")), "gateway"));
        Assert.Equal("1", _host.Sysctl("net/ipv6/conf/all/forwarding"));
        _pod.Run("ping -6 -c1 -W2 fd77::1");
    }

    [Fact]
    public void Add_DefaultRouteFromIpamWithoutGateway_IsNotAddedTwice()
    {
        CniResult result = Add(Config("\"isDefaultGateway\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}"));

        Assert.Single(result.Routes);
        Assert.Equal("10.77.0.1", Text(Assert.Single(_pod.Ip("route show default")), "gateway"));
    }

    [Fact]
    public void Add_RouteAttributes_AreInstalled()
    {
        Add(Config("\"isGateway\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{\"dst\":\"10.99.0.0/16\",\"priority\":50,\"mtu\":1300,\"advmss\":1200},{\"dst\":\"10.98.0.0/16\",\"gw\":\"10.77.0.9\",\"table\":77}]}"));

        JsonElement route = Assert.Single(_pod.Ip("route show 10.99.0.0/16"));
        Assert.Equal("50", Text(route, "metric"));
        Assert.Contains("\"mtu\":1300", route.GetRawText(), StringComparison.Ordinal);
        Assert.Contains("\"advmss\":1200", route.GetRawText(), StringComparison.Ordinal);
        Assert.Equal("10.77.0.9", Text(Assert.Single(_pod.Ip("route show table 77")), "gateway"));
    }

    [Fact]
    public void Add_WithoutIpam_IsPlainLayerTwo()
    {
        CniResult result = Add(Config(""));

        Assert.Empty(result.Addresses);
        Assert.Empty(_pod.Addresses("eth0"));
        Assert.Empty(_host.Addresses("br7"));
        Assert.Equal("UP", Text(_pod.Link("eth0"), "operstate"));
        Assert.Equal("br7", Text(Port(result), "master"));
    }

    [Fact]
    public void Add_OldVersionWithoutIpam_IsRefusedBeforeAnythingIsMade()
    {
        Assert.Equal("cannot convert: no valid IP addresses", Refused(Config("", version: "0.2.0")).Message);
        Assert.Equal(["lo"], _host.LinkNames());
    }

    [Theory]
    [InlineData("MAC=02:00:00:00:00:03", "", "02:00:00:00:00:03")]
    [InlineData("MAC=02:00:00:00:00:03", "\"args\":{\"cni\":{\"mac\":\"02-00-00-00-00-02\"}}", "02:00:00:00:00:02")]
    [InlineData("MAC=02:00:00:00:00:03", "\"args\":{\"cni\":{\"mac\":\"02:00:00:00:00:02\"}},\"RuntimeConfig\":{\"mac\":\"02:00:00:00:00:AA\"}", "02:00:00:00:00:aa")]
    public void Add_Mac_RuntimeConfigBeatsArgsBeatsVariable(string args, string more, string mac)
    {
        CniResult result = Add(Config(more), args: args);

        Assert.Equal(mac, result.Interfaces[2].Mac);
        Assert.Equal(mac, Text(_pod.Link("eth0"), "address"));
    }

    [Fact]
    public void Add_Mtu_IsOfBridgeAndBothEnds()
    {
        CniResult result = Add(Config("\"mtu\":1400"));

        Assert.Equal(("1400", "1400", "1400"), (Text(_host.Link("br7"), "mtu"), Text(Port(result), "mtu"), Text(_pod.Link("eth0"), "mtu")));
    }

    [Theory]
    [InlineData("\"hairpinMode\":true,\"portIsolation\":true", "True")]
    [InlineData("", "False")]
    public void Add_PortFlags_AreAsConfigured(string more, string set)
    {
        JsonElement port = Port(Add(Config(more))).GetProperty("linkinfo").GetProperty("info_slave_data");

        Assert.Equal((set, set), (Text(port, "hairpin"), Text(port, "isolated")));
    }

    [Theory]
    [InlineData("\"promiscMode\":true", true)]
    [InlineData("", false)]
    public void Add_PromiscMode_IsTheBridges(string more, bool promiscuous)
    {
        Add(Config(more));

        Assert.Equal(promiscuous, _host.Link("br7").GetProperty("flags").EnumerateArray().Any(f => f.GetString() == "PROMISC"));
    }

    [Fact]
    public void Add_DisabledContainerInterface_StaysDown()
    {
        Add(Config("\"disableContainerInterface\":true"));

        Assert.Equal("DOWN", Text(_pod.Link("eth0"), "operstate"));
    }

    [Fact]
    public void Add_ExistingBridge_IsAdopted()
    {
        _host.Run("ip link add br7 address 02:11:11:11:11:11 type bridge");

        CniResult result = Add(Config("\"mtu\":1400"));

        Assert.Equal("02:11:11:11:11:11", result.Interfaces[0].Mac);
    }

    [Fact]
    public void Add_SecondContainerAndDel_BridgeKeepsItsMac()
    {
        string config = Config($"\"isGateway\":true,{V4}");
        using TestNamespace other = new("pod2");
        string? mac = Add(config).Interfaces[0].Mac;
        CniResult second = _bench.Add("bridge", config, "c2", other.Path);

        Del(config);

        Assert.Equal((mac, mac), (second.Interfaces[0].Mac, Text(_host.Link("br7"), "address")));
        other.Run("ping -c1 -W2 10.77.0.1");
    }

    [Fact]
    public void Add_NameTakenByAnotherKindOfLink_IsRefused()
    {
        _host.Run("ip link add br7 type veth peer name other");

        Assert.Contains("\"br7\" already exists but is not a bridge", Refused(Config("")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_ContainerInterfaceExists_IsRefusedAndLeftAlone()
    {
        _pod.Run("ip link add eth0 type bridge");

        Assert.Contains("container veth name (\"eth0\") peer provided", Refused(Config(V4)).Message, StringComparison.Ordinal);
        Assert.Equal("bridge", _pod.Link("eth0").GetProperty("linkinfo").GetProperty("info_kind").GetString());
        Assert.Empty(Reservations());
    }

    [Fact]
    public void Add_OtherAddressOnTheBridge_NeedsForceAddress()
    {
        string other = Config("\"isGateway\":true,\"ipam\":{\"type\":\"static\",\"addresses\":[{\"address\":\"10.88.0.5/24\",\"gateway\":\"10.88.0.1\"}]}");
        Add(Config($"\"isGateway\":true,{V4}"));
        Del(Config(V4));

        CniException error = Refused(other);

        Assert.Equal("\"br7\" already has an IP address different from 10.88.0.1/24: it has 10.77.0.1/24; set forceAddress to replace it", error.Message);
        AssertNothingLeft();
        Assert.Equal(["10.77.0.1/24"], _host.Addresses("br7"));

        Add(other.Replace("\"isGateway\":true", "\"isGateway\":true,\"forceAddress\":true", StringComparison.Ordinal));
        Assert.Equal(["10.88.0.1/24"], _host.Addresses("br7"));
    }

    [Fact]
    public void Add_DisjointIPv6Networks_ShareTheBridge()
    {
        Add(Config("\"isGateway\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"fd77::/64\"}"));
        Add(Config("\"isGateway\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"fd78::/64\"}").Replace("\"net\"", "\"net2\"", StringComparison.Ordinal), ifName: "eth1");

        Assert.Equal(["fd77::1/64", "fd78::1/64"], _host.Addresses("br7").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Add_DuplicateAddressDetection_EndsWithUsableAddress()
    {
        Add(Config("\"isGateway\":true,\"enabledad\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"fd77::/64\"}"));

        Assert.DoesNotContain("tentative", _pod.Run("ip -6 addr show dev eth0 scope global"), StringComparison.Ordinal);
    }

    [Fact]
    public void IpMasq_RulesAreTheReferencePluginsAndGoWithDel()
    {
        string config = Config($"\"isDefaultGateway\":true,\"ipMasq\":true,{Dual}");
        Add(config);

        JsonElement[] rules = [.. _host.Rules().Where(r => Text(r, "chain") == "masq_checks")];
        Assert.Equal(2, rules.Length);
        Assert.All(rules, r => Assert.Matches("^[0-9a-f]{16}-[0-9a-f]{16}, net: net, if: eth0, id: c1$", Text(r, "comment")));
        Assert.Equal(["10.77.0.2", "fd77::2"], rules.Select(r => r.GetProperty("expr")[0].GetProperty("match").GetProperty("right").GetString()).Order(StringComparer.Ordinal));
        Assert.All(rules, r => Assert.Contains("masquerade", r.GetRawText(), StringComparison.Ordinal));
        Assert.Equal(3, _host.Rules().Count(r => Text(r, "chain") == "postrouting"));

        Add(config, ifName: "eth1");
        Assert.Equal(3, _host.Rules().Count(r => Text(r, "chain") == "postrouting"));
        Del(config, "eth1");
        Del(config);

        Assert.DoesNotContain(_host.Rules(), r => Text(r, "chain") == "masq_checks");
    }

    [Fact]
    public void IpMasq_NamespaceGoneBeforeDel_RulesAndAddressGoAllTheSame()
    {
        string config = Config($"\"isGateway\":true,\"ipMasq\":true,{V4}");
        Add(config);

        _bench.Del("bridge", config, netns: "");
        _bench.Del("bridge", config, netns: "/run/netns/long-gone");

        Assert.Empty(Reservations());
        Assert.DoesNotContain(_host.Rules(), r => Text(r, "chain") == "masq_checks");
    }

    [Fact]
    public void Gc_InvalidAttachments_LoseRulesAndAddresses()
    {
        string config = Config($"\"isGateway\":true,\"ipMasq\":true,{V4}");
        Add(config, "keep");
        Add(config, "gone", "eth1");

        _bench.Run(CniCommand.Gc, "bridge", Config($"\"ipMasq\":true,{V4},\"cni.dev/valid-attachments\":[{{\"containerID\":\"keep\",\"ifname\":\"eth0\"}}]"));

        Assert.Equal(["10.77.0.2"], Reservations());
        Assert.EndsWith("if: eth0, id: keep", Text(Assert.Single(_host.Rules(), r => Text(r, "chain") == "masq_checks"), "comment"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"isGateway\":true,\"ipMasq\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"rangeStart\":\"10.77.0.1\",\"rangeEnd\":\"10.77.0.1\"}", "no IP addresses available in range set: 10.77.0.1-10.77.0.1")]
    [InlineData("\"ipam\":{\"type\":\"static\"}", "IPAM plugin returned missing IP config")]
    [InlineData("\"ipam\":{\"type\":\"nowhere\"}", "failed to find plugin \"nowhere\" in path []")]
    [InlineData("\"isGateway\":true,\"ipMasq\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{\"dst\":\"10.9.0.0/16\",\"gw\":\"192.168.250.1\"}]}", "failed to add route '10.9.0.0/16 via 192.168.250.1 dev eth0 metric 0 (Scope: 0, Table: 254)': ")]
    public void Add_FailsHalfWay_EverythingIsTakenBack(string more, string message)
    {
        Assert.Contains(message, Refused(Config(more)).Message, StringComparison.Ordinal);
        AssertNothingLeft();
    }

    [Theory]
    [InlineData("\"vlan\":5000", "invalid VLAN ID 5000 (must be between 0 and 4094)")]
    [InlineData("\"vlan\":-1", "invalid VLAN ID -1 (must be between 0 and 4094)")]
    [InlineData("\"vlan\":\"100\"", "vlan must be a whole number of 32 bits, not \"100\"")]
    [InlineData("\"hairpinMode\":true,\"promiscMode\":true", "cannot set hairpin mode and promiscuous mode at the same time")]
    [InlineData("\"disableContainerInterface\":true,\"ipam\":{\"type\":\"static\"}", "cannot use IPAM when DisableContainerInterface flag is set")]
    [InlineData("\"ipMasqBackend\":\"ipfw\"", "unknown ipmasq backend \"ipfw\"")]
    [InlineData("\"mtu\":-1", "mtu must not be negative: -1")]
    [InlineData("\"vlanTrunk\":[{\"minID\":1}]", "minID and maxID should be configured simultaneously, maxID is missing")]
    [InlineData("\"vlanTrunk\":[{\"maxID\":1}]", "minID and maxID should be configured simultaneously, minID is missing")]
    [InlineData("\"vlanTrunk\":[{\"minID\":0,\"maxID\":1}]", "incorrect trunk minID parameter")]
    [InlineData("\"vlanTrunk\":[{\"minID\":1,\"maxID\":4095}]", "incorrect trunk maxID parameter")]
    [InlineData("\"vlanTrunk\":[{\"id\":4095}]", "incorrect trunk id parameter")]
    [InlineData("\"vlanTrunk\":[{\"minID\":9,\"maxID\":8}]", "minID is greater than maxID in trunk parameter")]
    [InlineData("\"runtimeConfig\":{\"mac\":\"02:00:00\"}", "invalid MAC address \"02:00:00\"")]
    [InlineData("\"runtimeConfig\":{\"mac\":\"01:00:5e:00:00:01\"}", "invalid MAC address \"01:00:5e:00:00:01\"")]
    public void Add_BadConfiguration_IsRefusedBeforeAnythingIsMade(string more, string message)
    {
        CniException error = Refused(Config(more));

        Assert.Equal(CniErrorCode.InvalidNetworkConfig, error.Code);
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(["lo"], _host.LinkNames());
    }

    [Fact]
    public void Del_RemovesBothEndsAndTheReservation_AndMayBeRepeated()
    {
        string config = Config($"\"isGateway\":true,{V4}");
        Add(config);

        Del(config);
        Del(config);

        AssertNothingLeft();
        Assert.Contains("br7", _host.LinkNames());
    }

    [Fact]
    public void Del_NeverAdded_Succeeds() => Del(Config($"\"isGateway\":true,\"ipMasq\":true,{V4}"));

    [Fact]
    public void Check_Untouched_Succeeds()
    {
        string config = Config($"\"isDefaultGateway\":true,{Dual}");

        _bench.Check("bridge", config, Add(config), netns: _pod.Path);
    }

    [Fact]
    public void Check_LayerTwo_NeedsNoIpam()
    {
        string config = Config("", "0.4.0");

        _bench.Check("bridge", config, Add(config), netns: _pod.Path);
    }

    [Theory]
    [InlineData("pod", "ip addr del 10.77.0.2/24 dev eth0", "Failed to match addr 10.77.0.2/24")]
    [InlineData("pod", "ip route del default", "Expected Route 0.0.0.0/0")]
    [InlineData("pod", "ip link set eth0 address 02:99:99:99:99:99", "interface eth0 has MAC 02:99:99:99:99:99")]
    [InlineData("pod", "ip link del eth0", "Cannot find container link eth0")]
    [InlineData("host", "ip link set br7 promisc on", "bridge br7: promiscuous mode is True, configured False")]
    [InlineData("host", "ip link del br7", "Cannot find bridge br7")]
    public void Check_SomethingChanged_SaysWhat(string where, string command, string message)
    {
        string config = Config($"\"isDefaultGateway\":true,{V4}");
        CniResult result = Add(config);
        (where == "pod" ? _pod : _host).Run(command);

        CniException error = Assert.Throws<CniException>(() => _bench.Check("bridge", config, result, netns: _pod.Path));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_PortPulledOut_Fails()
    {
        string config = Config(V4);
        CniResult result = Add(config);
        _host.Run($"ip link set {result.Interfaces[1].Name} nomaster");

        Assert.Equal("CNI veth created for bridge br7 was not found", Assert.Throws<CniException>(() => _bench.Check("bridge", config, result, netns: _pod.Path)).Message);
    }

    [Fact]
    public void Check_WithoutPreviousResult_IsRefused() =>
        Assert.Equal("Required prevResult missing", Assert.Throws<CniException>(() => _bench.Run(CniCommand.Check, "bridge", Config(""), netns: _pod.Path)).Message);

    [Fact]
    public void Add_HostsOwnNamespace_IsRefusedBeforeAnythingIsDone()
    {
        CniException error = Assert.Throws<CniException>(() => _bench.Add("bridge", Config(V4), netns: _host.Path));

        Assert.Equal(CniErrorCode.InvalidNetns, error.Code);
        Assert.Equal(["lo"], _host.LinkNames());
        Assert.Empty(Reservations());
    }

    [Fact]
    public void Add_NamespaceMissing_IsNamed()
    {
        CniException error = Assert.Throws<CniException>(() => _bench.Add("bridge", Config(V4), netns: "/run/netns/long-gone"));

        Assert.StartsWith("failed to open netns \"/run/netns/long-gone\": ", error.Message, StringComparison.Ordinal);
        Assert.Empty(Reservations());
    }

    [Fact]
    public void Add_Concurrently_EveryContainerIsConnected()
    {
        TestNamespace[] pods = [.. Enumerable.Range(0, 8).Select(i => new TestNamespace($"p{i}"))];
        try
        {
            string config = Config($"\"isDefaultGateway\":true,\"ipMasq\":true,{V4}");
            Parallel.For(0, pods.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => _bench.Add("bridge", config, $"c{i}", pods[i].Path));

            Assert.Equal(pods.Length, pods.SelectMany(p => p.Addresses("eth0")).Distinct().Count());
            Assert.Equal(pods.Length, _host.Rules().Count(r => Text(r, "chain") == "masq_checks"));
            Assert.Equal(3, _host.Rules().Count(r => Text(r, "chain") == "postrouting"));
        }
        finally
        {
            Array.ForEach(pods, p => p.Dispose());
        }
    }
}
