using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Processes;

namespace Musubi.Bench;

/// <summary>
/// Whole plugin processes, ours and the distribution's reference, with the same configuration in turn, in a namespace that stands for
/// the host. Beside them what the kernel alone takes to remove such a link.
/// </summary>
internal sealed class CniBenchmark(string ownExecutable)
{
    private const string Reference = "/usr/lib/cni";
    private const int Warmups = 3;
    private const int Runs = 40;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    public void Run()
    {
        DirectoryInfo work = Directory.CreateTempSubdirectory("musubi-bench-");
        string host = $"/run/netns/bench-host-{Environment.ProcessId}";
        string pod = $"/run/netns/bench-pod-{Environment.ProcessId}";
        using NetworkNamespace hostNamespace = NetworkNamespace.Create(host);

        // One for all runs: the kernel takes a removed namespace apart in the background and would be measured with what comes next.
        using NetworkNamespace podNamespace = NetworkNamespace.Create(pod);
        try
        {
            string own = Path.Combine(work.FullName, "bin");
            Directory.CreateDirectory(own);
            foreach (string plugin in (string[])["bridge", "host-local"])
            {
                File.CreateSymbolicLink(Path.Combine(own, plugin), ownExecutable);
            }

            Report.Head("CNI plugins: whole processes, against the reference plugins of the distribution");
            Samples removal = KernelRemoval(hostNamespace, podNamespace);
            Console.WriteLine($"The kernel's own removal of a bridged veth pair (RTM_DELLINK in a running process): {removal}.\n");
            Report.Table("case", "verb", "reference", "Musubi", "ratio", "goal", "");
            Compare(hostNamespace, pod, own, work.FullName, "bridge + host-local", masquerade: false, removal);
            Compare(hostNamespace, pod, own, work.FullName, "the same with ipMasq", masquerade: true, removal);
        }
        finally
        {
            NetworkNamespace.Remove(pod);
            NetworkNamespace.Remove(host);
            work.Delete(recursive: true);
        }
    }

    private static void Compare(NetworkNamespace host, string pod, string own, string work, string name, bool masquerade, Samples removal)
    {
        (Samples referenceAdd, Samples referenceDel, Samples ownAdd, Samples ownDel) = (new(), new(), new(), new());
        for (int i = 0; i < Warmups + Runs; i++)
        {
            (TimeSpan add, TimeSpan del) = Attach(host, pod, Reference, Config(work, "reference", masquerade), i);
            (TimeSpan addOwn, TimeSpan delOwn) = Attach(host, pod, own, Config(work, "own", masquerade), i);
            if (i >= Warmups)
            {
                referenceAdd.Add(add);
                referenceDel.Add(del);
                ownAdd.Add(addOwn);
                ownDel.Add(delOwn);
            }
        }

        Ratio(name, "ADD", referenceAdd, ownAdd, masquerade ? 0.25 : 0.45);
        if (masquerade)
        {
            Ratio(name, "DEL", referenceDel, ownDel, 0.35);
        }
        else
        {
            double beyond = ownDel.Median - removal.Median;
            Report.Row(name, "DEL", $"{referenceDel}", $"{ownDel}", Report.Number(ownDel.Median / referenceDel.Median, "0.00"), $"kernel + 3 ms: + {Report.Number(beyond)} ms", Report.Verdict(beyond <= 3));
        }
    }

    private static void Ratio(string name, string verb, Samples reference, Samples own, double goal)
    {
        double ratio = own.Median / reference.Median;
        Report.Row(name, verb, $"{reference}", $"{own}", Report.Number(ratio, "0.00"), $"≤ {Report.Number(goal, "0.00")}", Report.Verdict(ratio <= goal));
    }

    private static Samples KernelRemoval(NetworkNamespace host, NetworkNamespace pod)
    {
        Samples samples = new();
        using RouteSocket route = RouteSocket.Open(host);
        LinkIndex bridge = route.Links.Create(new BridgeLink("bench-kernel"));
        for (int i = 0; i < Warmups + Runs; i++)
        {
            using RouteSocket inside = RouteSocket.Open(pod);
            LinkIndex end = inside.Links.Create(new VethLink("eth0", "bench-veth") { PeerNamespace = host });
            route.Links.Change(route.Links.IndexOf("bench-veth"), new LinkChange { Master = bridge, AdminUp = true });
            inside.Links.Change(end, new LinkChange { AdminUp = true });
            long start = Stopwatch.GetTimestamp();
            inside.Links.Delete(end);
            if (i >= Warmups)
            {
                samples.Add(Stopwatch.GetElapsedTime(start));
            }
        }

        route.Links.Delete(bridge);
        return samples;
    }

    private static (TimeSpan Add, TimeSpan Del) Attach(NetworkNamespace host, string pod, string plugins, string config, int round)
    {
        TimeSpan add = Execute(host, pod, plugins, "ADD", config, round);
        return (add, Execute(host, pod, plugins, "DEL", config, round));
    }

    /// <summary>From spawning to the end, by posix_spawn(3): a fork of this large process would cost as much as a plugin.</summary>
    private static TimeSpan Execute(NetworkNamespace host, string pod, string plugins, string command, string config, int round)
    {
        string input = Path.Combine(Path.GetTempPath(), $"musubi-bench-{Environment.ProcessId}.json");
        string output = $"{input}.out";
        File.WriteAllText(input, config);
        using SafeFileHandle standardInput = File.OpenHandle(input);
        using SafeFileHandle standardOutput = File.OpenHandle(output, FileMode.Create, FileAccess.Write);
        ChildCommand call = new([Path.Combine(plugins, "bridge")])
        {
            Environment =
            [
                $"CNI_COMMAND={command}", $"CNI_CONTAINERID=bench{round}", $"CNI_NETNS={pod}", "CNI_IFNAME=eth0", $"CNI_PATH={plugins}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            ],
            StandardInput = standardInput,
            StandardOutput = standardOutput,
            StandardError = standardOutput,
        };
        try
        {
            // Programs are started by a thread that is made at the first start, here, and so belongs to the namespace that stands for the host.
            return host.Run(() =>
            {
                long began = Stopwatch.GetTimestamp();
                using ChildProcess process = ChildProcess.Start(call);
                ExitStatus ended = process.WaitForExitAsync(_limit).GetAwaiter().GetResult() ?? throw new TimeoutException($"{plugins}/bridge {command}");
                TimeSpan elapsed = Stopwatch.GetElapsedTime(began);
                return ended.IsSuccess ? elapsed : throw new InvalidOperationException($"{plugins}/bridge {command}: {File.ReadAllText(output)}");
            });
        }
        finally
        {
            File.Delete(input);
            File.Delete(output);
        }
    }

    private static string Config(string work, string who, bool masquerade) => new JsonObject
    {
        ["cniVersion"] = "1.0.0",
        ["name"] = $"bench-{who}",
        ["type"] = "bridge",
        ["bridge"] = who == "own" ? "bench-own" : "bench-ref",
        ["isGateway"] = true,
        ["ipMasq"] = masquerade,
        ["ipam"] = new JsonObject
        {
            ["type"] = "host-local",
            ["dataDir"] = Path.Combine(work, who),
            ["ranges"] = new JsonArray(new JsonArray(new JsonObject { ["subnet"] = who == "own" ? "10.98.0.0/16" : "10.99.0.0/16" })),
        },
    }.ToJsonString();
}
