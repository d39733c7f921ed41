using System.Security.Cryptography;
using System.Text.Json;
using Musubi.Launcher.Network;
using Musubi.Linux.Namespaces;
using Musubi.Machines;

namespace Musubi.Launcher.Tests.Network;

/// <summary>The rules as nft(8) reads them back, in a namespace of the test's own.</summary>
public sealed class MasqueradeRulesTests : IDisposable
{
    private static readonly GuestNetworkPlan _v4 = GuestNetworkPlan.Of("10.0.2.0/24", "v4", ipv6: false);
    private static readonly GuestNetworkPlan _v6 = GuestNetworkPlan.Of("fd10:0:2::/120", "v6", ipv6: true);

    private readonly string _name = "mlu-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5));
    private readonly NetworkNamespace _pod;

    public MasqueradeRulesTests() => _pod = NetworkNamespace.Create($"/run/netns/{_name}");

    public void Dispose()
    {
        _pod.Dispose();
        NetworkNamespace.Remove($"/run/netns/{_name}");
    }

    private void Add(GuestNetworkPlan? v4, GuestNetworkPlan? v6, bool reserve = false, params MachinePort[] ports) =>
        _pod.Run(() => MasqueradeRules.Add(new MasqueradeRuleSet("eth0", "k6t-eth0", v4, v6, ports, reserve)));

    /// <summary>Rules of a chain, each as nft(8) prints it, counters without their numbers.</summary>
    private string[] Rules(string family, string chain) =>
    [
        .. Witness.Run("ip", "netns", "exec", _name, "nft", "-s", "list", "chain", family, "nat", chain)
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(l => !l.StartsWith("table", StringComparison.Ordinal) && !l.StartsWith("chain", StringComparison.Ordinal) && !l.StartsWith("type", StringComparison.Ordinal) && l != "}"),
    ];

    private JsonElement Ruleset() => JsonDocument.Parse(Witness.Run("ip", "netns", "exec", _name, "nft", "-j", "list", "ruleset")).RootElement.GetProperty("nftables");

    [Fact]
    public void WithoutPorts_EverythingIsLetIn()
    {
        Add(_v4, null);

        Assert.Equal(["iifname \"eth0\" counter jump KUBEVIRT_PREINBOUND"], Rules("ip", "prerouting"));
        Assert.Equal(["counter dnat to 10.0.2.2"], Rules("ip", "KUBEVIRT_PREINBOUND"));
        Assert.Equal(["ip saddr 10.0.2.2 counter masquerade", "oifname \"k6t-eth0\" counter jump KUBEVIRT_POSTINBOUND"], Rules("ip", "postrouting"));
        Assert.Equal(["ip saddr 127.0.0.1 counter snat to 10.0.2.1"], Rules("ip", "KUBEVIRT_POSTINBOUND"));
        Assert.Equal(["ip daddr 127.0.0.1 counter dnat to 10.0.2.2"], Rules("ip", "output"));
    }

    [Fact]
    public void WithPorts_OnlyTheyAreLetIn()
    {
        Add(_v4, null, reserve: false, new MachinePort("TCP", 80), new MachinePort("UDP", 53));

        Assert.Equal(["tcp dport 80 counter dnat to 10.0.2.2", "udp dport 53 counter dnat to 10.0.2.2"], Rules("ip", "KUBEVIRT_PREINBOUND"));
        Assert.Equal(["tcp dport 80 ip saddr 127.0.0.1 counter snat to 10.0.2.1", "udp dport 53 ip saddr 127.0.0.1 counter snat to 10.0.2.1"], Rules("ip", "KUBEVIRT_POSTINBOUND"));
        Assert.Equal(["ip daddr 127.0.0.1 tcp dport 80 counter dnat to 10.0.2.2", "ip daddr 127.0.0.1 udp dport 53 counter dnat to 10.0.2.2"], Rules("ip", "output"));
    }

    [Fact]
    public void DualStack_BothFamiliesHaveTheirTable()
    {
        Add(_v4, _v6);

        Assert.Equal(["counter dnat to 10.0.2.2"], Rules("ip", "KUBEVIRT_PREINBOUND"));
        Assert.Equal(["counter dnat to fd10:0:2::2"], Rules("ip6", "KUBEVIRT_PREINBOUND"));
        Assert.Equal(["ip6 saddr ::1 counter snat to fd10:0:2::1"], Rules("ip6", "KUBEVIRT_POSTINBOUND"));
    }

    [Fact]
    public void ReservedPorts_AreDroppedBeforeAnythingIsLetIn()
    {
        Add(_v4, null, reserve: true);

        string[] rules = Rules("ip", "KUBEVIRT_PREINBOUND");
        Assert.Equal(3, rules.Length);
        Assert.Matches("^tcp dport \\{ 49152(-|, )49153 \\} counter drop$", rules[0]);
        Assert.Matches("^udp dport \\{ 49152(-|, )49153 \\} counter drop$", rules[1]);
        Assert.Equal("counter dnat to 10.0.2.2", rules[2]);
    }

    [Fact]
    public void BaseChains_AreOnTheHooksUsersKnow()
    {
        Add(_v4, null);

        IEnumerable<(string?, string?, int)> chains = Ruleset().EnumerateArray()
            .Where(e => e.TryGetProperty("chain", out JsonElement c) && c.TryGetProperty("hook", out _))
            .Select(e => e.GetProperty("chain"))
            .Select(c => (c.GetProperty("name").GetString(), c.GetProperty("hook").GetString(), c.GetProperty("prio").GetInt32()));
        Assert.Equal([("input", "input", 100), ("output", "output", -100), ("postrouting", "postrouting", 100), ("prerouting", "prerouting", -100)], chains.Order());
    }

    [Fact]
    public void Remove_TakesBothTables_AndMayBeRepeated()
    {
        Add(_v4, _v6);

        _pod.Run(MasqueradeRules.Remove);
        _pod.Run(MasqueradeRules.Remove);

        Assert.DoesNotContain(Ruleset().EnumerateArray(), e => e.TryGetProperty("table", out _));
    }
}
