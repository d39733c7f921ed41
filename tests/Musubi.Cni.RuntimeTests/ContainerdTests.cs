using Musubi.Cni.RuntimeTests.Cri;
using Musubi.Cni.RuntimeTests.Support;

namespace Musubi.Cni.RuntimeTests;

/// <summary>Pods of containerd, made through the CRI as kubelet makes them, with our plugins as its only ones.</summary>
[Collection("runtimes")]
public sealed class ContainerdTests : IDisposable
{
    private readonly RuntimeHost _host = new();
    private readonly Containerd _containerd;

    public ContainerdTests()
    {
        string network = $$"""
            {"cniVersion":"1.0.0","name":"pods","plugins":[
              {"type":"bridge","bridge":"cni0","isDefaultGateway":true,"ipMasq":true,"hairpinMode":true,
               "ipam":{"type":"host-local","dataDir":"{{_host.File("data")}}","ranges":[[{"subnet":"10.66.0.0/24"}],[{"subnet":"fd66::/64"}]]} },
              {"type":"portmap","capabilities":{"portMappings":true} },
              {"type":"firewall"},
              {"type":"tuning","sysctl":{"net.ipv4.ip_default_ttl":"77"} }]}
            """;
        try
        {
            _containerd = new Containerd(_host, network);
        }
        catch
        {
            _host.Dispose();
            throw;
        }
    }

    private CriClient Cri => _containerd.Cri;

    public void Dispose()
    {
        _containerd.Dispose();
        _host.Dispose();
    }

    private string[] AddressesGivenOut() =>
        [.. Directory.GetFiles(_host.File("data/pods")).Select(f => Path.GetFileName(f)).Where(n => n.StartsWith("10.", StringComparison.Ordinal) || n.StartsWith("fd", StringComparison.Ordinal))];

    [Fact]
    public void Pod_HasItsAddresses_ReachesOthers_AndIsReachedByItsPort()
    {
        ProtoMessage webConfig = Containerd.Pod("web", (80, 8080));
        string web = Cri.RunPodSandbox(webConfig);
        string server = Cri.Start(web, webConfig, ScratchImage.Name, "/bin/httpd", "-f", "-p", "80", "-h", "/www");
        ProtoMessage otherConfig = Containerd.Pod("other");
        string other = Cri.RunPodSandbox(otherConfig);
        string client = Cri.Start(other, otherConfig, ScratchImage.Name);
        IReadOnlyList<string> addresses = Cri.AddressesOf(web);

        Assert.Equal(2, addresses.Count);
        Assert.Contains($"{addresses[0]}/24", Cri.Exec(server, "ip", "addr", "show", "eth0"), StringComparison.Ordinal);
        Assert.Contains($"{addresses[1]}/64", Cri.Exec(server, "ip", "addr", "show", "eth0"), StringComparison.Ordinal);
        Assert.Contains("127.0.0.1", Cri.Exec(server, "ip", "addr", "show", "lo"), StringComparison.Ordinal);
        Assert.Equal("77\n", Cri.Exec(server, "cat", "/proc/sys/net/ipv4/ip_default_ttl"));
        Cri.Exec(client, "ping", "-c", "1", "-W", "5", addresses[0]);
        Cri.Exec(client, "ping", "-c", "1", "-W", "5", addresses[1]);
        Assert.Equal("hello from the container\n", Cri.Exec(client, "wget", "-q", "-O", "-", "http://10.66.0.1:8080/"));
        Assert.Equal("hello from the container\n", _host.Run("busybox", "wget", "-q", "-O", "-", "http://10.66.0.1:8080/"));
    }

    [Fact]
    public void Pods_Removed_LeaveNothing()
    {
        string[] sandboxes = [.. Enumerable.Range(0, 3).Select(i => Cri.RunPodSandbox(Containerd.Pod($"p{i}", (80, 8080 + i))))];
        Assert.Equal(6, AddressesGivenOut().Length);
        Assert.Equal(3, _host.Namespaces().Count);

        foreach (string sandbox in sandboxes)
        {
            Cri.StopPodSandbox(sandbox);
            Cri.StopPodSandbox(sandbox);
            Cri.RemovePodSandbox(sandbox);
        }

        Assert.Empty(AddressesGivenOut());
        Assert.Empty(_host.Namespaces());
        Assert.Equal(["lo", "cni0"], _host.Network.LinkNames());
        Assert.DoesNotContain(_host.Network.Rules(), r => r.TryGetProperty("comment", out var comment) && comment.GetString()!.Contains("id: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Runtime_Killed_PodsLiveOn_AndAreRemovedByTheNext()
    {
        ProtoMessage config = Containerd.Pod("survivor");
        string sandbox = Cri.RunPodSandbox(config);
        string container = Cri.Start(sandbox, config, ScratchImage.Name);
        string address = Cri.AddressesOf(sandbox)[0];

        _containerd.Restart();

        Assert.Equal(address, Cri.AddressesOf(sandbox)[0]);
        Cri.Exec(container, "ping", "-c", "1", "-W", "5", "10.66.0.1");
        Cri.StopPodSandbox(sandbox);
        Cri.RemovePodSandbox(sandbox);
        Assert.Empty(AddressesGivenOut());
        Assert.Equal(["lo", "cni0"], _host.Network.LinkNames());
    }
}
