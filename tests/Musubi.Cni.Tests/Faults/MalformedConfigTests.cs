using System.Text.Json.Nodes;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Faults;

/// <summary>Every key of every plugin, with values it cannot have: refused with a code and a message that names the key, before anything is done.</summary>
public sealed class MalformedConfigTests
{
    private const string Text = "text";
    private const string Flag = "flag";
    private const string Number = "number";
    private const string Size = "size";
    private const string Object = "object";
    private const string Objects = "objects";
    private const string Lists = "lists";
    private const string Texts = "texts";

    // What no key of a type can be. Sizes are numbers that cannot be negative.
    private static readonly Dictionary<string, string[]> _bad = new()
    {
        [Text] = ["7", "true", "[]", "{}"],
        [Flag] = ["\"yes\"", "1", "[]"],
        [Number] = ["\"7\"", "1.5", "99999999999999999999", "true"],
        [Size] = ["\"7\"", "-1", "1.5", "{}"],
        [Object] = ["7", "\"x\"", "[]"],
        [Objects] = ["7", "{}", "[7]"],
        [Lists] = ["7", "\"x\"", "{}", "[7]", "[[7]]"],
        [Texts] = ["7", "{}", "[7]"],
    };

    /// <summary>Plugin, path of the key, its type, and values of the right type that are wrong, separated by spaces.</summary>
    private static readonly (string Type, string Key, string Kind, string Wrong)[] _keys =
    [
        ("bridge", "name", Text, "\"\" \"a/b\" \"../x\""),
        ("bridge", "cniVersion", Text, "\"9.9.9\" \"one\""),
        ("bridge", "bridge", Text, ""),
        ("bridge", "isGateway", Flag, ""),
        ("bridge", "isDefaultGateway", Flag, ""),
        ("bridge", "forceAddress", Flag, ""),
        ("bridge", "ipMasq", Flag, ""),
        ("bridge", "ipMasqBackend", Text, "\"pf\""),
        ("bridge", "mtu", Size, ""),
        ("bridge", "hairpinMode", Flag, ""),
        ("bridge", "promiscMode", Flag, ""),
        ("bridge", "vlan", Size, "4095"),
        ("bridge", "vlanTrunk", Objects, ""),
        ("bridge", "preserveDefaultVlan", Flag, ""),
        ("bridge", "macspoofchk", Flag, ""),
        ("bridge", "enabledad", Flag, ""),
        ("bridge", "disableContainerInterface", Flag, ""),
        ("bridge", "portIsolation", Flag, ""),
        ("bridge", "dns", Object, ""),
        ("bridge", "runtimeConfig", Object, ""),
        ("bridge", "runtimeConfig.mac", Text, "\"zz\""),
        ("macvlan", "master", Text, ""),
        ("macvlan", "mode", Text, "\"sideways\""),
        ("macvlan", "mtu", Size, ""),
        ("macvlan", "linkInContainer", Flag, ""),
        ("ipvlan", "master", Text, ""),
        ("ipvlan", "mode", Text, "\"l4\""),
        ("ipvlan", "mtu", Size, ""),
        ("vlan", "master", Text, ""),
        ("vlan", "vlanId", Size, "4095"),
        ("vlan", "mtu", Size, ""),
        ("ptp", "mtu", Size, ""),
        ("ptp", "ipMasq", Flag, ""),
        ("ptp", "ipMasqBackend", Text, "\"pf\""),
        ("host-device", "device", Text, ""),
        ("host-device", "hwaddr", Text, "\"zz\""),
        ("host-device", "kernelpath", Text, ""),
        ("host-device", "pciBusID", Text, ""),
        ("tap", "mac", Text, "\"zz\""),
        ("tap", "mtu", Size, ""),
        ("tap", "multiQueue", Flag, ""),
        ("tap", "owner", Size, ""),
        ("tap", "group", Size, ""),
        ("tap", "selinuxContext", Text, ""),
        ("tap", "bridge", Text, ""),
        ("host-local", "ipam", Object, ""),
        ("host-local", "ipam.subnet", Text, "\"10.0.0.0\" \"10.0.0.0/33\" \"x\""),
        ("host-local", "ipam.rangeStart", Text, "\"10.9.0.1\" \"x\""),
        ("host-local", "ipam.rangeEnd", Text, "\"10.9.0.1\" \"x\""),
        ("host-local", "ipam.gateway", Text, "\"x\""),
        ("host-local", "ipam.ranges", Lists, ""),
        ("host-local", "ipam.routes", Objects, "[{\"dst\":\"x\"}]"),
        ("host-local", "ipam.dataDir", Text, ""),
        ("host-local", "ipam.resolvConf", Text, ""),
        ("static", "ipam.addresses", Objects, "[{\"address\":\"x\"}] [{\"address\":\"10.0.0.2\"}]"),
        ("static", "ipam.routes", Objects, "[{\"dst\":\"x\"}]"),
        ("static", "ipam.dns", Object, ""),
        ("portmap", "snat", Flag, ""),
        ("portmap", "masqAll", Flag, ""),
        ("portmap", "backend", Text, "\"pf\""),
        ("portmap", "conditionsV4", Texts, ""),
        ("portmap", "conditionsV6", Texts, ""),
        ("portmap", "runtimeConfig.portMappings", Objects, "[{\"hostPort\":70000,\"containerPort\":80}] [{\"hostPort\":80,\"containerPort\":0}] [{\"hostPort\":80,\"containerPort\":80,\"protocol\":\"carrier-pigeon\"}]"),
        ("portmap", "prevResult", Object, ""),
        ("firewall", "backend", Text, "\"pf\""),
        ("firewall", "ingressPolicy", Text, "\"maybe\""),
        ("firewall", "iptablesAdminChainName", Text, ""),
        ("firewall", "prevResult", Object, ""),
        ("tuning", "sysctl", Object, ""),
        ("tuning", "mac", Text, "\"zz\""),
        ("tuning", "mtu", Size, ""),
        ("tuning", "promisc", Flag, ""),
        ("tuning", "allmulti", Flag, ""),
        ("tuning", "txQLen", Size, ""),
        ("tuning", "dataDir", Text, ""),
        ("bandwidth", "ingressRate", Size, ""),
        ("bandwidth", "ingressBurst", Size, ""),
        ("bandwidth", "egressRate", Size, ""),
        ("bandwidth", "egressBurst", Size, ""),
        ("bandwidth", "unshapedSubnets", Texts, "[\"x\"]"),
        ("bandwidth", "runtimeConfig.bandwidth", Object, ""),
        ("vrf", "vrfname", Text, "\"\""),
        ("vrf", "table", Size, ""),
        ("sbr", "prevResult", Object, ""),
        ("dummy", "ipam", Object, ""),
    ];

    public static TheoryData<string, string, string> Cases { get; } =
        [.. _keys.SelectMany(k => _bad[k.Kind].Concat(k.Wrong.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(value => (k.Type, k.Key, value)))];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Add_ValueThatAKeyCannotHave_IsRefusedByItsName(string type, string key, string value)
    {
        using TestNamespace host = new("host");
        using TestNamespace pod = new("pod");
        using PluginBench bench = new(host.Network);

        CniException e = Assert.Throws<CniException>(() => bench.Add(type, With(type, bench.StateDirectory, key, value), netns: pod.Path));

        int[] codes = key == "cniVersion" ? [CniErrorCode.IncompatibleVersion, CniErrorCode.InvalidNetworkConfig, CniErrorCode.DecodingFailure] : [CniErrorCode.InvalidNetworkConfig, CniErrorCode.UnsupportedField];
        Assert.True(codes.Contains(e.Code) && Names(e.Message, key), $"code {e.Code}: {e.Message}");
        Assert.Equal(["lo"], host.LinkNames());
        Assert.Equal(["lo"], pod.LinkNames());
        Assert.Empty(Directory.EnumerateFiles(bench.StateDirectory, "10.*", SearchOption.AllDirectories));
    }

    /// <summary>By its last part, without regard to case, plural and what stands between words: "VLAN ID" names vlanId.</summary>
    private static bool Names(string message, string key)
    {
        string last = key[(key.LastIndexOf('.') + 1)..];
        return Plain(message).Contains(Plain(last.TrimEnd('e', 's')), StringComparison.OrdinalIgnoreCase);

        static string Plain(string text) => string.Concat(text.Where(char.IsAsciiLetterOrDigit));
    }

    private static string With(string type, string directory, string key, string value)
    {
        JsonObject config = JsonNode.Parse(
            """
            {"cniVersion":"1.1.0","name":"net","master":"lo","vlanId":7,"device":"lo","vrfname":"red","ipam":{"type":"host-local","subnet":"10.0.0.0/24","addresses":[{"address":"10.0.0.2/24"}]},
             "ingressRate":8000,"ingressBurst":8000,"egressRate":8000,"egressBurst":8000,"runtimeConfig":{"portMappings":[{"hostPort":80,"containerPort":80,"protocol":"tcp"}]},
             "prevResult":{"cniVersion":"1.1.0","interfaces":[{"name":"br0"},{"name":"eth0","sandbox":"/x"}],"ips":[{"address":"10.0.0.2/24","interface":1}]}}
            """)!.AsObject();
        config["type"] = type;
        config["dataDir"] = directory;
        config["ipam"]!["dataDir"] = directory;
        if (key is "hwaddr" or "kernelpath" or "pciBusID")
        {
            config.Remove("device");
        }

        if (key == "runtimeConfig.bandwidth")
        {
            foreach (string limit in (string[])["ingressRate", "ingressBurst", "egressRate", "egressBurst"])
            {
                config.Remove(limit);
            }
        }

        string[] path = key.Split('.');
        JsonObject parent = path.Length == 1 ? config : config[path[0]]!.AsObject();
        parent[path[^1]] = JsonNode.Parse(value);
        return config.ToJsonString();
    }
}
