using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The sbr plugin behind the bridge plugin, with ip(8) as witness.</summary>
public sealed class SbrTests : IDisposable
{
    private const string Config = """{"cniVersion":"1.1.0","name":"net","type":"sbr"}""";

    private readonly ChainBench _chain = new();

    public void Dispose() => _chain.Dispose();

    private static string Text(JsonElement element, string key) => element.TryGetProperty(key, out JsonElement value) ? value.ToString() : "";

    /// <summary>The rules for single addresses: source and table.</summary>
    private string[] Rules(string family = "-4") =>
        [.. _chain.Pod.Ip($"{family} rule show").Where(r => Text(r, "src") is not ("all" or "")).Select(r => $"{Text(r, "src")} {Text(r, "table")}")];

    private string[] Routes(string table, string family = "-4") =>
        [.. _chain.Pod.Ip($"{family} route show table {table}").Select(r => $"{Text(r, "dst")} {Text(r, "gateway")} {Text(r, "dev")}")];

    private CniResult Add(CniResult? previous = null) => _chain.Add("sbr", Config, previous: previous);

    [Fact]
    public void Add_TwoFamilies_EachAddressHasATableWithTheInterfacesRoutes()
    {
        CniResult result = Add();

        Assert.Equal(_chain.Result.Addresses.Count, result.Addresses.Count);
        Assert.Equal(["10.88.0.2 100"], Rules());
        Assert.Equal(["fd88::2 101"], Rules("-6"));
        Assert.Equal(["default 10.88.0.1 eth0", "10.88.0.0/24  eth0"], Routes("100"));
        Assert.Contains("default fd88::1 eth0", Routes("101", "-6"));
        Assert.Contains("fd88::/64  eth0", Routes("101", "-6"));
        Assert.Empty(Routes("main"));
        Assert.Equal(["fe80::/64  eth0"], Routes("main", "-6"));
        _chain.Pod.Run($"ping -c1 -W2 -I 10.88.0.2 {_chain.Gateway}");
        _chain.Pod.Run("ping -6 -c1 -W2 -I fd88::2 fd88::1");
        Assert.Equal("100", Text(Assert.Single(_chain.Pod.Ip("route get 192.0.2.9 from 10.88.0.2")), "table"));
        _chain.Check("sbr", Config);
    }

    [Fact]
    public void Add_SecondAddressOfTheSameNetwork_HasATableToo()
    {
        _chain.Pod.Run("ip addr add 10.88.0.99/24 dev eth0");
        CniAddress first = _chain.Result.Addresses[0];
        CniAddress second = first with { Address = Linux.Addresses.Cidr.Parse("10.88.0.99/24") };

        Add(_chain.Result with { Addresses = [first, second] });

        Assert.Equal(["10.88.0.2 100", "10.88.0.99 101"], Rules().Order(StringComparer.Ordinal));
        Assert.Contains("default 10.88.0.1 eth0", Routes("101"));
        _chain.Pod.Run($"ping -c1 -W2 -I 10.88.0.99 {_chain.Gateway}");
    }

    [Fact]
    public void Add_TablesInUse_AreLeftAlone()
    {
        _chain.Pod.Run("ip rule add from 198.51.100.1 table 100");
        _chain.Pod.Run("ip route add 198.51.100.0/24 dev lo table 101");

        Add(_chain.Result with { Addresses = [_chain.Result.Addresses[0]] });

        Assert.Contains("10.88.0.2 102", Rules());
        Assert.Equal(["198.51.100.0/24  lo"], Routes("101"));
    }

    [Fact]
    public void Add_RoutesOfOtherInterfaces_Stay()
    {
        _chain.Pod.Run("ip link add d0 type veth peer name d1");
        _chain.Pod.Run("ip addr add 203.0.113.1/24 dev d0");
        _chain.Pod.Run("ip link set d0 up");
        _chain.Pod.Run("ip route add 10.99.0.0/16 via 10.88.0.9");

        Add();

        Assert.Equal(["203.0.113.0/24  d0"], Routes("main"));
        Assert.Contains("10.99.0.0/16 10.88.0.9 eth0", Routes("100"));
    }

    [Fact]
    public void Add_NoAddress_IsRefused()
    {
        CniException refused = Assert.Throws<CniException>(() => Add(_chain.Result with { Addresses = [] }));

        Assert.Equal((CniErrorCode.InvalidNetworkConfig, "No IP addresses supplied on interface: eth0"), (refused.Code, refused.Message));
    }

    [Fact]
    public void Add_GatewayThatCannotBeReached_EverythingIsTakenBack()
    {
        string[] before = [.. Routes("main"), .. Routes("main", "-6")];
        CniAddress far = _chain.Result.Addresses[0] with { Gateway = Linux.Addresses.IpText.ParseAddress("192.0.2.250") };

        CniException refused = Assert.Throws<CniException>(() => Add(_chain.Result with { Addresses = [far] }));

        Assert.StartsWith("failed to route by source for \"eth0\": ", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Rules());
        Assert.Equal(before.Order(StringComparer.Ordinal), Routes("main").Concat(Routes("main", "-6")).Order(StringComparer.Ordinal));
        _chain.Pod.Run($"ping -c1 -W2 {_chain.Gateway}");
    }

    [Fact]
    public void Add_InterfaceMissing_IsNamed()
    {
        _chain.Pod.Run("ip link del eth0");

        Assert.Equal("Cannot find network interface eth0", Assert.Throws<CniException>(() => Add()).Message);
    }

    [Fact]
    public void Del_RemovesTheRules_AndMayBeRepeated()
    {
        Add();
        _chain.Pod.Run("ip rule add from 198.51.100.1 table 77");

        _chain.Del("sbr", Config);

        Assert.Equal(["198.51.100.1 77"], Rules());
        Assert.Empty(Rules("-6"));
        _chain.Del("sbr", Config);
        _chain.Del("sbr", Config, netns: "/run/netns/long-gone");
        _chain.Del("sbr", Config, netns: "");
    }

    [Fact]
    public void Del_InterfaceGone_PreviousResultTellsTheAddresses()
    {
        Add();
        _chain.Pod.Run("ip link del eth0");

        _chain.Del("sbr", PluginBench.WithPrevious(Config, _chain.Result));

        Assert.Empty(Rules());
    }

    [Theory]
    [InlineData("ip rule del from 10.88.0.2", "no rule leads what 10.88.0.2 sends to a table of its own")]
    [InlineData("ip route del default table 100", "table 100, of 10.88.0.2, has no default route by eth0")]
    [InlineData("ip link del eth0", "Cannot find network interface eth0")]
    public void Check_SomethingGone_SaysWhat(string command, string message)
    {
        Add();
        _chain.Pod.Run(command);

        Assert.Equal(message, Assert.Throws<CniException>(() => _chain.Check("sbr", Config)).Message);
    }
}
