using System.Text.Json;
using Musubi.Cni.RuntimeTests.Support;

namespace Musubi.Cni.RuntimeTests;

/// <summary>Containers of podman on networks that podman itself wrote for the CNI backend, with our plugins as its only ones.</summary>
[Collection("runtimes")]
public sealed class PodmanTests : IDisposable
{
    private readonly RuntimeHost _host = new();
    private readonly Podman _podman;

    public PodmanTests()
    {
        try
        {
            _podman = new Podman(_host);
        }
        catch
        {
            _host.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _podman.Dispose();
        _host.Dispose();
    }

    private string AddressOf(string container, string network) =>
        _podman.Run("inspect", "--format", $"{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}", container);

    [Fact]
    public void Container_HasItsAddress_ReachesOthers_AndIsReachedByItsPort()
    {
        _podman.Run("network", "create", "--subnet", "10.67.0.0/24", "n1");
        _podman.Start("web", "n1", ["--publish", "8081:80", "--entrypoint", "/bin/httpd"], "-f", "-p", "80", "-h", "/www");
        _podman.Start("client", "n1", []);
        string address = AddressOf("web", "n1");

        Assert.StartsWith("10.67.0.", address, StringComparison.Ordinal);
        _podman.Run("exec", "client", "ping", "-c", "1", "-W", "5", address);
        Assert.Equal("hello from the container", _podman.Run("exec", "client", "wget", "-q", "-O", "-", "http://10.67.0.1:8081/"));
        Assert.Equal("hello from the container\n", _host.Run("busybox", "wget", "-q", "-O", "-", "http://10.67.0.1:8081/"));
    }

    [Fact]
    public void Container_Removed_LeavesNothing()
    {
        _podman.Run("network", "create", "--subnet", "10.68.0.0/24", "--ipv6", "--subnet", "fd68::/64", "n2");
        _podman.Start("a", "n2", ["--ip", "10.68.0.77", "--mac-address", "02:00:00:00:00:77", "--publish", "8082:80"]);
        JsonElement link = Witness.Json(_podman.Run("inspect", "a"))[0].GetProperty("NetworkSettings").GetProperty("Networks").GetProperty("n2");
        Assert.Equal("10.68.0.77", link.GetProperty("IPAddress").GetString());
        Assert.Equal("02:00:00:00:00:77", link.GetProperty("MacAddress").GetString());
        Assert.StartsWith("fd68::", link.GetProperty("GlobalIPv6Address").GetString(), StringComparison.Ordinal);

        _podman.Run("rm", "--force", "--time", "0", "a");

        Assert.DoesNotContain(_host.Network.LinkNames(), n => n.StartsWith("veth", StringComparison.Ordinal));
        Assert.Empty(_host.Namespaces());
        Assert.DoesNotContain(_host.Network.Rules(), r => r.TryGetProperty("comment", out var comment) && comment.GetString()!.Contains("id: ", StringComparison.Ordinal));
        Assert.DoesNotContain(Directory.GetFiles(_host.Inside("/var/lib/cni/networks/n2")), f => Path.GetFileName(f).StartsWith("10.", StringComparison.Ordinal));
    }

    [Fact]
    public void Container_OnTwoNetworks_IsConnectedAndDisconnectedWhileItRuns()
    {
        _podman.Run("network", "create", "--subnet", "10.69.1.0/24", "n3");
        _podman.Run("network", "create", "--subnet", "10.69.2.0/24", "n4");
        _podman.Start("b", "n3", []);

        _podman.Run("network", "connect", "n4", "b");
        Assert.Contains("10.69.2.", _podman.Run("exec", "b", "ip", "addr", "show", "eth1"), StringComparison.Ordinal);
        _podman.Run("network", "disconnect", "n4", "b");

        Assert.DoesNotContain("eth1", _podman.Run("exec", "b", "ip", "addr"), StringComparison.Ordinal);
        _podman.Run("exec", "b", "ping", "-c", "1", "-W", "5", "10.69.1.1");
    }
}
