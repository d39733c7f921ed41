using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The ptp plugin in real namespaces.</summary>
public sealed class PtpTests : IDisposable
{
    private const string V4 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}";
    private const string Dual = "\"ipam\":{\"type\":\"host-local\",\"ranges\":[[{\"subnet\":\"10.77.0.0/24\"}],[{\"subnet\":\"fd77::/64\"}]],\"routes\":[{\"dst\":\"0.0.0.0/0\"},{\"dst\":\"::/0\"}]}";

    private readonly PodBench _net = new("ptp", cable: false);

    public void Dispose() => _net.Dispose();

    private static string? Text(JsonElement link, string key) => PodBench.Text(link, key);

    private IReadOnlyList<string> Routes(TestNamespace where, string arguments) =>
        [.. where.Ip(arguments).Select(r => $"{Text(r, "dst")} via {Text(r, "gateway") ?? "-"} src {Text(r, "prefsrc") ?? "-"} scope {Text(r, "scope") ?? "-"}").Order(StringComparer.Ordinal)];

    [Fact]
    public void Add_HostLocal_MakesWhatTheResultSays()
    {
        CniResult result = _net.Add(_net.Config(V4));

        Assert.Equal([null, _net.Pod.Path], result.Interfaces.Select(i => i.Sandbox));
        Assert.StartsWith("veth", result.Interfaces[0].Name, StringComparison.Ordinal);
        Assert.Equal("eth0", result.Interfaces[1].Name);
        CniAddress address = Assert.Single(result.Addresses);
        Assert.Equal(("10.77.0.2/24", "10.77.0.1", 1), (address.Address.ToString(), address.Gateway!.ToString(), address.Interface));

        JsonElement host = _net.Host.Link(result.Interfaces[0].Name);
        JsonElement inside = _net.Pod.Link("eth0");
        Assert.Equal((result.Interfaces[0].Mac, result.Interfaces[1].Mac), (Text(host, "address"), Text(inside, "address")));
        Assert.Equal((true, true), (PodBench.IsUp(host), PodBench.IsUp(inside)));
        Assert.Equal(["10.77.0.1/32"], _net.Host.Addresses(result.Interfaces[0].Name));
        Assert.Equal(["10.77.0.2 via - src - scope host"], Routes(_net.Host, "route show table main"));
        Assert.Equal(["10.77.0.2/24"], _net.Pod.Addresses("eth0"));
        Assert.Equal(
            ["10.77.0.0/24 via 10.77.0.1 src 10.77.0.2 scope global", "10.77.0.1 via - src 10.77.0.2 scope link", "default via 10.77.0.1 src - scope global"],
            Routes(_net.Pod, "route show table main"));
        Assert.Equal("1", _net.Host.Sysctl("net/ipv4/ip_forward"));
        _net.Pod.Run("ping -c1 -W2 10.77.0.1");
        _net.Host.Run("ping -c1 -W2 10.77.0.2");
    }

    [Fact]
    public void Add_DualStackTwoContainers_ReachEachOtherThroughTheHost()
    {
        using TestNamespace other = new("pod2");
        string config = _net.Config(Dual);

        CniResult result = _net.Add(config);
        _net.Add(config, "c2", netns: other.Path);

        Assert.Equal(["10.77.0.2/24", "fd77::2/64"], _net.Pod.Addresses("eth0"));
        Assert.Equal(("1", "1"), (_net.Host.Sysctl("net/ipv4/ip_forward"), _net.Host.Sysctl("net/ipv6/conf/all/forwarding")));
        _net.Pod.Run("ping -c1 -W2 10.77.0.3");
        _net.Pod.Run("ping -6 -c1 -W2 fd77::1");
        _net.Pod.Run("ping -6 -c1 -W2 fd77::3");
        _net.Check(config, result);
    }

    [Fact]
    public void Add_TwoAddressesOfOneNetwork_ShareTheGateway()
    {
        _net.Add(_net.Config("\"ipam\":{\"type\":\"static\",\"addresses\":[{\"address\":\"10.77.0.5/24\",\"gateway\":\"10.77.0.1\"},{\"address\":\"10.77.0.6/24\",\"gateway\":\"10.77.0.1\"}]}"));

        Assert.Equal(["10.77.0.5/24", "10.77.0.6/24"], _net.Pod.Addresses("eth0"));
        _net.Host.Run("ping -c1 -W2 10.77.0.6");
    }

    [Theory]
    [InlineData("10.77.0.5/24", "10.77.0.1", "10.77.0.5/32")]
    [InlineData("fd77::5/64", "fd77::1", "fd77::5/128")]
    public void Add_AddressOfAnotherContainer_IsRefusedUnlessThatOneIsGone(string address, string gateway, string route)
    {
        using TestNamespace other = new("pod2");
        string config = _net.Config($"\"ipam\":{{\"type\":\"static\",\"addresses\":[{{\"address\":\"{address}\",\"gateway\":\"{gateway}\"}}]}}");
        string first = _net.Add(config).Interfaces[0].Name;

        CniException error = Assert.Throws<CniException>(() => _net.Add(config, "c2", netns: other.Path));

        Assert.Equal($"the host's route to {route} leads to interface \"{first}\" already: another container has this address; free it, or give another", error.Message);
        _net.Host.Run($"ping -c1 -W2 {address.Split('/')[0]}");
        Assert.Equal(["lo"], other.LinkNames());

        // What is seen of a container whose namespace is being taken down.
        _net.Pod.Run("ip link set eth0 down");
        _net.Add(config, "c2", netns: other.Path);
        _net.Host.Run($"ping -c1 -W2 {address.Split('/')[0]}");
    }

    [Fact]
    public void Add_IpMasq_HidesTheContainerUntilDel()
    {
        string config = _net.Config($"\"ipMasq\":true,{V4}");
        _net.Add(config);
        Assert.Single(_net.Host.Rules(), r => Text(r, "chain") == "masq_checks" && Text(r, "comment")!.Contains("net: net, if: eth0, id: c1", StringComparison.Ordinal));

        _net.Del(config, netns: "");

        Assert.DoesNotContain(_net.Host.Rules(), r => Text(r, "chain") == "masq_checks");
        Assert.Empty(_net.Reservations());
    }

    [Fact]
    public void Gc_NoValidAttachment_RemovesRulesAndAddresses()
    {
        string config = _net.Config($"\"ipMasq\":true,{V4}");
        _net.Add(config);

        _net.Gc(_net.Config($"\"ipMasq\":true,{V4},\"cni.dev/valid-attachments\":[]"));

        Assert.DoesNotContain(_net.Host.Rules(), r => Text(r, "chain") == "masq_checks");
        Assert.Empty(_net.Reservations());
    }

    [Fact]
    public void Add_MtuAndDns_AreApplied()
    {
        CniResult result = _net.Add(_net.Config($"\"mtu\":1400,\"dns\":{{\"nameservers\":[\"9.9.9.9\"]}},{V4}"));

        Assert.Equal(("1400", "1400"), (Text(_net.Host.Link(result.Interfaces[0].Name), "mtu"), Text(_net.Pod.Link("eth0"), "mtu")));
        Assert.Equal(["9.9.9.9"], result.Dns.Nameservers);
    }

    [Theory]
    [InlineData("\"mtu\":1400", "ptp needs addresses: ipam.type must name the plugin that gives them")]
    [InlineData("\"ipMasqBackend\":\"pf\",\"ipam\":{\"type\":\"static\"}", "unknown ipmasq backend \"pf\"")]
    [InlineData("\"ipam\":{\"type\":\"static\",\"addresses\":[{\"address\":\"10.77.0.5/24\"}]}", "ipam gave 10.77.0.5/24 without a gateway of its family: ptp gives the gateway's address to the host's end")]
    [InlineData("\"ipam\":{\"type\":\"static\",\"addresses\":[{\"address\":\"10.77.0.5/24\",\"gateway\":\"10.77.0.5\"}]}", "ipam gave 10.77.0.5/24 with itself as gateway: the gateway is the host's end, which needs another address")]
    public void Add_WrongKey_IsRefused(string keys, string message)
    {
        CniException error = _net.Refused(_net.Config(keys));

        Assert.Equal((7, message), (error.Code, error.Message));
        _net.AssertNothingLeft();
        Assert.Equal(["lo"], _net.Host.LinkNames());
    }

    [Fact]
    public void Add_LaterStepFails_LeavesNothing()
    {
        _net.Refused(_net.Config("\"ipMasq\":true,\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\",\"routes\":[{\"dst\":\"10.99.0.0/16\",\"gw\":\"10.88.0.1\"}]}"));

        _net.AssertNothingLeft();
        Assert.Equal(["lo"], _net.Host.LinkNames());
    }

    [Fact]
    public void Add_ContainerHasTheName_IsRefusedAndLeftAlone()
    {
        _net.Pod.Run("ip link add eth0 type bridge");

        Assert.Contains("container veth name (\"eth0\") peer provided", _net.Refused(_net.Config(V4)).Message, StringComparison.Ordinal);
        Assert.Equal("bridge", PodBench.Kind(_net.Pod.Link("eth0")));
        Assert.Empty(_net.Reservations());
    }

    [Fact]
    public void Del_TwiceAndWithSpoiltConfiguration_CleansUp()
    {
        _net.Add(_net.Config(V4));

        _net.Del(_net.Config($"\"mtu\":-1,\"ipMasq\":\"yes\",{V4}"));
        _net.Del(_net.Config(V4));

        _net.AssertNothingLeft();
        Assert.Equal(["lo"], _net.Host.LinkNames());
    }

    [Fact]
    public void Check_HostsEndDownOrRouteGone_Fails()
    {
        string config = _net.Config(V4);
        CniResult result = _net.Add(config);
        _net.Check(config, result);

        _net.Pod.Run("ip route del default");
        Assert.Equal("Expected Route 0.0.0.0/0 not found in routing table", _net.CheckFails(config, result).Message);

        _net.Host.Run($"ip link set {result.Interfaces[0].Name} down");
        Assert.Equal("the host's end of eth0 is missing or down", _net.CheckFails(config, result).Message);
    }
}
