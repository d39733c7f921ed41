using System.Globalization;
using System.Text.RegularExpressions;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Faults;

/// <summary>What is attached in the tests that kill plugins.</summary>
/// <param name="Type">The plugin.</param>
/// <param name="Keys">Its keys; DIR is a directory of the test's own, NETNS the container's namespace, ID its id.</param>
internal sealed record KillCase(string Type, string Keys)
{
    /// <summary>The addresses that most cases ask for: exactly one of each family, so that one that stays taken is missed at once.</summary>
    public const string Addresses =
        """
        "ipam":{"type":"host-local","dataDir":"DIR/networks","ranges":[[{"subnet":"10.77.0.0/24","rangeStart":"10.77.0.5","rangeEnd":"10.77.0.5"}],[{"subnet":"fd77::/64","rangeStart":"fd77::5","rangeEnd":"fd77::5"}]],"routes":[{"dst":"0.0.0.0/0"}]}
        """;

    /// <summary>The same without IPv6, for those that do nothing else about it.</summary>
    public const string Address = """ "ipam":{"type":"host-local","dataDir":"DIR/networks","subnet":"10.77.0.0/24","rangeStart":"10.77.0.5","rangeEnd":"10.77.0.5"} """;

    /// <summary>An address that nobody keeps books of, which leaves fewer places to be killed at: for the slow guest.</summary>
    public const string Fixed = """ "ipam":{"type":"static","addresses":[{"address":"10.77.0.5/24","gateway":"10.77.0.1"}]} """;

    /// <summary>The result of a plugin before, for those that are called in a chain.</summary>
    public const string Previous =
        """
        "prevResult":{"cniVersion":"1.1.0","interfaces":[{"name":"br7"},{"name":"hID"},{"name":"eth0","sandbox":"NETNS"}],"ips":[{"address":"10.77.0.5/24","gateway":"10.77.0.1","interface":2},{"address":"fd77::5/64","gateway":"fd77::1","interface":2}]}
        """;

    /// <summary>Commands that make what the plugin needs on the host; <c>;</c> separates them.</summary>
    public string OnHost { get; init; } = "";

    /// <summary>Commands, run on the host, that make what it needs of a container.</summary>
    public string ForPod { get; init; } = "";

    /// <summary>A cable from a bridge to the container, as the bridge plugin would have made.</summary>
    public static KillCase Chained(string type, string keys) => new(type, $"{keys},{Previous}")
    {
        OnHost = "ip link add br7 type bridge; ip addr add 10.77.0.1/24 dev br7; ip -6 addr add fd77::1/64 dev br7 nodad; ip link set br7 up",
        ForPod = "ip link add hID master br7 type veth peer name eth0 address 02:00:00:00:00:05 netns POD; ip link set hID up; ip -n POD addr add 10.77.0.5/24 dev eth0; "
            + "ip -n POD addr add fd77::5/64 dev eth0 nodad; ip -n POD link set eth0 up; ip -n POD route add default via 10.77.0.1",
    };

    public override string ToString() => Type;
}

/// <summary>A host of its own for one kill: plugins run on it as processes, and all that can stay behind is compared as lines of text.</summary>
internal sealed partial class KillBench : IDisposable
{
    // Calls that change something; openat creates files, and write changes sysctls and tells the result.
    private const string Calls = "sendto,sendmsg,openat,pwrite64,write,ftruncate,utimensat,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,link,linkat,ioctl";

    private const string HostWitness =
        """
        ip -br link | sed 's/@.*//; s/ .*//' | awk '{ print "link", /^veth/ ? "veth " ++cables : $0 }' | sort
        ip -o addr | grep -v 'scope link' | sed 's/^[0-9]*: //; s/ *\\.*//; s/ \(tentative\|dadfailed\)//g; s/^/addr /'
        ip route show table all | grep -Ev 'fe80|ff00|multicast|anycast' | sed 's/ linkdown//; s/^/route /'
        ip -6 route show table all | grep -Ev 'fe80|ff00|multicast|anycast' | sed 's/ linkdown//; s/^/route6 /'
        ip rule | sed 's/^/rule /'; ip -6 rule | sed 's/^/rule6 /'
        nft list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*/counter/'
        for i in br0 br0.7 br7; do test -e /proc/sys/net/ipv6/conf/$i && echo sysctl $i $(cat /proc/sys/net/ipv6/conf/$i/accept_ra); done; true
        """;

    private const string PodWitness =
        """
        ip -o link | sed 's/^[0-9]*: /link /; s/ state [A-Z]*//; s/NO-CARRIER,//; s/,LOWER_UP\|LOWER_UP//; s/,M-DOWN//'
        ip rule | sed 's/^/rule /'; ip -6 rule | sed 's/^/rule6 /'
        ip -o link show type vrf | sed 's/^/vrf /'
        """;

    private readonly KillCase _case;
    private readonly PluginLinks _plugins;
    private readonly TemporaryDirectory _state = new();
    private readonly Dictionary<string, TestNamespace> _pods = [];

    public KillBench(KillCase @case, PluginLinks plugins)
    {
        _case = @case;
        _plugins = plugins;
        Host = new TestNamespace("host");
        Shell(@case.OnHost);
    }

    public TestNamespace Host { get; }

    /// <summary>Makes a container as the plugin expects one.</summary>
    public void MakePod(string id)
    {
        _pods[id] = new TestNamespace("pod");
        Shell(Fill(_case.ForPod, id));
    }

    /// <summary>Ends a container as a runtime does.</summary>
    public void RemovePod(string id)
    {
        if (_pods.Remove(id, out TestNamespace? pod))
        {
            pod.Dispose();
        }
    }

    public PluginAnswer Run(string command, string id, string[]? through = null) =>
        _plugins.Run(Host.Network, command, _case.Type, Config(id), id, _pods.TryGetValue(id, out TestNamespace? pod) ? pod.Path : "", through);

    /// <summary>GC of a network without any container.</summary>
    public PluginAnswer CollectAll() =>
        _plugins.Run(Host.Network, "GC", _case.Type, $$"""{"cni.dev/valid-attachments":[],{{Config("none")[1..]}}""", "", "");

    /// <summary>Runs a command and tells before which of its system calls something may have changed.</summary>
    public IReadOnlyList<KillPoint> Record(string command, string id)
    {
        string trace = _state.File("trace");
        Run(command, id, ["/usr/bin/strace", "-f", "-qq", "--seccomp-bpf", "-o", trace, "-e", $"trace={Calls}"]).Succeeds();
        List<KillPoint> points = [];
        Dictionary<string, int> count = [];
        foreach (string line in File.ReadLines(trace))
        {
            if (CallPattern().Match(line) is not { Success: true } call)
            {
                continue;
            }

            string name = call.Groups["name"].Value;
            int number = count[name] = count.GetValueOrDefault(name) + 1;
            bool reads = name switch
            {
                "openat" => !line.Contains("O_CREAT", StringComparison.Ordinal),
                "ioctl" => !line.Contains("TUNSET", StringComparison.Ordinal),
                "sendto" or "sendmsg" => TypePattern().Match(line) is { Success: true } message && IsRead(message.Groups["type"].Value),
                _ => false,
            };
            if (!reads)
            {
                points.Add(new KillPoint(name, number, line));
            }
        }

        File.Delete(trace);
        return points;
    }

    /// <summary>Runs a command that is killed when it is about to make a system call.</summary>
    public void Kill(string command, string id, KillPoint point)
    {
        PluginAnswer answer = Run(command, id, ["/usr/bin/strace", "-f", "-qq", "-o", "/dev/null", "-e", $"trace={point.Call}", "-e", $"inject={point.Call}:signal=SIGKILL:when={point.Number}"]);
        Assert.True(answer.ExitCode == PluginAnswer.Killed, $"{_case.Type} {command} was not killed at {point}: {answer}");
    }

    /// <summary>All that a plugin can leave on the host's side, a line each.</summary>
    public IReadOnlyList<string> HostState()
    {
        IEnumerable<string> files = Directory.EnumerateFiles(_state.Path, "*", SearchOption.AllDirectories)
            .Where(f => Path.GetFileName(f) is not ("lock" or ".index") && !Path.GetFileName(f).StartsWith("last_reserved_ip", StringComparison.Ordinal))
            .Select(f => "file " + Path.GetRelativePath(_state.Path, f));
        return [.. Lines(Host, HostWitness), .. files.Order(StringComparer.Ordinal)];
    }

    public IReadOnlyList<string> PodState(string id) => [.. Lines(_pods[id], PodWitness).Select(l => l.Replace(Host.Name, "HOST", StringComparison.Ordinal))];

    public void Dispose()
    {
        foreach (TestNamespace pod in _pods.Values)
        {
            pod.Dispose();
        }

        Host.Dispose();
        _state.Dispose();
    }

    private static string[] Lines(TestNamespace where, string script) =>
        Witness.Run("nsenter", $"--net={where.Path}", "sh", "-c", script).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private void Shell(string script)
    {
        if (script.Length > 0)
        {
            Witness.Run("nsenter", $"--net={Host.Path}", "sh", "-ec", script);
        }
    }

    /// <summary>Whether a netlink message only asks: RTM_GET… and NFT_MSG_GET…, of which strace knows the names unless the kernel keeps the socket's kind from it.</summary>
    private static bool IsRead(string type)
    {
        if (!type.StartsWith("0x", StringComparison.Ordinal))
        {
            return type.Contains("_GET", StringComparison.Ordinal);
        }

        int number = int.Parse(type[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return number >> 8 == 0xa ? (number & 0xff) % 3 == 1 : number is >= 0x10 and < 0x100 && number % 4 == 2;
    }

    private string Config(string id) => Fill($$"""{"cniVersion":"1.1.0","name":"net","type":"{{_case.Type}}",{{_case.Keys}}}""", id);

    private string Fill(string text, string id) => text
        .Replace("DIR", _state.Path, StringComparison.Ordinal)
        .Replace("NETNS", _pods.TryGetValue(id, out TestNamespace? pod) ? pod.Path : "/none", StringComparison.Ordinal)
        .Replace("POD", pod?.Name, StringComparison.Ordinal)
        .Replace("ID", id, StringComparison.Ordinal);

    [GeneratedRegex(@"^\d+\s+(?<name>[a-z0-9]+)\(", RegexOptions.CultureInvariant)]
    private static partial Regex CallPattern();

    [GeneratedRegex("nlmsg_type=(?<type>[0-9A-Za-z_<|]+)", RegexOptions.CultureInvariant)]
    private static partial Regex TypePattern();
}

/// <summary>Where a command is killed: before the call of this number among those of its name.</summary>
internal sealed record KillPoint(string Call, int Number, string Line)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Call} {Number}: {(Line.Length <= 160 ? Line : Line[..160])}");
}
