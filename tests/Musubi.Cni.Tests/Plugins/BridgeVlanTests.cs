using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>VLANs and the spoof check of the bridge plugin, proven with frames between two containers.</summary>
[NeedsKernel("bridge vlan_filtering", "nft_meta_bridge")]
public sealed class BridgeVlanTests : IDisposable
{
    private readonly TestNamespace _host = new("host");
    private readonly TestNamespace _pod = new("pod");
    private readonly TestNamespace _other = new("other");
    private readonly PluginBench _bench;

    public BridgeVlanTests() => _bench = new PluginBench(_host.Network);

    public void Dispose()
    {
        _bench.Dispose();
        _other.Dispose();
        _pod.Dispose();
        _host.Dispose();
    }

    private static string Config(string more, string ipam = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\"}") =>
        $$"""{"cniVersion":"1.1.0","name":"net","type":"cnv-bridge","bridge":"br7",{{more}},{{ipam}}}""";

    private CniResult AddPod(string config) => _bench.Add("cnv-bridge", config, "c1", _pod.Path);

    private CniResult AddOther(string config) => _bench.Add("cnv-bridge", config, "c2", _other.Path);

    /// <summary>VLAN ids of a port with their flags, as <c>bridge -j vlan</c> tells.</summary>
    private IReadOnlyList<string> Vlans(string port) =>
    [
        .. Witness.Json(_host.Run($"bridge -j vlan show dev {port}"))[0].GetProperty("vlans").EnumerateArray().Select(v =>
            string.Join(' ', [v.GetProperty("vlan").ToString() + (v.TryGetProperty("vlanEnd", out JsonElement end) ? $"-{end}" : ""), .. Flags(v)])),
    ];

    private static IEnumerable<string> Flags(JsonElement vlan) => vlan.TryGetProperty("flags", out JsonElement flags) ? flags.EnumerateArray().Select(f => f.GetString()!) : [];

    private static bool Reaches(TestNamespace from, string address) =>
        Witness.TryRun("ip", "netns", "exec", from.Name, "ping", "-c1", "-W1", address).Code == 0;

    private IReadOnlyList<JsonElement> SpoofRules() =>
        [.. _host.Rules().Where(r => r.TryGetProperty("comment", out JsonElement c) && c.GetString()!.StartsWith("macspoofchk-", StringComparison.Ordinal))];

    [Fact]
    public void Add_Vlan_PortIsInThatVlanOnly()
    {
        CniResult result = AddPod(Config("\"vlan\":100"));

        Assert.Equal(["100 PVID Egress Untagged"], Vlans(result.Interfaces[1].Name));
        Assert.Equal(1, _host.Link("br7").GetProperty("linkinfo").GetProperty("info_data").GetProperty("vlan_filtering").GetInt32());
    }

    [Fact]
    public void Add_PreserveDefaultVlan_KeepsVlanOne()
    {
        CniResult result = AddPod(Config("\"vlan\":100,\"preserveDefaultVlan\":true"));

        Assert.Equal(["1 Egress Untagged", "100 PVID Egress Untagged"], Vlans(result.Interfaces[1].Name));
    }

    [Fact]
    public void Add_TrunkWithoutVlan_NativeVlanIsOne()
    {
        CniResult result = AddPod(Config("\"vlanTrunk\":[{\"id\":7},{\"minID\":100,\"maxID\":103}]"));

        Assert.Equal(["1 PVID Egress Untagged", "7", "100-103"], Ranges(Vlans(result.Interfaces[1].Name)));
    }

    [Fact]
    public void Add_TrunkWithVlan_NativeVlanIsIt()
    {
        CniResult result = AddPod(Config("\"vlan\":50,\"vlanTrunk\":[{\"minID\":1,\"maxID\":4094}]"));

        Assert.Equal(["1-49", "50 PVID Egress Untagged", "51-4094"], Ranges(Vlans(result.Interfaces[1].Name)));
    }

    [Fact]
    public void Add_VlanGateway_IsACableToThePortBelowIt()
    {
        CniResult result = AddPod(Config("\"vlan\":100,\"isDefaultGateway\":true"));

        Assert.Equal("br7.100", result.Interfaces[3].Name);
        JsonElement gateway = _host.Link("br7.100");
        Assert.Equal("veth", gateway.GetProperty("linkinfo").GetProperty("info_kind").GetString());
        Assert.Equal(["10.77.0.1/24"], _host.Addresses("br7.100"));
        Assert.Empty(_host.Addresses("br7"));
        int index = gateway.GetProperty("ifindex").GetInt32();
        JsonElement port = _host.Ip("link show").Single(l => l.GetProperty("ifindex").GetInt32() == index - 1);
        Assert.Equal(["100 PVID Egress Untagged"], Vlans(port.GetProperty("ifname").GetString()!));
        Assert.True(Reaches(_pod, "10.77.0.1"));
    }

    [Fact]
    public void TwoContainers_OfTwoVlans_DoNotSeeEachOther()
    {
        AddPod(Config("\"vlan\":100"));
        CniResult other = AddOther(Config("\"vlan\":200"));
        Assert.False(Reaches(_pod, other.Addresses[0].Address.ToString().Split('/')[0]));

        _bench.Del("cnv-bridge", Config("\"vlan\":200"), "c2", _other.Path);
        CniResult same = AddOther(Config("\"vlan\":100"));
        Assert.True(Reaches(_pod, same.Addresses[0].Address.ToString().Split('/')[0]));
    }

    [Fact]
    public void SpoofCheck_ChangedMac_IsDropped()
    {
        AddPod(Config("\"macspoofchk\":true"));
        CniResult other = AddOther(Config("\"macspoofchk\":true"));
        string address = other.Addresses[0].Address.ToString().Split('/')[0];
        Assert.True(Reaches(_pod, address));

        _pod.Run("ip link set eth0 address 02:00:00:00:00:99");
        Assert.False(Reaches(_pod, address));
    }

    [Fact]
    public void SpoofCheck_Del_LeavesTheOthersRules()
    {
        string config = Config("\"macspoofchk\":true");
        AddPod(config);
        AddOther(config);
        Assert.Equal(8, SpoofRules().Count);

        _bench.Del("cnv-bridge", config, "c1", _pod.Path);

        Assert.Equal(4, SpoofRules().Count);
        Assert.All(SpoofRules(), r => Assert.Equal("macspoofchk-c2-eth0", r.GetProperty("comment").GetString()));
    }

    [Fact]
    public void SpoofCheck_AddFailsLater_LeavesNoRules()
    {
        Assert.Throws<CniException>(() => AddPod(Config("\"macspoofchk\":true", "\"ipam\":{\"type\":\"no-such\"}")));

        Assert.Empty(SpoofRules());
        Assert.Equal(["lo"], _pod.LinkNames());
    }

    [Fact]
    public void Del_NamespaceGone_RemovesTheRules()
    {
        string config = Config("\"macspoofchk\":true");
        AddPod(config);

        _bench.Del("cnv-bridge", config, "c1", "/run/netns/no-such-namespace");

        Assert.Empty(SpoofRules());
    }

    /// <summary>Neighbouring ids of the same flags as one range: newer tools print them so by themselves.</summary>
    private static IReadOnlyList<string> Ranges(IReadOnlyList<string> vlans)
    {
        List<string> ranges = [];
        foreach (string vlan in vlans)
        {
            bool plain = !vlan.Contains(' ', StringComparison.Ordinal);
            if (plain && ranges.Count > 0 && !ranges[^1].Contains(' ', StringComparison.Ordinal) && Last(ranges[^1]) + 1 == First(vlan))
            {
                ranges[^1] = $"{First(ranges[^1])}-{Last(vlan)}";
            }
            else
            {
                ranges.Add(vlan);
            }
        }

        return ranges;
    }

    private static int First(string range) => int.Parse(range.Split('-')[0], System.Globalization.CultureInfo.InvariantCulture);

    private static int Last(string range) => int.Parse(range.Split('-')[^1], System.Globalization.CultureInfo.InvariantCulture);
}
