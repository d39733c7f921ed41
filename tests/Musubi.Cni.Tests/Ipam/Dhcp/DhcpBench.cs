using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Ipam.Dhcp;

/// <summary>A host with a bridge on which somebody else's DHCP server answers, and our daemon as a process of its own.</summary>
internal sealed class DhcpBench : IDisposable
{
    private readonly List<IDisposable> _things = [];
    private readonly TemporaryDirectory _directory = new();
    private readonly PluginBench _plugins;

    public DhcpBench()
    {
        Host = new TestNamespace("dhcp");
        Host.Run("ip link set lo up");
        Host.Run("ip link add br0 type bridge");
        Host.Run("ip addr add 192.168.1.1/24 dev br0");
        Host.Run("ip link set br0 up");
        _plugins = new PluginBench(Host.Network);
        MusubiCni.Link(_directory.Path, "dhcp");
    }

    public TestNamespace Host { get; }

    public string Socket => _directory.File("run/dhcp.sock");

    public string PidFile => _directory.File("dhcp.pid");

    public string StateDirectory => _directory.File("run/dhcp.leases");

    public string Log => _plugins.Log.ToString();

    public string File(string name) => _directory.File(name);

    public BackgroundProcess StartDaemon(params string[] flags)
    {
        BackgroundProcess daemon = Keep(new BackgroundProcess(_directory.File("dhcp"), ["daemon", "-socketpath", Socket, "--pidfile", PidFile, .. flags]));
        daemon.WaitForLine("listening at");
        return daemon;
    }

    /// <summary>dnsmasq with the addresses from 192.168.1.5 on.</summary>
    public BackgroundProcess StartDnsmasq(int addresses = 100, params string[] options)
    {
        BackgroundProcess server = Keep(new BackgroundProcess("ip",
        [
            "netns", "exec", Host.Name, "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=br0", "--bind-interfaces", "--except-interface=lo",
            $"--dhcp-range=192.168.1.5,192.168.1.{4 + addresses},255.255.255.0,2m", $"--dhcp-leasefile={_directory.File("dnsmasq.leases")}", "--pid-file=",
            "--user=root", "--dhcp-authoritative", "--no-ping", "--log-dhcp", "--log-facility=-", .. options,
        ]));
        server.WaitForLine("DHCP, IP range");
        return server;
    }

    /// <summary>busybox's server, whose leases may be as short as wanted.</summary>
    public BackgroundProcess StartUdhcpd(int leaseSeconds, int first = 5, int last = 5)
    {
        string config = _directory.Write($"udhcpd-{first}.conf", $"""
            start 192.168.1.{first}
            end 192.168.1.{last}
            interface br0
            min_lease 1
            lease_file {_directory.Write("udhcpd.leases", "")}
            pidfile {_directory.File("udhcpd.pid")}
            option subnet 255.255.255.0
            option router 192.168.1.1
            option lease {leaseSeconds}

            """);
        BackgroundProcess server = Keep(new BackgroundProcess("ip", "netns", "exec", Host.Name, "busybox", "udhcpd", "-f", config));
        server.WaitForLine("started");
        return server;
    }

    /// <summary>Every DHCP packet that passes the bridge, a line each.</summary>
    public BackgroundProcess StartCapture()
    {
        BackgroundProcess capture = Keep(new BackgroundProcess(
            "ip", "netns", "exec", Host.Name, "tcpdump", "-i", "br0", "-n", "-l", "-e", "--immediate-mode", "-vvv", "udp port 67 or udp port 68"));
        capture.WaitForLine("listening on");
        return capture;
    }

    /// <summary>A container with a cable to the bridge that nobody configured.</summary>
    public TestNamespace StartContainer(string name = "eth0")
    {
        TestNamespace container = Keep(new TestNamespace("c"));
        string port = "p" + container.Name[^10..];
        Host.Run($"ip link add {port} type veth peer name {name} netns {container.Name}");
        Host.Run($"ip link set {port} master br0 up");
        return container;
    }

    public TestNamespace EmptyContainer() => Keep(new TestNamespace("c"));

    public string Config(string ipam = "", string more = "", string type = "dhcp") =>
        $$$"""{"cniVersion":"1.1.0","name":"net","type":"{{{type}}}","bridge":"br0"{{{(more.Length > 0 ? "," : "")}}}{{{more}}},"ipam":{"type":"dhcp","daemonSocketPath":"{{{Socket}}}"{{{(ipam.Length > 0 ? "," : "")}}}{{{ipam}}}}}""";

    public CniResult Add(TestNamespace container, string ipam = "", string id = "c1", string ifName = "eth0", string? args = null) =>
        _plugins.Add("dhcp", Config(ipam), id, container.Path, ifName, args);

    public void Del(TestNamespace? container, string id = "c1", string ifName = "eth0") => _plugins.Del("dhcp", Config(), id, container?.Path ?? "", ifName);

    public CniResult? Run(CniCommand command, string config, TestNamespace? container = null, string type = "dhcp", string id = "c1") =>
        _plugins.Run(command, type, config, id, container?.Path ?? "");

    public int LeasesOnDisk() => Directory.Exists(StateDirectory) ? Directory.GetFiles(StateDirectory, "*.json").Length : 0;

    public void Dispose()
    {
        foreach (IDisposable thing in Enumerable.Reverse(_things))
        {
            thing.Dispose();
        }

        _plugins.Dispose();
        Host.Dispose();
        _directory.Dispose();
    }

    private T Keep<T>(T thing)
        where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }
}
