using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The vrf plugin in real namespaces; the interface it takes is made by hand.</summary>
public sealed class VrfTests : IDisposable
{
    private static readonly CniResult _previous = new()
    {
        Interfaces = [new CniInterface("eth0") { Sandbox = "/run/netns/x" }],
        Addresses = [new CniAddress(Cidr.Parse("10.77.0.2/24")) { Interface = 0 }],
    };

    private readonly PodBench _net = new("vrf", cable: false);

    public VrfTests()
    {
        _net.Pod.Run("ip link add eth0 type veth peer name peer0");
        _net.Pod.Run("ip link set eth0 up");
        _net.Pod.Run("ip link set peer0 up");
        _net.Pod.Run("ip addr add 10.77.0.2/24 dev eth0");
        _net.Pod.Run("ip addr add fd77::2/64 dev eth0 nodad");
        _net.Pod.Run("ip route add 10.99.0.0/16 via 10.77.0.1 metric 7");
        _net.Pod.Run("ip route add 10.88.0.1 dev eth0 scope link");
        _net.Pod.Run("ip route add 10.98.0.0/16 via 10.88.0.1");
        _net.Pod.Run("ip -6 route add default via fd77::1");
    }

    public void Dispose() => _net.Dispose();

    private string Chained(string more, string version = "1.0.0") => PluginBench.WithPrevious(_net.Config(more, version), _previous);

    private IReadOnlyList<string> Routes(string arguments) => [.. _net.Pod.Ip(arguments).Select(r => $"{PodBench.Text(r, "dst")} via {PodBench.Text(r, "gateway") ?? "-"}")];

    [Fact]
    [NeedsKernel("vrf")]
    public void Add_Interface_MovesWithAddressesAndRoutes()
    {
        CniResult result = _net.Add(Chained("\"vrfname\":\"blue\",\"table\":1001"));

        Assert.Equal(("eth0", "10.77.0.2/24"), (result.Interfaces[0].Name, result.Addresses[0].Address.ToString()));
        JsonElement vrf = _net.Pod.Link("blue");
        Assert.Equal(("vrf", "1001", true), (PodBench.Kind(vrf), PodBench.Text(PodBench.Data(vrf), "table"), PodBench.IsUp(vrf)));
        Assert.Equal("blue", PodBench.Text(_net.Pod.Link("eth0"), "master"));
        Assert.Equal(["10.77.0.2/24", "fd77::2/64"], _net.Pod.Addresses("eth0"));
        IReadOnlyList<string> routes = Routes("route show table 1001");
        Assert.Contains("10.99.0.0/16 via 10.77.0.1", routes);
        Assert.Contains("10.88.0.1 via -", routes);
        Assert.Contains("10.98.0.0/16 via 10.88.0.1", routes);
        Assert.Contains("10.77.0.0/24 via -", routes);
        Assert.Contains("default via fd77::1", Routes("-6 route show table 1001"));
        Assert.Empty(_net.Pod.Ip("route show table main"));
        _net.Bench.Run(CniCommand.Check, "vrf", Chained("\"vrfname\":\"blue\",\"table\":1001"), netns: _net.Pod.Path);
    }

    [Fact]
    [NeedsKernel("vrf")]
    public void Add_NoTable_TakesAFreeOneAndTheSecondInterfaceShares()
    {
        _net.Pod.Run("ip link add other type vrf table 1");

        _net.Add(Chained("\"vrfname\":\"blue\""));
        _net.Add(Chained("\"vrfname\":\"blue\""), ifName: "peer0");

        Assert.Equal("2", PodBench.Text(PodBench.Data(_net.Pod.Link("blue")), "table"));
        Assert.Equal("blue", PodBench.Text(_net.Pod.Link("peer0"), "master"));

        _net.Del(_net.Config("\"vrfname\":\"blue\""));
        Assert.Contains("blue", _net.Pod.LinkNames());
        _net.Del(_net.Config("\"vrfname\":\"changed since\""), ifName: "peer0");
        Assert.DoesNotContain("blue", _net.Pod.LinkNames());
        _net.Del(_net.Config("\"vrfname\":\"blue\""), ifName: "peer0");
    }

    [Fact]
    [NeedsKernel("vrf")]
    public void Add_InterfaceHasAMaster_IsRefused()
    {
        _net.Pod.Run("ip link add br1 type bridge");
        _net.Pod.Run("ip link set eth0 master br1");

        Assert.Equal("interface eth0 has already a master set: br1", _net.Refused(Chained("\"vrfname\":\"blue\"")).Message);
        Assert.DoesNotContain("blue", _net.Pod.LinkNames());
    }

    [Fact]
    [NeedsKernel("vrf")]
    public void Add_DomainHasAnotherTable_IsRefused()
    {
        _net.Pod.Run("ip link add blue type vrf table 5");

        CniException error = _net.Refused(Chained("\"vrfname\":\"blue\",\"table\":6"));

        Assert.Equal((7, "VRF blue already exist with different routing table 5"), (error.Code, error.Message));
    }

    [Fact]
    [NeedsKernel("vrf")]
    public void Check_InterfaceLeftTheDomain_Fails()
    {
        _net.Add(Chained("\"vrfname\":\"blue\""));
        _net.Pod.Run("ip link set eth0 nomaster");

        CniException error = Assert.Throws<CniException>(() => _net.Bench.Run(CniCommand.Check, "vrf", Chained("\"vrfname\":\"blue\""), netns: _net.Pod.Path));

        Assert.Equal("Failed to find eth0 associated to vrf blue", error.Message);
    }

    [Theory]
    [InlineData("", "configuration is expected to have a valid vrf name: vrfname is missing")]
    [InlineData("\"vrfname\":\"a/b\"", "vrfname \"a/b\" cannot be an interface's name")]
    [InlineData("\"vrfname\":\"blue\",\"table\":-1", "table must be a whole number from 0 to 4294967295")]
    [InlineData("\"vrfname\":\"peer0\"", "vrfname: peer0 already exists but is not a VRF")]
    public void Add_WrongKey_IsRefused(string keys, string message)
    {
        CniException error = _net.Refused(Chained(keys));

        Assert.Equal((7, message), (error.Code, error.Message));
    }

    [Fact]
    public void Add_NotInAChain_IsRefused() =>
        Assert.Equal("missing prevResult from earlier plugin: vrf works only in a chain", _net.Refused(_net.Config("\"vrfname\":\"blue\"")).Message);

    [Fact]
    public void Add_NoSuchInterface_IsRefused()
    {
        _net.Pod.Run("ip link del eth0");

        Assert.Equal("could not get link by name eth0", _net.Refused(Chained("\"vrfname\":\"blue\"")).Message);
    }

    [Fact]
    public void Add_KernelWithoutVrf_LeavesEverythingAsItWas()
    {
        Assert.SkipWhen(File.Exists("/proc/sys/net/ipv4/tcp_l3mdev_accept") && Witness.TryRun("modprobe", "-n", "vrf").Code == 0, "this kernel has VRFs");

        Assert.StartsWith("could not put eth0 into VRF blue: ", _net.Refused(Chained("\"vrfname\":\"blue\"")).Message, StringComparison.Ordinal);
        Assert.Contains("10.98.0.0/16 via 10.88.0.1", Routes("route show table main"));
        Assert.Equal(["10.77.0.2/24", "fd77::2/64"], _net.Pod.Addresses("eth0"));
    }

    [Fact]
    public void Del_NothingThere_Succeeds()
    {
        _net.Del(_net.Config("\"vrfname\":\"blue\""));
        _net.Del(_net.Config("\"vrfname\":\"blue\""), netns: "/run/netns/mct-none");
        _net.Del(_net.Config("\"vrfname\":\"peer0\""));

        Assert.Contains("peer0", _net.Pod.LinkNames());
    }
}
