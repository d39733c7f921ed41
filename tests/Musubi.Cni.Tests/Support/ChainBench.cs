using System.Net;
using System.Net.Sockets;
using System.Text;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Tests.Support;

/// <summary>A host and a container that the bridge plugin has attached to it, for plugins that come after it in a chain.</summary>
internal sealed class ChainBench : IDisposable
{
    public const string Bridge = "br7";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(3);

    private readonly List<TestNamespace> _more = [];

    public ChainBench(string ranges = """[{"subnet":"10.88.0.0/24"}],[{"subnet":"fd88::/64"}]""")
    {
        Bench = new PluginBench(Host.Network);
        Ranges = ranges;
        Host.Run("ip link set lo up");
        Pod.Run("ip link set lo up");
        Result = Attach(Pod, "c1");
    }

    public TestNamespace Host { get; } = new("host");

    public TestNamespace Pod { get; } = new("pod");

    public PluginBench Bench { get; }

    /// <summary>What the bridge plugin reported of the first container, <c>c1</c>.</summary>
    public CniResult Result { get; }

    public string Ranges { get; }

    /// <summary>The host's address on the bridge.</summary>
    public string Gateway => "10.88.0.1";

    /// <summary>Attaches another container to the bridge.</summary>
    public (TestNamespace Pod, CniResult Result) AttachAnother(string id)
    {
        TestNamespace pod = new("pod");
        _more.Add(pod);
        return (pod, Attach(pod, id));
    }

    /// <summary>Makes another machine, 192.0.2.2, beside the host, 192.0.2.1, which is its router.</summary>
    public TestNamespace Neighbour()
    {
        TestNamespace outside = new("out");
        _more.Add(outside);
        Host.Run($"ip link add out0 type veth peer name eth0 netns {outside.Name}");
        Host.Run("ip addr add 192.0.2.1/24 dev out0");
        Host.Run("ip -6 addr add 2001:db8::1/64 dev out0 nodad");
        Host.Run("ip link set out0 up");
        outside.Run("ip addr add 192.0.2.2/24 dev eth0");
        outside.Run("ip -6 addr add 2001:db8::2/64 dev eth0 nodad");
        outside.Run("ip link set eth0 up");
        outside.Run("ip route add default via 192.0.2.1");
        outside.Run("ip -6 route add default via 2001:db8::1");
        return outside;
    }

    public CniResult Add(string type, string config, string id = "c1", CniResult? previous = null, TestNamespace? pod = null, string? args = null) =>
        Bench.Add(type, PluginBench.WithPrevious(config, previous ?? Result), id, (pod ?? Pod).Path, args: args);

    public void Del(string type, string config, string id = "c1", string? netns = null) => Bench.Del(type, config, id, netns ?? Pod.Path);

    public void Check(string type, string config, CniResult? result = null) => Bench.Check(type, config, result ?? Result, "c1", Pod.Path);

    public CniException Refused(string type, string config) => Assert.Throws<CniException>(() => Add(type, config));

    public void Gc(string type, string config, params (string Id, string IfName)[] valid)
    {
        string list = string.Join(',', valid.Select(v => $$"""{"containerID":"{{v.Id}}","ifname":"{{v.IfName}}"}"""));
        Bench.Run(CniCommand.Gc, type, $$"""{"cni.dev/valid-attachments":[{{list}}],{{config.Trim()[1..]}}""");
    }

    public void Status(string type, string config) => Bench.Run(CniCommand.Status, type, config);

    /// <summary>Whether a TCP connection from one namespace to an address is answered by the listener, and by whose address it sees it made.</summary>
    public static string? Connect(TestNamespace from, string address, int port, Socket listener)
    {
        using Socket client = from.Network.OpenSocket(IpText.ParseAddress(address).AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        IAsyncResult connecting = client.BeginConnect(new IPEndPoint(IpText.ParseAddress(address), port), null, null);
        if (!connecting.AsyncWaitHandle.WaitOne(_limit))
        {
            return null;
        }

        try
        {
            client.EndConnect(connecting);
        }
        catch (SocketException)
        {
            return null;
        }

        using Socket accepted = listener.Accept();
        return IpText.Format(((IPEndPoint)accepted.RemoteEndPoint!).Address);
    }

    /// <summary>A server in a namespace.</summary>
    public static Socket Listen(TestNamespace where, int port, AddressFamily family = AddressFamily.InterNetwork)
    {
        Socket listener = where.Network.OpenSocket(family, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, port));
        listener.Listen();
        return listener;
    }

    /// <summary>A socket for datagrams in a namespace.</summary>
    public static Socket Datagrams(TestNamespace where, int port)
    {
        Socket socket = where.Network.OpenSocket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveTimeout = (int)_limit.TotalMilliseconds;
        socket.Bind(new IPEndPoint(IPAddress.Any, port));
        return socket;
    }

    public static void Send(Socket from, string address, int port) => from.SendTo(Encoding.UTF8.GetBytes("x"), new IPEndPoint(IpText.ParseAddress(address), port));

    public void Dispose()
    {
        Bench.Dispose();
        foreach (TestNamespace pod in _more)
        {
            pod.Dispose();
        }

        Pod.Dispose();
        Host.Dispose();
    }

    private CniResult Attach(TestNamespace pod, string id) => Bench.Add(
        "bridge",
        $$$"""{"cniVersion":"1.1.0","name":"net","type":"bridge","bridge":"{{{Bridge}}}","isDefaultGateway":true,"hairpinMode":true,"ipam":{"type":"host-local","ranges":[{{{Ranges}}}]}}""",
        id,
        pod.Path);
}
