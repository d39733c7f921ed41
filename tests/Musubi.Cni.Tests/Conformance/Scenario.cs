using FsCheck;
using FsCheck.Fluent;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>A chain of plugins as a runtime would run it. <c>@STATE@</c> in a configuration stands for a directory of the side's own.</summary>
/// <param name="Plugins">The configurations, without the keys that a runtime injects.</param>
/// <param name="Version">The chain's cniVersion.</param>
/// <param name="Args">CNI_ARGS.</param>
internal sealed record Scenario(IReadOnlyList<string> Plugins, string Version, string Args)
{
    /// <summary>Whether any configuration has this text.</summary>
    public bool Says(string text) => Plugins.Any(p => p.Contains(text, StringComparison.Ordinal));

    public bool Uses(params string[] types) => types.Any(t => Says($"\"type\":\"{t}\""));

    /// <inheritdoc/>
    public override string ToString() => $"cniVersion {Version}, CNI_ARGS \"{Args}\"\n{string.Join('\n', Plugins)}";
}

/// <summary>Generates scenarios of the keys that the reference plugins 1.1.1 know.</summary>
internal static class Scenarios
{
    private static readonly Gen<string> _routes = OneOf(
        "[]", "[{\"dst\":\"0.0.0.0/0\"}]", "[{\"dst\":\"192.168.7.0/24\"},{\"dst\":\"fd77::/64\"}]", "[{\"dst\":\"192.168.7.9/24\",\"gw\":\"10.5.0.9\"}]",
        "[{\"dst\":\"::/0\"}]", "[{\"dst\":\"192.168.7.0/24\",\"gw\":\"203.0.113.1\"}]", "[{\"dst\":\"192.168.7.0/33\"}]", "null");

    private static readonly Gen<string> _hostLocal = Object(
        Always("type", "\"host-local\""),
        Always("dataDir", "\"@STATE@/networks\""),
        Often("ranges", OneOf(
            "[[{\"subnet\":\"10.5.0.0/24\"}]]", "[[{\"subnet\":\"10.5.0.0/24\"}],[{\"subnet\":\"fd05::/64\"}]]", "[[{\"subnet\":\"fd05::/64\",\"gateway\":\"fd05::9\"}]]",
            "[[{\"subnet\":\"10.5.0.0/24\",\"rangeStart\":\"10.5.0.20\",\"rangeEnd\":\"10.5.0.21\",\"gateway\":\"10.5.0.9\"},{\"subnet\":\"10.6.0.0/24\"}]]",
            "[[{\"subnet\":\"10.5.0.0/24\"}],[{\"subnet\":\"10.6.0.0/24\"}]]", "[[{\"subnet\":\"10.5.0.0/24\"}],[{\"subnet\":\"10.5.0.0/25\"}]]", "[[{\"subnet\":\"10.5.0.1/24\"}]]",
            "[[{\"subnet\":\"10.5.0.0/31\"}]]", "[[]]", "[[{\"subnet\":\"10.5.0.0/24\",\"rangeStart\":\"10.7.0.1\"}]]", "[[{\"subnet\":\"10.5.0.0/30\",\"gateway\":\"10.5.0.2\"}]]")),
        Seldom("subnet", OneOf("\"10.8.0.0/16\"", "\"fd08::/120\"")),
        Sometimes("routes", _routes),
        Seldom("resolvConf", OneOf("\"@STATE@/resolv.conf\"", "\"@STATE@/missing\"")));

    private static readonly Gen<string> _static = Object(
        Always("type", "\"static\""),
        Often("addresses", OneOf(
            "[{\"address\":\"10.5.0.7/24\",\"gateway\":\"10.5.0.1\"}]", "[{\"address\":\"10.5.0.7/24\"}]", "[{\"address\":\"10.5.0.7/24\",\"gateway\":\"10.5.0.1\"},{\"address\":\"fd05::7/64\",\"gateway\":\"fd05::1\"}]",
            "[{\"address\":\"fd05::7/64\"}]", "[{\"address\":\"10.5.0.7/24\"},{\"address\":\"10.6.0.7/24\",\"gateway\":\"10.6.0.1\"}]", "[{\"address\":\"10.5.0.7\"}]", "[]")),
        Sometimes("routes", _routes),
        Seldom("dns", OneOf("{\"nameservers\":[\"10.5.0.2\"],\"domain\":\"example.test\",\"search\":[\"a.test\"],\"options\":[\"ndots:2\"]}", "{}")));

    private static readonly Gen<string> _ipam = Gen.Frequency((6, _hostLocal), (4, _static), (1, OneOf("{}", "{\"type\":\"nowhere\"}")));
    private static readonly Gen<string> _dns = OneOf("{\"nameservers\":[\"10.5.0.3\"]}", "{}", "{\"search\":[\"b.test\"]}");
    private static readonly Gen<string> _runtime = OneOf("{\"mac\":\"02:00:00:00:00:66\"}", "{\"ips\":[\"10.5.0.66/24\"]}", "{\"mac\":\"02:00:00:00:00:66\",\"ips\":[\"10.5.0.66/24\",\"fd05::66/64\"]}", "{\"mac\":\"nonsense\"}", "{\"ips\":[\"10.9.9.9/24\"]}");
    private static readonly Gen<string> _mtu = OneOf("1400", "0", "1500", "-1", "\"1400\"");
    private static readonly Gen<string> _flag = OneOf("true", "false");
    private static readonly Gen<string> _args = OneOf("{\"cni\":{\"mac\":\"02:00:00:00:00:55\"}}", "{\"cni\":{\"ips\":[\"10.5.0.55/24\"]}}", "{\"cni\":{}}");

    private static readonly Gen<string> _bridge = Object(
        Always("type", "\"bridge\""),
        Sometimes("bridge", OneOf("\"br7\"", "\"eth1\"")),
        Often("isGateway", _flag),
        Sometimes("isDefaultGateway", _flag),
        Sometimes("ipMasq", _flag),
        Sometimes("mtu", _mtu),
        Seldom("hairpinMode", _flag),
        Seldom("promiscMode", _flag),
        Seldom("forceAddress", _flag),
        Seldom("dns", _dns),
        Seldom("args", _args),
        Seldom("runtimeConfig", _runtime),
        Mostly("ipam", _ipam));

    private static readonly Gen<string> _bridgeVlan = Object(
        Always("type", "\"bridge\""),
        Sometimes("vlan", OneOf("100", "0", "4094", "4095", "-1")),
        Sometimes("mtu", _mtu),
        Sometimes("macspoofchk", _flag),
        Seldom("hairpinMode", _flag),
        Mostly("ipam", _ipam));

    private static readonly Gen<string> _macvlan = Object(
        Always("type", "\"macvlan\""),
        Often("master", OneOf("\"eth1\"", "\"eth1\"", "\"missing\"")),
        Sometimes("mode", OneOf("\"bridge\"", "\"private\"", "\"vepa\"", "\"passthru\"", "\"loud\"")),
        Sometimes("mtu", OneOf("1400", "0", "1500", "1501", "-1")),
        Sometimes("mac", OneOf("\"02:00:00:00:00:44\"", "\"nonsense\"")),
        Seldom("runtimeConfig", _runtime),
        Seldom("dns", _dns),
        Mostly("ipam", _ipam));

    private static readonly Gen<string> _ipvlan = Object(
        Always("type", "\"ipvlan\""),
        Often("master", OneOf("\"eth1\"", "\"eth1\"", "\"missing\"")),
        Sometimes("mode", OneOf("\"l2\"", "\"l3\"", "\"l3s\"", "\"l4\"")),
        Sometimes("mtu", OneOf("1400", "0")),
        Seldom("dns", _dns),
        Mostly("ipam", _ipam));

    private static readonly Gen<string> _vlan = Object(
        Always("type", "\"vlan\""),
        Often("master", OneOf("\"eth1\"", "\"eth1\"", "\"missing\"")),
        Always("vlanId", OneOf("100", "1", "4094", "4095", "-1")),
        Sometimes("mtu", OneOf("1400", "0")),
        Seldom("dns", _dns),
        Mostly("ipam", _ipam));

    private static readonly Gen<string> _ptp = Object(
        Always("type", "\"ptp\""),
        Sometimes("ipMasq", _flag),
        Sometimes("mtu", OneOf("1400", "0")),
        Seldom("dns", _dns),
        Mostly("ipam", _ipam));

    private static readonly Gen<string> _hostDevice = Object(
        Always("type", "\"host-device\""),
        Often("device", OneOf("\"spare\"", "\"spare\"", "\"missing\"")),
        Seldom("hwaddr", OneOf("\"02:00:00:00:01:02\"", "\"02:00:00:00:01:09\"")),
        Sometimes("ipam", _ipam));

    private static readonly Gen<string> _tuning = Object(
        Always("type", "\"tuning\""),
        Always("dataDir", "\"@STATE@/tuning\""),
        Sometimes("sysctl", OneOf(
            "{\"net.ipv4.conf.eth0.arp_filter\":\"1\"}", "{\"net.ipv4.conf.IFNAME.arp_filter\":\"1\",\"net.ipv4.ip_default_ttl\":\"33\"}", "{\"net/ipv4/conf/eth0/arp_filter\":\"1\"}",
            "{\"net.no.such\":\"1\"}", "{\"kernel.hostname\":\"x\"}", "{}")),
        Sometimes("mac", OneOf("\"02:00:00:00:00:33\"", "\"nonsense\"")),
        Sometimes("mtu", OneOf("1400", "0")),
        Sometimes("promisc", _flag),
        Sometimes("allmulti", _flag),
        Seldom("args", OneOf("{\"cni\":{\"mtu\":1300}}", "{\"cni\":{\"promisc\":true}}", "{\"cni\":{\"mac\":\"02:00:00:00:00:55\"}}")),
        Seldom("runtimeConfig", OneOf("{\"mac\":\"02:00:00:00:00:66\"}")));

    private static readonly Gen<string> _portmap = Object(
        Always("type", "\"portmap\""),
        Sometimes("snat", _flag),
        Often("runtimeConfig", OneOf(
            "{\"portMappings\":[{\"hostPort\":8080,\"containerPort\":80,\"protocol\":\"tcp\"}]}", "{\"portMappings\":[{\"hostPort\":53,\"containerPort\":53,\"protocol\":\"udp\",\"hostIP\":\"192.0.2.10\"}]}",
            "{\"portMappings\":[]}", "{\"portMappings\":[{\"hostPort\":0,\"containerPort\":80,\"protocol\":\"tcp\"}]}", "{\"portMappings\":[{\"hostPort\":70000,\"containerPort\":80,\"protocol\":\"tcp\"}]}",
            "{\"portMappings\":[{\"hostPort\":80,\"containerPort\":0,\"protocol\":\"tcp\"}]}")));

    private static readonly Gen<string> _bandwidth = Object(
        Always("type", "\"bandwidth\""),
        Sometimes("ingressRate", OneOf("8000000", "0", "-1")),
        Sometimes("ingressBurst", OneOf("8000000", "0")),
        Sometimes("egressRate", OneOf("9000000", "0")),
        Sometimes("egressBurst", OneOf("9000000", "4294967296")),
        Seldom("runtimeConfig", OneOf("{\"bandwidth\":{\"ingressRate\":7000000,\"ingressBurst\":7000000}}")));

    private static readonly Gen<string> _firewall = Object(
        Always("type", "\"firewall\""),
        Always("backend", OneOf("\"iptables\"")),
        Sometimes("ingressPolicy", OneOf("\"open\"", "\"same-bridge\"", "\"none\"")));

    /// <summary>An interface for plugins that come after another.</summary>
    private static readonly Gen<string> _first = Object(
        Always("type", OneOf("\"bridge\"")),
        Always("bridge", OneOf("\"br7\"")),
        Always("isGateway", _flag),
        Always("ipam", OneOf(
            "{\"type\":\"static\",\"addresses\":[{\"address\":\"10.5.0.7/24\",\"gateway\":\"10.5.0.1\"}],\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}",
            "{\"type\":\"static\",\"addresses\":[{\"address\":\"10.5.0.7/24\",\"gateway\":\"10.5.0.1\"},{\"address\":\"fd05::7/64\",\"gateway\":\"fd05::1\"}],\"routes\":[{\"dst\":\"192.168.7.0/24\"},{\"dst\":\"::/0\"}]}",
            "{\"type\":\"static\",\"addresses\":[{\"address\":\"10.5.0.7/24\"}]}")));

    private static readonly string[] _chainVersions = ["0.3.0", "0.3.1", "0.4.0", "0.4.0", "1.0.0", "1.0.0"];
    private static readonly string[] _versions = ["0.1.0", "0.2.0", .. _chainVersions];
    private static readonly string[] _variables =
        ["", "", "", "IgnoreUnknown=1;K8S_POD_NAME=x", "IgnoreUnknown=true;MAC=02:00:00:00:00:77", "IgnoreUnknown=1;IP=10.5.0.77", "IgnoreUnknown=1;IP=10.5.0.77/24;GATEWAY=10.5.0.1", "K8S_POD_NAME=x"];

    /// <summary>Scenarios of a plugin, alone or after the one that makes its interface.</summary>
    public static Gen<Scenario> Of(string plugin) => plugin switch
    {
        "bridge" => Alone(_bridge),
        "bridge with VLAN" => Alone(_bridgeVlan),
        "macvlan" => Alone(_macvlan),
        "ipvlan" => Alone(_ipvlan),
        "vlan" => Alone(_vlan),
        "ptp" => Alone(_ptp),
        "host-device" => Alone(_hostDevice),
        "host-local" => Alone(Object(Always("type", "\"host-local\""), Often("ipam", _hostLocal), Seldom("args", _args), Seldom("runtimeConfig", _runtime))),
        "static" => Alone(Object(Always("type", "\"static\""), Often("ipam", _static), Seldom("args", _args), Seldom("runtimeConfig", _runtime))),
        "loopback" => Alone(Object(Always("type", "\"loopback\""))),
        "tuning" => Chain(_first, _tuning),
        "portmap" => Chain(_first, _portmap),
        "bandwidth" => Chain(_first, _bandwidth),
        "firewall" => Chain(_first, _firewall, ["0.4.0", "1.0.0"]),
        "sbr" => Chain(_first, Object(Always("type", "\"sbr\""))),
        "vrf" => Chain(_first, Object(Always("type", "\"vrf\""), Always("vrfname", OneOf("\"red\"", "\"red\"", "\"\"")), Sometimes("table", OneOf("1001", "0")))),
        _ => throw new ArgumentException(plugin),
    };

    private static Gen<Scenario> Alone(Gen<string> plugin) =>
        from config in plugin
        from version in Gen.Elements(_versions)
        from args in Gen.Elements(_variables)
        select new Scenario([config], version, args);

    private static Gen<Scenario> Chain(Gen<string> first, Gen<string> second, string[]? versions = null) =>
        from one in first
        from two in second
        from version in Gen.Elements(versions ?? _chainVersions)
        select new Scenario([one, two], version, "");

    private static Gen<string> OneOf(params string[] values) => Gen.Elements(values);

    private static Gen<string> Object(params Gen<string>[] members) => Gen.CollectToList(members, m => m).Select(all => $"{{{string.Join(',', all.Where(m => m.Length > 0))}}}");

    private static Gen<string> Always(string key, string value) => Gen.Constant($"\"{key}\":{value}");

    private static Gen<string> Always(string key, Gen<string> value) => Perhaps(1, 0, key, value);

    private static Gen<string> Mostly(string key, Gen<string> value) => Perhaps(9, 1, key, value);

    private static Gen<string> Often(string key, Gen<string> value) => Perhaps(4, 1, key, value);

    private static Gen<string> Sometimes(string key, Gen<string> value) => Perhaps(1, 1, key, value);

    private static Gen<string> Seldom(string key, Gen<string> value) => Perhaps(1, 5, key, value);

    private static Gen<string> Perhaps(int with, int without, string key, Gen<string> value) =>
        Gen.Frequency((with, value.Select(v => $"\"{key}\":{v}")), (without, Gen.Constant("")));
}
