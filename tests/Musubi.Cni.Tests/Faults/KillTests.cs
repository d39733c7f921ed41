using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Faults;

/// <summary>A plugin that is killed anywhere leaves nothing that a following DEL or GC does not remove. Needs strace.</summary>
public sealed class KillTests
{
    private const string Master = "ip link add eth1 type veth peer name eth2; ip link set eth1 up; ip link set eth2 up";

    /// <summary>Most of the time is the kernel's, in which it waits for what it removes.</summary>
    private static readonly ParallelOptions _several = new() { MaxDegreeOfParallelism = 8 };

    private static readonly Dictionary<string, KillCase> _cases = new KillCase[]
    {
        new("bridge", $""" "bridge":"br0","isDefaultGateway":true,"ipMasq":true,"hairpinMode":true,{KillCase.Addresses} """),
        new("macvlan", $""" "master":"eth1",{KillCase.Address} """) { OnHost = Master },
        new("ptp", $""" "ipMasq":true,{KillCase.Addresses} """),
        new("host-local", KillCase.Addresses),
        new("tap", KillCase.Address),
        KillCase.Chained("portmap", """ "snat":true,"runtimeConfig":{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp"},{"hostPort":53,"containerPort":53,"protocol":"udp"}]} """),
        KillCase.Chained("firewall", """ "ingressPolicy":"same-bridge" """),
        KillCase.Chained("tuning", """ "dataDir":"DIR/tuning","mac":"02:00:00:00:77:05","mtu":1400,"promisc":true,"allmulti":true,"txQLen":77,"sysctl":{"net.ipv4.conf.IFNAME.rp_filter":"2"} """),
        KillCase.Chained("bandwidth", """ "ingressRate":8000000,"ingressBurst":8000000,"egressRate":9000000,"egressBurst":9000000 """),
        KillCase.Chained("sbr", """ "keys":"none" """),
        new("ipvlan", $""" "master":"eth1",{KillCase.Fixed} """) { OnHost = Master },
        new("cnv-bridge", $""" "bridge":"br0","isDefaultGateway":true,"vlan":7,"macspoofchk":true,{KillCase.Fixed} """),
        KillCase.Chained("vrf", """ "vrfname":"red" """),
    }.ToDictionary(c => c.Type);

    [Theory]
    [InlineData("bridge")]
    [InlineData("macvlan")]
    [InlineData("ptp")]
    [InlineData("host-local")]
    [InlineData("tap")]
    [InlineData("portmap")]
    [InlineData("firewall")]
    [InlineData("tuning")]
    [InlineData("bandwidth")]
    [InlineData("sbr")]
    public void Add_KilledAnywhere_IsCleanedUpByDelAndByGc(string type) => KillAdd(type);

    [Theory]
    [InlineData("bridge")]
    [InlineData("macvlan")]
    [InlineData("ptp")]
    [InlineData("host-local")]
    [InlineData("tap")]
    [InlineData("portmap")]
    [InlineData("firewall")]
    [InlineData("tuning")]
    [InlineData("bandwidth")]
    [InlineData("sbr")]
    public void Del_KilledAnywhere_IsCompletedByTheNext(string type) => KillDel(type);

    [Theory]
    [NeedsKernel("ipvlan", "vrf", "bridge vlan_filtering", "nft_meta_bridge")]
    [InlineData("ipvlan")]
    [InlineData("cnv-bridge")]
    [InlineData("vrf")]
    public void Add_KilledAnywhereOnTheDistributionsKernel_IsCleanedUp(string type)
    {
        KillCase @case = _cases[type];
        using PluginLinks plugins = new();
        (IReadOnlyList<KillPoint> points, _, Clean clean) = Rehearse(@case, plugins);

        // The guest is slow: only between changes of the network, by DEL and by GC in turn.
        KillPoint[] changes = [.. points.Where(p => p.Call == "sendto")];
        Assert.NotEmpty(changes);
        for (int i = 0; i < changes.Length; i++)
        {
            if (i % 2 == 0)
            {
                KillAddThenDel(@case, plugins, clean, changes[i]);
            }
            else
            {
                KillAddThenGc(@case, plugins, clean, changes[i]);
            }
        }
    }

    private static void KillAdd(string type)
    {
        KillCase @case = _cases[type];
        using PluginLinks plugins = new();
        (IReadOnlyList<KillPoint> points, _, Clean clean) = Rehearse(@case, plugins);
        Assert.NotEmpty(points);
        Parallel.ForEach(points, _several, point =>
        {
            KillAddThenDel(@case, plugins, clean, point);
            KillAddThenGc(@case, plugins, clean, point);
        });
    }

    private static void KillAddThenDel(KillCase @case, PluginLinks plugins, Clean clean, KillPoint point)
    {
        using KillBench bench = new(@case, plugins);
        bench.MakePod("c1");
        bench.Kill("ADD", "c1", point);
        bench.Run("DEL", "c1").Succeeds();
        clean.Require(bench, "c1", $"{@case}: ADD killed before {point}, then DEL");
        AttachAnother(bench, clean, $"{@case}: after ADD killed before {point} and DEL");
    }

    private static void KillAddThenGc(KillCase @case, PluginLinks plugins, Clean clean, KillPoint point)
    {
        using KillBench bench = new(@case, plugins);
        bench.MakePod("c1");
        bench.Kill("ADD", "c1", point);
        bench.RemovePod("c1");
        bench.CollectAll().Succeeds();
        clean.Require(bench, pod: null, $"{@case}: ADD killed before {point}, then GC");
        AttachAnother(bench, clean, $"{@case}: after ADD killed before {point} and GC");
    }

    private static void KillDel(string type)
    {
        KillCase @case = _cases[type];
        using PluginLinks plugins = new();
        (_, IReadOnlyList<KillPoint> points, Clean clean) = Rehearse(@case, plugins);
        Parallel.ForEach(points, _several, point =>
        {
            using KillBench bench = new(@case, plugins);
            bench.MakePod("c1");
            bench.Run("ADD", "c1").Succeeds();
            bench.Kill("DEL", "c1", point);
            bench.Run("DEL", "c1").Succeeds();
            clean.Require(bench, "c1", $"{type}: DEL killed before {point}, then DEL");
            AttachAnother(bench, clean, $"{type}: after DEL killed before {point} and DEL");
        });
    }

    /// <summary>A whole life of a container: where it can be killed, and what remains of it when nothing goes wrong.</summary>
    private static (IReadOnlyList<KillPoint> Add, IReadOnlyList<KillPoint> Del, Clean Clean) Rehearse(KillCase @case, PluginLinks plugins)
    {
        using KillBench bench = new(@case, plugins);
        bench.MakePod("c1");
        IReadOnlyList<string> podBefore = bench.PodState("c1");
        IReadOnlyList<KillPoint> add = bench.Record("ADD", "c1");
        IReadOnlyList<KillPoint> del = bench.Record("DEL", "c1");
        IReadOnlyList<string> podAfter = bench.PodState("c1");
        bench.RemovePod("c1");
        Eventually.True(() => !bench.HostState().Any(l => l.Contains("c1", StringComparison.Ordinal)), () => string.Join('\n', bench.HostState()));
        return (add, del, new Clean(bench.HostState(), [.. podBefore, .. podAfter]));
    }

    /// <summary>Whatever is half there does not keep another container from being attached, and is whole afterwards.</summary>
    private static void AttachAnother(KillBench bench, Clean clean, string when)
    {
        bench.RemovePod("c1");
        bench.MakePod("c2");
        PluginAnswer answer = bench.Run("ADD", "c2");
        Assert.True(answer.ExitCode == 0, $"{when}: {answer}");
        bench.Run("DEL", "c2").Succeeds();
        bench.RemovePod("c2");
        clean.RequireSame(bench, when);
    }

    /// <summary>What remains for good: bridges, their addresses, and chains that all containers share.</summary>
    private sealed record Clean(IReadOnlyList<string> Host, IReadOnlyList<string> Pod)
    {
        public void Require(KillBench bench, string? pod, string when)
        {
            Eventually.True(() => Left().Count == 0, () => $"{when}, this is left:\n{string.Join('\n', Left())}");

            List<string> Left() =>
            [
                .. bench.HostState().Where(l => !Host.Contains(l) && !l.StartsWith("sysctl ", StringComparison.Ordinal) && !(pod is not null && l.Contains($" h{pod}", StringComparison.Ordinal))),
                .. pod is null ? [] : bench.PodState(pod).Where(l => !Pod.Contains(l)),
            ];
        }

        /// <summary>A namespace's cables go a moment after it.</summary>
        public void RequireSame(KillBench bench, string when) =>
            Eventually.True(() => bench.HostState().SequenceEqual(Host), () => $"{when}, this is there:\n{string.Join('\n', bench.HostState())}\ninstead of:\n{string.Join('\n', Host)}");
    }
}
