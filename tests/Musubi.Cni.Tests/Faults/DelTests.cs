using Musubi.Cni.Execution;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Faults;

/// <summary>DEL succeeds whatever is gone already, for every plugin there is.</summary>
public sealed class DelTests
{
    private const string Result =
        """{"cniVersion":"1.1.0","interfaces":[{"name":"br0"},{"name":"eth0","sandbox":"/run/netns/none"}],"ips":[{"address":"10.0.0.2/24","gateway":"10.0.0.1","interface":1}]}""";

    // Keys that DEL needs are right; all others of all plugins have become nonsense.
    private const string Broken =
        """
        "bridge":7,"isGateway":"x","isDefaultGateway":[],"ipMasq":"yes","mtu":{},"hairpinMode":1,"vlan":"x","vlanTrunk":5,"macspoofchk":3,"enabledad":"x","disableContainerInterface":1,
        "portIsolation":"x","master":[],"mode":9,"vlanId":"x","linkInContainer":"x","bcqueuelen":"x","vrfname":[],"table":"x","ingressRate":"x","egressRate":-1,"ingressBurst":[],"unshapedSubnets":7,
        "backend":7,"iptablesAdminChainName":[],"ingressPolicy":5,"snat":"x","masqAll":7,"conditionsV4":{},"markMasqBit":"x","sysctl":[],"mac":5,"promisc":"x","txQLen":"x","multiQueue":7,"owner":"x","group":[],
        "dns":7,"args":{"cni":"x"},"runtimeConfig":{"portMappings":"x","bandwidth":7,"mac":7,"ips":"x"},"device":"no-such-device"
        """;

    public static TheoryData<string> Types { get; } = [.. PluginCatalog.Names];

    [Theory]
    [MemberData(nameof(Types))]
    public void Del_NothingThere_SucceedsAsOftenAsAsked(string type)
    {
        using Bench bench = new(type);

        bench.Del(bench.Good);
        bench.Del(bench.Good);
        bench.Del(bench.Good, bench.Pod.Path, ifName: "other0");
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Del_NamespaceGone_Succeeds(string type)
    {
        using Bench bench = new(type);
        using TemporaryDirectory directory = new();

        bench.Del(bench.Good, netns: "");
        bench.Del(bench.Good, netns: "/run/netns/mct-never-was");

        // A reboot leaves the files on which namespaces were mounted.
        bench.Del(bench.Good, netns: directory.Write("unmounted", ""));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Del_WithoutPreviousResult_Succeeds(string type)
    {
        using Bench bench = new(type);

        bench.Del(bench.Good.Replace("prevResult", "unknown", StringComparison.Ordinal));
        bench.Del(bench.Good.Replace($"\"prevResult\":{Result}", "\"prevResult\":null", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Del_ConfigurationBrokenMeanwhile_Succeeds(string type)
    {
        using Bench bench = new(type);
        string broken = bench.Good.Replace("\"type\"", $"{Broken.ReplaceLineEndings("")},\"type\"", StringComparison.Ordinal);

        bench.Del(broken);
        bench.Del(broken, netns: "");
        bench.Del(broken.Replace(Result, "\"nonsense\"", StringComparison.Ordinal));
        bench.Del(broken.Replace(Result, """{"cniVersion":"1.1.0","ips":[{"address":"nonsense"}],"interfaces":7}""", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Del_AddressRangesBrokenMeanwhile_Succeeds(string type)
    {
        using Bench bench = new(type);

        bench.Del(bench.Good.Replace("\"subnet\":\"10.0.0.0/24\"", "\"subnet\":5,\"ranges\":\"x\",\"routes\":7,\"addresses\":9,\"resolvConf\":[]", StringComparison.Ordinal));
    }

    /// <summary>A host and a container in which nothing was ever attached.</summary>
    private sealed class Bench : IDisposable
    {
        private readonly string _type;
        private readonly TestNamespace _host = new("host");
        private readonly PluginBench _bench;

        public Bench(string type)
        {
            _type = type;
            _bench = new PluginBench(_host.Network);
            string ipam = type is "static" or "dhcp" ? type : "host-local";
            Good = $$"""{"cniVersion":"1.1.0","name":"net","type":"{{type}}","ipam":{"type":"{{ipam}}","daemonSocketPath":"{{_bench.StateDirectory}}/no.sock","dataDir":"{{_bench.StateDirectory}}/none","subnet":"10.0.0.0/24"},"dataDir":"{{_bench.StateDirectory}}/none","prevResult":{{Result}}}""";
        }

        public TestNamespace Pod { get; } = new("pod");

        public string Good { get; }

        public void Del(string config, string? netns = null, string ifName = "eth0") => _bench.Del(_type, config, "c1", netns ?? Pod.Path, ifName);

        public void Dispose()
        {
            _bench.Dispose();
            Pod.Dispose();
            _host.Dispose();
        }
    }
}
