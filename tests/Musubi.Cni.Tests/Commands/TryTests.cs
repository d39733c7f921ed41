using System.Text.Json;
using Musubi.Cni.Tests.Support;
using Musubi.Linux.Processes;

namespace Musubi.Cni.Tests.Commands;

/// <summary><c>musubi-cni try</c> on a host of the test's own.</summary>
public sealed class TryTests : IDisposable
{
    private readonly TestNamespace _host = new("try");
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _host.Dispose();
        _directory.Dispose();
    }

    private string Bridge(string more = "") => _directory.Write("bridge.conflist", $$"""
        {"cniVersion":"1.0.0","name":"t","plugins":[
          {"type":"bridge","bridge":"br7","isGateway":true,"ipMasq":true,
           "ipam":{"type":"host-local","dataDir":"{{_directory.File("data")}}","ranges":[[{"subnet":"10.77.0.0/24"}]],"routes":[{"dst":"0.0.0.0/0"}]} },
          {"type":"tuning","sysctl":{"net.core.somaxconn":"517"} }{{more}}]}
        """);

    private (int Code, string Output, string Errors) Try(params string[] arguments) =>
        Witness.TryRun("ip", ["netns", "exec", _host.Name, MusubiCni.Executable, "try", .. arguments]);

    private static string[] Leftovers() => Directory.GetFiles("/run/netns", "musubi-try-*");

    [Fact]
    public void Bridge_ShowsResultAndChangesOnBothSides_AndDetaches()
    {
        (int code, string output, string errors) = Try(Bridge());

        Assert.True(code == 0, errors);
        string[] lines = output.Split('\n');
        Assert.Contains("Network t, version 1.0.0: bridge, tuning", lines);
        Assert.Contains("\"address\": \"10.77.0.2/24\"", output, StringComparison.Ordinal);
        Assert.Contains("├─ + address 10.77.0.1/24 dev br7", lines);
        Assert.Contains("├─ + nft table inet cni_plugins_masquerade", lines);
        Assert.Contains(lines, l => l.EndsWith("+ route default via 10.77.0.1 dev eth0", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.EndsWith("sysctl net/core/somaxconn: 4096 → 517", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("Detached, after ", StringComparison.Ordinal));
        Assert.DoesNotContain("\e[", output, StringComparison.Ordinal);
        Assert.Equal(["lo", "br7"], _host.LinkNames());
        Assert.Equal("", string.Concat(Directory.GetFiles(_directory.File("data/t")).Select(Path.GetFileName).Where(n => n!.StartsWith("10.", StringComparison.Ordinal))));
        Assert.Empty(Leftovers());
    }

    [Fact]
    public void Json_HasTheSame()
    {
        (int code, string output, _) = Try(Bridge(), "-o", "json", "--ifname", "net1");

        Assert.Equal(0, code);
        JsonElement report = JsonDocument.Parse(output).RootElement;
        Assert.Equal("10.77.0.2/24", report.GetProperty("result").GetProperty("ips")[0].GetProperty("address").GetString());
        Assert.Contains(report.GetProperty("container").EnumerateArray(), c => c.GetProperty("kind").GetString() == "link" && c.GetProperty("name").GetString() == "net1");
        Assert.Contains(report.GetProperty("left").EnumerateArray(), c => c.GetProperty("name").GetString() == "br7");
        Assert.True(report.GetProperty("attachMilliseconds").GetDouble() > 0);
    }

    [Fact]
    public void ChainThatFails_IsUndone()
    {
        (int code, string output, _) = Try(Bridge(""", {"type":"tuning","sysctl":{"net.no.such":"1"} }"""));

        Assert.Equal(1, code);
        Assert.Contains("Not attached: ", output, StringComparison.Ordinal);
        Assert.Equal(["lo", "br7"], _host.LinkNames());
        Assert.Empty(Leftovers());
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("{\"cniVersion\":\"1.0.0\",\"name\":\"a/b\",\"type\":\"bridge\"}", "invalid characters found in network name")]
    public void BrokenConfiguration_IsExplained(string config, string message)
    {
        (int code, _, string errors) = Try(_directory.Write("x.conf", config));

        Assert.Equal(1, code);
        Assert.Contains(message, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFile_IsExplained()
    {
        (int code, _, string errors) = Try(_directory.File("none"));

        Assert.Equal((1, $"musubi-cni: {_directory.File("none")}: no such file or directory\n"), (code, errors));
    }

    [Fact]
    public void Interrupted_DetachesNevertheless()
    {
        // A plugin of somebody else that takes its time, and tells when it begins.
        string plugin = _directory.Write("bin/slow", $"""
            #!/bin/sh
            [ "$CNI_COMMAND" = ADD ] || exit 0
            touch {_directory.File("begun")}
            exec sleep 60
            """);
        File.SetUnixFileMode(plugin, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        using BackgroundProcess run = new("ip", "netns", "exec", _host.Name, MusubiCni.Executable, "try", Bridge(", {\"type\":\"slow\"}"), "--bin-dir", _directory.File("bin"));
        Eventually.True(() => File.Exists(_directory.File("begun")), () => run.Output);

        int code = run.End(Signal.Int);

        Assert.Equal(130, code);
        Assert.Equal(["lo", "br7"], _host.LinkNames());
        Assert.Empty(Leftovers());
    }

    [Fact]
    [NeedsKernel("ipvlan", "dummy")]
    public void IpvlanExample_IsTriedAsItStands()
    {
        _host.Run("ip link add eth1 type dummy");
        _host.Run("ip link set eth1 up");

        (int code, string output, string errors) = Try(_directory.Write("ipvlan-net.json", """
            {"cniVersion":"0.3.1","name":"ipvlan-net","type":"ipvlan","master":"eth1","linkInContainer":false,"mode":"l3",
             "ipam":{"type":"static","addresses":[{"address":"192.168.10.10/24"}]}}
            """));

        Assert.True(code == 0, output + errors);
        Assert.Contains("+ address 192.168.10.10/24 dev eth0", output, StringComparison.Ordinal);
        Assert.Contains("Different on the host from before: nothing", output, StringComparison.Ordinal);
    }
}
