using System.Diagnostics;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Bench.Cni;

/// <summary>
/// Whole plugin processes, ours and the distribution's reference, with the same configuration in turn, in a namespace that stands for
/// the host. Beside them what the kernel alone takes.
/// </summary>
internal sealed class CniBenchmark : IDisposable
{
    private const string ReferenceDirectory = "/usr/lib/cni";
    private const int Warmups = 3;
    private const int Runs = 60;
    private const int Together = 64;
    private const int Taken = 60_000;

    private readonly DirectoryInfo _work = Directory.CreateTempSubdirectory("musubi-bench-");
    private readonly string _hostPath = $"/run/netns/bench-host-{Environment.ProcessId}";
    private readonly string _pod = $"/run/netns/bench-pod-{Environment.ProcessId}";
    private readonly NetworkNamespace _host;
    private readonly NetworkNamespace _podNamespace;
    private readonly PluginExecution _execution;
    private readonly Contender _own;
    private readonly Contender _reference;
    private readonly string _executable;
    private readonly int _runs;

    public CniBenchmark(string ownExecutable, int runs = Runs)
    {
        _runs = runs;
        _executable = ownExecutable;
        string own = Path.Combine(_work.FullName, "bin");
        Directory.CreateDirectory(own);
        foreach (string plugin in (string[])["bridge", "host-local", "ipvlan", "loopback", "macvlan", "portmap", "ptp"])
        {
            File.CreateSymbolicLink(Path.Combine(own, plugin), ownExecutable);
        }

        _own = new Contender("own", own, 98, Path.Combine(_work.FullName, "own"));
        _reference = new Contender("ref", ReferenceDirectory, 99, Path.Combine(_work.FullName, "ref"));
        _host = NetworkNamespace.Create(_hostPath);

        // One for all runs: the kernel takes a removed namespace apart in the background and would be measured with what comes next.
        _podNamespace = NetworkNamespace.Create(_pod);
        _execution = new PluginExecution(_host, _work.FullName);
        using RouteSocket route = RouteSocket.Open(_host);
        route.Links.Create(new VethLink(PluginCases.Master, "bench-uplink") { AdminUp = true });
        route.Links.Change(route.Links.IndexOf("bench-uplink"), new LinkChange { AdminUp = true });
    }

    public void Run()
    {
        Report.Head("CNI plugins: whole processes, against the reference plugins of the distribution");
        Kernel kernel = KernelAlone();
        Samples start = new();
        Samples referenceStart = new();
        for (int i = 0; i < Warmups + _runs; i++)
        {
            Add(start, i, _execution.Time(_own, "bridge", "VERSION", "", _pod, "version"));
            Add(referenceStart, i, _execution.Time(_reference, "bridge", "VERSION", "", _pod, "version"));
        }

        Report.Table("case", "verb", "reference", "Musubi", "ratio", "goal", "");
        Dictionary<string, Samples> adds = Compare(PluginCases.Everywhere, kernel.Remove);
        CompareTogether();
        CompareFullPool();
        Size();

        Samples bridge = adds["bridge + host-local"];
        Console.WriteLine($"""

            Where our time goes, bridge + host-local ADD of {Report.Number(bridge.Median)}: starting and ending the process {Report.Number(start.Median)} (VERSION; the reference's:
            {Report.Number(referenceStart.Median)}), the kernel's work on links and addresses {Report.Number(kernel.Create.Median)} ({kernel.Create.Median / bridge.Median:P0}; the same requests from a running process),
            the rest {Report.Number(bridge.Median - start.Median - kernel.Create.Median)}. DEL of a link is the kernel's grace period: {kernel.Remove} for RTM_DELLINK alone.
            """);
    }

    /// <summary>What the machine's own kernel may lack. In a virtual machine without hardware support both sides are slower; the ratio is what counts.</summary>
    public void RunDistributionKernel()
    {
        Report.Head("CNI plugins under the distribution's kernel, in a virtual machine");
        Kernel kernel = KernelAlone();
        Report.Table("case", "verb", "reference", "Musubi", "ratio", "goal", "");
        Compare(PluginCases.DistributionKernel, kernel.Remove);
    }

    public void Dispose()
    {
        _podNamespace.Dispose();
        _host.Dispose();
        NetworkNamespace.Remove(_pod);
        NetworkNamespace.Remove(_hostPath);
        _work.Delete(recursive: true);
    }

    private Dictionary<string, Samples> Compare(IReadOnlyList<PluginCase> cases, Samples removal)
    {
        Dictionary<string, Samples> adds = [];
        foreach (PluginCase one in cases)
        {
            (Samples referenceAdd, Samples referenceDel, Samples ownAdd, Samples ownDel) = (new(), new(), new(), new());
            string referenceConfig = one.Config(_reference).ToJsonString();
            string ownConfig = one.Config(_own).ToJsonString();
            for (int i = 0; i < Warmups + _runs; i++)
            {
                Add(referenceAdd, i, _execution.Time(_reference, one.Type, "ADD", referenceConfig, _pod, $"bench{i}"));
                Add(referenceDel, i, _execution.Time(_reference, one.Type, "DEL", referenceConfig, _pod, $"bench{i}"));
                Add(ownAdd, i, _execution.Time(_own, one.Type, "ADD", ownConfig, _pod, $"bench{i}"));
                Add(ownDel, i, _execution.Time(_own, one.Type, "DEL", ownConfig, _pod, $"bench{i}"));
            }

            adds[one.Name] = ownAdd;
            Ratio(one.Name, "ADD", referenceAdd, ownAdd, one.AddGoal);
            if (one.DelGoal is null && one.AddGoal is not null)
            {
                double beyond = ownDel.Median - removal.Median;
                Report.Row(one.Name, "DEL", $"{referenceDel}", $"{ownDel}", Quotient(ownDel, referenceDel), $"kernel + 3 ms: {beyond:+0.0;-0.0} ms", Report.Verdict(beyond <= 3));
            }
            else
            {
                Ratio(one.Name, "DEL", referenceDel, ownDel, one.DelGoal);
            }
        }

        return adds;
    }

    private void CompareTogether()
    {
        const int Rounds = 5;
        string[] paths = [.. Enumerable.Range(0, Together).Select(i => $"{_pod}-{i}")];
        NetworkNamespace[] pods = [.. paths.Select(NetworkNamespace.Create)];
        try
        {
            (Samples reference, Samples own) = (new(), new());
            for (int i = 0; i < Rounds; i++)
            {
                foreach ((Contender who, Samples samples) in new[] { (_reference, reference), (_own, own) })
                {
                    string config = PluginCases.Bridge(who).ToJsonString();
                    samples.Add(_execution.TimeTogether(who, "bridge", "ADD", config, paths));
                    _execution.TimeTogether(who, "bridge", "DEL", config, paths);
                }
            }

            Ratio($"{Together} sandboxes at once, bridge + host-local, {Environment.ProcessorCount} cores", "ADD, total", reference, own, 0.40);
        }
        finally
        {
            foreach ((NetworkNamespace pod, string path) in pods.Zip(paths))
            {
                pod.Dispose();
                NetworkNamespace.Remove(path);
            }
        }
    }

    /// <summary>host-local against itself: an empty pool beside one with most addresses taken, in a long stretch right where the search begins.</summary>
    private void CompareFullPool()
    {
        Contender empty = _own with { DataDirectory = Path.Combine(_work.FullName, "empty") };
        Contender full = _own with { DataDirectory = Path.Combine(_work.FullName, "full") };
        string network = Directory.CreateDirectory(Path.Combine(full.DataDirectory, "bench-own")).FullName;
        for (int i = 2; i < Taken + 2; i++)
        {
            File.WriteAllText(Path.Combine(network, $"10.98.{i >> 8}.{i & 255}"), $"other{i}\r\neth0");
        }

        (Samples onEmpty, Samples onFull) = (new(), new());
        PluginCase alone = PluginCases.Everywhere.Single(c => c.Type == "host-local");
        for (int i = 0; i < Warmups + _runs; i++)
        {
            foreach ((Contender who, Samples samples) in new[] { (empty, onEmpty), (full, onFull) })
            {
                string config = alone.Config(who).ToJsonString();
                _execution.Time(who, "host-local", "ADD", config, _pod, $"before{i}");

                // The search starts behind the address given out last: here before all that are taken. In place, which is no change of the directory.
                File.WriteAllText(Path.Combine(who.DataDirectory, "bench-own", "last_reserved_ip.0"), "10.98.0.2");
                Add(samples, i, _execution.Time(who, "host-local", "ADD", config, _pod, $"bench{i}"));
                _execution.Time(who, "host-local", "DEL", config, _pod, $"bench{i}");
                _execution.Time(who, "host-local", "DEL", config, _pod, $"before{i}");
            }
        }

        double ratio = onFull.Median / onEmpty.Median;
        Report.Row($"host-local alone, {Taken} of 65534 taken / empty pool", "ADD", $"{onEmpty} (ours, empty)", $"{onFull}", Report.Number(ratio, "0.00"), "≤ 1.20", Report.Verdict(ratio <= 1.2));
    }

    private void Size()
    {
        double megabytes = new FileInfo(_executable).Length / 1e6;
        Report.Row("size of the executable", "", "", $"{Report.Number(megabytes)} MB", "", "≤ 8 MB", Report.Verdict(megabytes <= 8));
        string config = PluginCases.Bridge(_own, o => o["ipMasq"] = true).ToJsonString();
        double peak = _execution.PeakMemory(_own, "bridge", "ADD", config, _pod, "memory") / 1024.0;
        _execution.Time(_own, "bridge", "DEL", config, _pod, "memory");
        string referenceConfig = PluginCases.Bridge(_reference).ToJsonString();
        double referencePeak = _execution.PeakMemory(_reference, "bridge", "ADD", referenceConfig, _pod, "memory") / 1024.0;
        _execution.Time(_reference, "bridge", "DEL", referenceConfig, _pod, "memory");
        Report.Row("peak resident memory, bridge + host-local, ipMasq (the reference: without)", "ADD", $"{Report.Number(referencePeak)} MiB", $"{Report.Number(peak)} MiB", "", "≤ 12 MiB", Report.Verdict(peak <= 12));
    }

    private static void Add(Samples samples, int round, TimeSpan elapsed)
    {
        if (round >= Warmups)
        {
            samples.Add(elapsed);
        }
    }

    private static void Ratio(string name, string verb, Samples reference, Samples own, double? goal) => Report.Row(
        name, verb, $"{reference}", $"{own}", Quotient(own, reference), goal is null ? "" : $"≤ {Report.Number(goal.Value, "0.00")}", goal is null ? "" : Report.Verdict(own.Median / reference.Median <= goal));

    private static string Quotient(Samples own, Samples reference) => Report.Number(own.Median / reference.Median, "0.00");

    private sealed record Kernel(Samples Create, Samples Remove);

    /// <summary>The kernel's part of a bridge attachment, by the same requests from this running process: the cable made and plugged, addressed, up; then removed.</summary>
    private Kernel KernelAlone()
    {
        (Samples create, Samples remove) = (new(), new());
        using RouteSocket route = RouteSocket.Open(_host);
        using RouteSocket inside = RouteSocket.Open(_podNamespace);
        LinkIndex bridge = route.Links.Create(new BridgeLink("bench-kernel") { AdminUp = true });
        for (int i = 0; i < Warmups + _runs; i++)
        {
            long began = Stopwatch.GetTimestamp();
            LinkIndex end = inside.Links.Create(new VethLink("eth0", "bench-veth") { PeerNamespace = _host });
            LinkIndex port = route.Links.IndexOf("bench-veth");
            route.Links.Change(port, new LinkChange { Master = bridge, AdminUp = true });
            inside.Addresses.Add(end, new Musubi.Linux.Addresses.InterfaceAddress(Musubi.Linux.Addresses.Cidr.Parse("10.97.0.2/16")));
            inside.Links.Change(end, new LinkChange { AdminUp = true });
            Add(create, i, Stopwatch.GetElapsedTime(began));
            began = Stopwatch.GetTimestamp();
            inside.Links.Delete(end);
            Add(remove, i, Stopwatch.GetElapsedTime(began));
        }

        route.Links.Delete(bridge);
        return new Kernel(create, remove);
    }
}
