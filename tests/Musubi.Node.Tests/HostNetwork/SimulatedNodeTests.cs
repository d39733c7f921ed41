using System.Diagnostics;
using System.Security.Cryptography;
using Musubi.Linux.Namespaces;
using Musubi.Node.HostNetwork;
using Musubi.Node.Tests.Support;

namespace Musubi.Node.Tests.HostNetwork;

public sealed class SimulatedNodeTests : IDisposable
{
    private readonly NodeOptions _first = Sample.Options with { Cluster = "mnt" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)), Name = "n1" };

    private NodeOptions Second => _first with { Name = "n2", Index = 2 };

    public void Dispose()
    {
        SimulatedNode.Remove(_first);
        SimulatedNode.Remove(Second);
        SimulatedNode.RemoveFabric(_first.Cluster);
    }

    private static string Run(NodeOptions node, params string[] command)
    {
        using Process process = Process.Start(new ProcessStartInfo("ip", ["netns", "exec", Path.GetFileName(node.NetworkNamespacePath), .. command]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    [Fact]
    public void Ensure_MakesThreeCablesAndAddresses()
    {
        using NetworkNamespace node = SimulatedNode.Ensure(_first);

        string links = Run(_first, "ip", "-br", "link");
        Assert.All(["lo", "eth0@", "eth1@", "eth2@"], name => Assert.Contains(name, links, StringComparison.Ordinal));
        string addresses = Run(_first, "ip", "-br", "addr", "show", "dev", "eth0");
        Assert.Contains("172.31.0.2/24", addresses, StringComparison.Ordinal);
        Assert.Contains("fd10:31::2/64", addresses, StringComparison.Ordinal);
        Assert.Equal("1", Run(_first, "cat", "/proc/sys/net/ipv4/ip_forward").Trim());
    }

    [Fact]
    public void Ensure_Again_ChangesNothing()
    {
        using NetworkNamespace before = SimulatedNode.Ensure(_first);
        string links = Run(_first, "ip", "-br", "link");

        using NetworkNamespace after = SimulatedNode.Ensure(_first);

        Assert.True(before.IsSameAs(after));
        Assert.Equal(links, Run(_first, "ip", "-br", "link"));
    }

    [Fact]
    public void TwoNodes_ReachEachOther()
    {
        using NetworkNamespace first = SimulatedNode.Ensure(_first);
        using NetworkNamespace second = SimulatedNode.Ensure(Second);

        Run(_first, "ping", "-c1", "-W5", "172.31.0.3");
        Run(_first, "ping", "-6", "-c1", "-W5", "fd10:31::3");
    }

    [Fact]
    public void Ensure_PartsMissing_AreMadeAgain()
    {
        SimulatedNode.Ensure(_first).Dispose();
        Run(_first, "ip", "link", "del", "eth1");

        SimulatedNode.Ensure(_first).Dispose();

        Assert.Contains("eth1@", Run(_first, "ip", "-br", "link"), StringComparison.Ordinal);
    }

    [Fact]
    public void Ensure_FileWithoutNamespace_IsReplaced()
    {
        Directory.CreateDirectory("/run/netns");
        File.WriteAllText(_first.NetworkNamespacePath, "");

        SimulatedNode.Ensure(_first).Dispose();

        Assert.Contains("eth0@", Run(_first, "ip", "-br", "link"), StringComparison.Ordinal);
    }

    [Fact]
    public void Remove_TakesEverything_AndMayBeRepeated()
    {
        SimulatedNode.Ensure(_first).Dispose();

        SimulatedNode.Remove(_first);
        SimulatedNode.Remove(_first);
        SimulatedNode.RemoveFabric(_first.Cluster);

        Assert.False(File.Exists(_first.NetworkNamespacePath));
        Assert.False(File.Exists(SimulatedNode.FabricPath(_first.Cluster)));
    }
}
