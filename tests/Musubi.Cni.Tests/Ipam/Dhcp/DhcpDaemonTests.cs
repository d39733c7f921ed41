using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Processes;
using Musubi.Linux.Sockets;

namespace Musubi.Cni.Tests.Ipam.Dhcp;

/// <summary>Plugin and daemon against dnsmasq, with tcpdump looking on.</summary>
public sealed class DhcpDaemonTests : IDisposable
{
    private readonly DhcpBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Add_Server_GivesAddressRouterAndDefaultRoute()
    {
        _bench.StartDnsmasq();
        _bench.StartDaemon();

        CniResult result = _bench.Add(_bench.StartContainer());

        CniAddress address = Assert.Single(result.Addresses);
        Assert.Equal("192.168.1.1", IpText.Format(address.Gateway!));
        Assert.Matches(@"^192\.168\.1\.\d+/24$", address.Address.ToString());
        Assert.Equal(("0.0.0.0/0", "192.168.1.1"), (Assert.Single(result.Routes).Destination.ToString(), IpText.Format(result.Routes[0].Gateway!)));
    }

    [Fact]
    public void Add_ServerWithNames_GivesThem()
    {
        _bench.StartDnsmasq(options: ["--dhcp-option=option:dns-server,192.168.1.53,192.168.1.54", "--dhcp-option=option:domain-name,example.org", "--dhcp-option=option:domain-search,a.example.org,b.example.org"]);
        _bench.StartDaemon();

        CniDns dns = _bench.Add(_bench.StartContainer()).Dns;

        Assert.Equal(["192.168.1.53", "192.168.1.54"], dns.Nameservers);
        Assert.Equal("example.org", dns.Domain);
        Assert.Equal(["a.example.org", "b.example.org"], dns.Search);
    }

    [Fact]
    public void Add_ClasslessRoutesRequested_ReplaceTheDefaultRoute()
    {
        _bench.StartDnsmasq(options: ["--dhcp-option=121,10.9.0.0/16,192.168.1.9,10.10.0.0/24,0.0.0.0"]);
        _bench.StartDaemon();

        CniResult result = _bench.Add(_bench.StartContainer(), "\"request\":[{\"option\":\"121\"}],\"priority\":50");

        Assert.Equal(["10.9.0.0/16 192.168.1.9  50", "10.10.0.0/24 0.0.0.0 253 50"],
            result.Routes.Select(r => $"{r.Destination} {IpText.Format(r.Gateway!)} {r.Scope} {r.Priority}"));
    }

    [Fact]
    public void Add_IdentifierAndProvidedOptions_ReachTheServer()
    {
        BackgroundProcess capture = _bench.StartCapture();
        BackgroundProcess server = _bench.StartDnsmasq();
        _bench.StartDaemon();

        _bench.Add(_bench.StartContainer(), "\"provide\":[{\"option\":\"host-name\",\"fromArg\":\"K8S_POD_NAME\"},{\"option\":\"vendor-class-identifier\",\"value\":\"musubi\"}]",
            id: "abc", args: "IgnoreUnknown=1;K8S_POD_NAME=pod-7");

        server.WaitForLine("client provides name: pod-7");
        server.WaitForLine("vendor class: musubi");
        Assert.Contains(Convert.ToHexStringLower("\0abc/net/eth0"u8.ToArray()), File.ReadAllText(_bench.File("dnsmasq.leases")).Replace(":", "", StringComparison.Ordinal), StringComparison.Ordinal);
        capture.WaitForLine("DHCP-Message");
    }

    [Fact]
    public void Add_Repeated_GivesTheSameLease()
    {
        BackgroundProcess server = _bench.StartDnsmasq();
        _bench.StartDaemon();
        TestNamespace container = _bench.StartContainer();

        string first = _bench.Add(container).Addresses[0].Address.ToString();

        Assert.Equal(first, _bench.Add(container).Addresses[0].Address.ToString());
        server.WaitForLine("DHCPACK");
        Assert.Single(server.Lines, l => l.Contains("DHCPACK", StringComparison.Ordinal));
    }

    [Fact]
    public void TwoLinks_GetTwoLeases()
    {
        _bench.StartDnsmasq();
        _bench.StartDaemon();

        string first = _bench.Add(_bench.StartContainer(), id: "c1").Addresses[0].Address.ToString();
        string second = _bench.Add(_bench.StartContainer(), id: "c2").Addresses[0].Address.ToString();

        Assert.NotEqual(first, second);
        Assert.Equal(2, _bench.LeasesOnDisk());
    }

    [Fact]
    public void Add_ExhaustedServer_EndsWithNoMoreTries()
    {
        _bench.StartDnsmasq(addresses: 1);
        _bench.StartDaemon("-timeout", "1s", "-resendmax", "1s", "--resendtimeout", "2s");
        _bench.Add(_bench.StartContainer(), id: "c1");
        TestNamespace second = _bench.StartContainer();

        CniException error = Assert.Throws<CniException>(() => _bench.Add(second, id: "c2"));

        Assert.Equal("error calling DHCP.Allocate: no more tries", error.Message);
        Assert.Equal(CniErrorCode.TryAgainLater, error.Code);
        Assert.Equal(1, _bench.LeasesOnDisk());
        _bench.Del(second, id: "c2");
    }

    [Fact]
    public void Del_GivesTheLeaseBack()
    {
        BackgroundProcess capture = _bench.StartCapture();
        BackgroundProcess server = _bench.StartDnsmasq(addresses: 1);
        _bench.StartDaemon();
        TestNamespace first = _bench.StartContainer();
        _bench.Add(first, id: "c1");

        _bench.Del(first, id: "c1");

        server.WaitForLine("DHCPRELEASE(br0) 192.168.1.5");
        capture.WaitForLine("Release");
        Assert.Equal("192.168.1.5/24", _bench.Add(_bench.StartContainer(), id: "c2").Addresses[0].Address.ToString());
    }

    [Fact]
    public void Del_OfABridge_GivesTheLeaseBackBeforeTheLinkGoes()
    {
        BackgroundProcess server = _bench.StartDnsmasq();
        _bench.StartDaemon();
        TestNamespace container = _bench.EmptyContainer();
        string config = _bench.Config(type: "bridge");
        CniResult result = _bench.Run(CniCommand.Add, config, container, "bridge")!;
        Assert.Equal([result.Addresses[0].Address.ToString()], container.Addresses("eth0"));
        container.Run("ping -c 1 -W 5 192.168.1.1");

        _bench.Run(CniCommand.Del, config, container, "bridge");

        server.WaitForLine("DHCPRELEASE(br0)");
        Assert.Equal(["lo"], container.LinkNames());
        Assert.Equal(0, _bench.LeasesOnDisk());
    }

    [Fact]
    public async Task Del_SeveralAtOnce_AllSucceed()
    {
        BackgroundProcess server = _bench.StartDnsmasq();
        _bench.StartDaemon();
        TestNamespace container = _bench.StartContainer();
        _bench.Add(container);

        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => _bench.Del(container))));
        _bench.Del(container);

        server.WaitForLine("DHCPRELEASE");
        Assert.Single(server.Lines, l => l.Contains("DHCPRELEASE", StringComparison.Ordinal));
    }

    [Fact]
    public void Del_NamespaceGone_DropsTheLease()
    {
        _bench.StartDnsmasq();
        _bench.StartDaemon();
        TestNamespace container = _bench.StartContainer();
        _bench.Add(container);
        container.Dispose();

        _bench.Del(null);

        Assert.Equal(0, _bench.LeasesOnDisk());
    }

    [Fact]
    public void Namespace_RemovedWhileLeased_IsNotHeldByTheDaemon()
    {
        _bench.StartDnsmasq();
        BackgroundProcess daemon = _bench.StartDaemon();
        TestNamespace container = _bench.StartContainer();
        _bench.Add(container);
        string port = "p" + container.Name[^10..];

        container.Dispose();

        // The kernel takes the other end of the cable away when the namespace ends.
        Eventually.True(() => !_bench.Host.LinkNames().Contains(port), () => daemon.Output);
    }

    [Fact]
    public void Check_ComparesWithTheLease()
    {
        _bench.StartDnsmasq();
        _bench.StartDaemon();
        TestNamespace container = _bench.StartContainer();
        Assert.Contains("there is no lease of c1/net/eth0", Assert.Throws<CniException>(() => _bench.Run(CniCommand.Check, _bench.Config(), container)).Message, StringComparison.Ordinal);
        _bench.Add(container);

        _bench.Run(CniCommand.Check, _bench.Config(), container);

        Assert.Equal(1, _bench.LeasesOnDisk());
    }

    [Fact]
    public void Gc_GivesBackWhatIsNotValid()
    {
        BackgroundProcess server = _bench.StartDnsmasq();
        _bench.StartDaemon();
        TestNamespace valid = _bench.StartContainer();
        _bench.Add(_bench.StartContainer(), id: "c1");
        _bench.Add(valid, id: "c2");

        _bench.Run(CniCommand.Gc, _bench.Config(more: "\"cni.dev/valid-attachments\":[{\"containerID\":\"c2\",\"ifname\":\"eth0\"}]"));

        server.WaitForLine("DHCPRELEASE");
        Assert.Equal(1, _bench.LeasesOnDisk());
        _bench.Run(CniCommand.Check, _bench.Config(), valid, id: "c2");
    }

    [Fact]
    public void Restart_LeaseIsKept_AndGivenBackLater()
    {
        BackgroundProcess server = _bench.StartDnsmasq();
        BackgroundProcess before = _bench.StartDaemon();
        TestNamespace container = _bench.StartContainer();
        _bench.Add(container);

        Assert.Equal(0, before.End(Signal.Term));
        Assert.False(File.Exists(_bench.Socket));
        Assert.False(File.Exists(_bench.PidFile));
        BackgroundProcess after = _bench.StartDaemon();

        Assert.Contains("c1/net/eth0: going on with 192.168.1.", after.Output, StringComparison.Ordinal);
        _bench.Run(CniCommand.Check, _bench.Config(), container);
        _bench.Del(container);
        server.WaitForLine("DHCPRELEASE");
    }

    [Fact]
    public void Killed_DaemonIsReplaced_AndProlongsTheLease()
    {
        BackgroundProcess capture = _bench.StartCapture();
        _bench.StartUdhcpd(leaseSeconds: 6);
        BackgroundProcess before = _bench.StartDaemon();
        TestNamespace container = _bench.StartContainer();
        _bench.Add(container);
        int asked = capture.Lines.Count(l => l.Contains("Request", StringComparison.Ordinal) && l.Contains("DHCP-Message", StringComparison.Ordinal));

        before.End(Signal.Kill);
        Assert.True(File.Exists(_bench.Socket));
        BackgroundProcess after = _bench.StartDaemon();

        capture.WaitForLine("DHCP-Message (53), length 1: ACK", asked + 1);
        Assert.Contains("going on with 192.168.1.5/24", after.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("ended", after.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Restart_NamespaceIsAnother_DropsTheLease()
    {
        _bench.StartDnsmasq();
        BackgroundProcess before = _bench.StartDaemon();
        TestNamespace container = _bench.StartContainer();
        _bench.Add(container);
        before.End(Signal.Kill);
        container.Dispose();

        BackgroundProcess after = _bench.StartDaemon();

        Assert.Contains("c1/net/eth0: the interface is gone", after.Output, StringComparison.Ordinal);
        Assert.Equal(0, _bench.LeasesOnDisk());
    }

    [Fact]
    public void Server_GoneForGood_AddressIsTakenOff_AndAnotherServersIsPutOn()
    {
        BackgroundProcess first = _bench.StartUdhcpd(leaseSeconds: 4);
        BackgroundProcess daemon = _bench.StartDaemon("-timeout", "1s", "-resendmax", "1s");
        TestNamespace container = _bench.EmptyContainer();
        string config = _bench.Config(type: "bridge");
        _bench.Run(CniCommand.Add, config, container, "bridge");
        Assert.Equal(["192.168.1.5/24"], container.Addresses("eth0"));

        first.End(Signal.Kill);
        Eventually.True(() => container.Addresses("eth0").Count == 0, () => daemon.Output);
        _bench.StartUdhcpd(leaseSeconds: 60, first: 40, last: 40);

        Eventually.True(() => container.Addresses("eth0") is ["192.168.1.40/24"], () => daemon.Output);
        container.Run("ping -c 1 -W 5 192.168.1.1");
        Assert.Equal("192.168.1.1", container.Ip("route show default")[0].GetProperty("gateway").GetString());
    }

    [Fact]
    public void Restart_LeaseWasLost_AnotherIsLookedForOn()
    {
        BackgroundProcess first = _bench.StartUdhcpd(leaseSeconds: 4);
        BackgroundProcess before = _bench.StartDaemon("-timeout", "1s", "-resendmax", "1s");
        TestNamespace container = _bench.EmptyContainer();
        _bench.Run(CniCommand.Add, _bench.Config(type: "bridge"), container, "bridge");
        first.End(Signal.Kill);
        before.WaitForLine("until there is a new lease");
        Eventually.True(() => container.Addresses("eth0").Count == 0, () => before.Output);

        before.End(Signal.Term);
        BackgroundProcess after = _bench.StartDaemon("-timeout", "1s", "-resendmax", "1s");
        _bench.StartUdhcpd(leaseSeconds: 60, first: 40, last: 40);

        Eventually.True(() => container.Addresses("eth0") is ["192.168.1.40/24"], () => after.Output);
        Assert.Contains("c1/net/eth0: looking on for a lease", after.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void LostLease_LinkWentDownMeanwhile_IsLookedForOn()
    {
        BackgroundProcess first = _bench.StartUdhcpd(leaseSeconds: 4);
        BackgroundProcess daemon = _bench.StartDaemon("-timeout", "1s", "-resendmax", "1s");
        TestNamespace container = _bench.EmptyContainer();
        _bench.Run(CniCommand.Add, _bench.Config(type: "bridge"), container, "bridge");
        first.End(Signal.Kill);
        container.Run("ip link set eth0 down");
        daemon.WaitForLine("until there is a new lease");
        _bench.StartUdhcpd(leaseSeconds: 60, first: 40, last: 40);
        daemon.WaitForLine("Discover not sent");

        container.Run("ip link set eth0 up");

        Eventually.True(() => container.Addresses("eth0") is ["192.168.1.40/24"], () => daemon.Output);
        Assert.DoesNotContain("ended", daemon.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Del_SocketPathOfAWrongType_IsTheUsualOne()
    {
        _bench.Run(CniCommand.Del, """{"cniVersion":"1.1.0","name":"net","type":"dhcp","ipam":{"type":"dhcp","daemonSocketPath":7}}""");

        Assert.Contains("the lease is not given back", _bench.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Connections_TooMany_AreServedInTheirTurn()
    {
        BackgroundProcess daemon = _bench.StartDaemon();
        List<LocalSocket> idle = [];

        // The queue refuses what comes faster than the daemon takes it.
        bool Connects()
        {
            try
            {
                while (idle.Count < 260)
                {
                    idle.Add(LocalSocket.Connect(_bench.Socket));
                }

                return true;
            }
            catch (LinuxException e) when (e.Errno == Errno.EAGAIN)
            {
                return false;
            }
        }

        try
        {
            Eventually.True(Connects, () => $"{idle.Count} connections");
            Assert.InRange(Directory.GetFiles($"/proc/{daemon.Id}/fd").Length, 0, 256 + 30);
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }

        _bench.Run(CniCommand.Status, _bench.Config());
    }

    [Fact]
    public void Lease_IsProlongedAtItsServer_ByUnicast()
    {
        BackgroundProcess capture = _bench.StartCapture();
        _bench.StartUdhcpd(leaseSeconds: 4);
        BackgroundProcess daemon = _bench.StartDaemon();
        TestNamespace container = _bench.EmptyContainer();
        _bench.Run(CniCommand.Add, _bench.Config(type: "bridge"), container, "bridge");

        capture.WaitForLine("192.168.1.5.68 > 192.168.1.1.67");
        capture.WaitForLine("DHCP-Message (53), length 1: ACK", 3);
        Assert.Equal(["192.168.1.5/24"], container.Addresses("eth0"));
        Assert.DoesNotContain("ended", daemon.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Activated_ServesTheSocketItIsGiven_AndLeavesItThere()
    {
        _bench.StartDnsmasq();
        Directory.CreateDirectory(Path.GetDirectoryName(_bench.Socket)!);
        using LocalListener given = LocalListener.Bind(_bench.Socket);
        string script = $"LISTEN_FDS=1 LISTEN_PID=$$ exec {_bench.File("dhcp")} daemon -socketpath {_bench.Socket} 3<&{ChildProcess.NumberOf(given.Handle)}";
        using ChildProcess daemon = ChildProcess.Start(new ChildCommand(["/bin/bash", "-c", script]) { Inherited = [given.Handle] });
        try
        {
            Assert.Single(_bench.Add(_bench.StartContainer()).Addresses);
        }
        finally
        {
            daemon.Identity.Kill(Signal.Term);
            Assert.Equal(0, daemon.WaitForExit(TimeSpan.FromSeconds(20))?.Code);
        }

        Assert.True(File.Exists(_bench.Socket));
    }

    [Fact]
    public void SecondDaemon_IsRefused_AndTheFirstServesOn()
    {
        _bench.StartDnsmasq();
        _bench.StartDaemon();

        (int code, _, string errors) = Witness.TryRun(_bench.File("dhcp"), "daemon", "-socketpath", _bench.Socket);

        Assert.Equal((1, "dhcp daemon: another daemon keeps the leases of this socket\n"), (code, errors));
        Assert.Single(_bench.Add(_bench.StartContainer()).Addresses);
    }

    [Fact]
    public void Status_TellsWhetherTheDaemonAnswers()
    {
        Assert.Equal(CniErrorCode.PluginNotAvailable, Assert.Throws<CniException>(() => _bench.Run(CniCommand.Status, _bench.Config(type: "bridge"), type: "bridge")).Code);
        _bench.StartDaemon();

        _bench.Run(CniCommand.Status, _bench.Config(type: "bridge"), type: "bridge");
    }

    [Fact]
    public void Nonsense_OnTheSocket_DisturbsNobody()
    {
        _bench.StartDnsmasq();
        _bench.StartDaemon();
        foreach (string text in (string[])["", "\n", "{", "{}\n", "[1]\n", "{\"version\":2}\n", "{\"version\":1,\"verb\":\"x\"}\n", "{\"version\":1,\"verb\":\"allocate\"}\n", "{\"version\":1,\"verb\":\"collect\",\"valid\":[1]}\n"])
        {
            using LocalSocket socket = LocalSocket.Connect(_bench.Socket);
            socket.Send(System.Text.Encoding.UTF8.GetBytes(text), TimeSpan.FromSeconds(1));
        }

        Assert.Single(_bench.Add(_bench.StartContainer()).Addresses);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_bench.Socket));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.GetDirectoryName(_bench.Socket)!));
    }

    [Fact]
    public void PluginThatIsGone_EndsItsSearch()
    {
        BackgroundProcess daemon = _bench.StartDaemon();
        TestNamespace container = _bench.StartContainer();
        using (LocalSocket socket = LocalSocket.Connect(_bench.Socket))
        {
            socket.Send(System.Text.Encoding.UTF8.GetBytes($$"""{"version":1,"verb":"allocate","containerId":"c1","network":"net","ifName":"eth0","netns":"{{container.Path}}"}""" + "\n"), TimeSpan.FromSeconds(1));
            Assert.Throws<TimeoutException>(() => socket.Receive(new byte[16], TimeSpan.FromMilliseconds(300)));
        }

        daemon.WaitForLine("c1/net/eth0: ended: nobody waits for it any more");
    }

    [Fact]
    public void Leases_HoldNeitherDescriptorsNorThreads()
    {
        _bench.StartDnsmasq();
        BackgroundProcess daemon = _bench.StartDaemon();
        string process = $"/proc/{daemon.Id}";
        _bench.Run(CniCommand.Status, _bench.Config());
        int descriptors = Directory.GetFiles($"{process}/fd").Length;
        int threads = Directory.GetDirectories($"{process}/task").Length;

        for (int i = 0; i < 5; i++)
        {
            _bench.Add(_bench.StartContainer(), id: $"c{i}");
        }

        Eventually.True(() => Directory.GetFiles($"{process}/fd").Length <= descriptors, () => $"{Directory.GetFiles($"{process}/fd").Length} descriptors, {descriptors} before");
        Assert.Equal(threads, Directory.GetDirectories($"{process}/task").Length);
    }
}
