using System.Text.Json;
using System.Text.RegularExpressions;
using Musubi.Cni.Tests.Support;
using Musubi.Linux.Processes;

namespace Musubi.Cni.Tests.Commands;

/// <summary>The source documents' networks, as printed, tried by <c>musubi-cni try</c> on a host with the interface they name.</summary>
public sealed class ExampleTests : IDisposable
{
    // The examples' files are where the plugins keep them by default, on file systems of a test's own.
    private const string OwnBooks = "mkdir -p /run/cni /var/lib/cni && mount -t tmpfs test /run/cni && mount -t tmpfs test /var/lib/cni";

    private readonly TestNamespace _host = new("host");
    private readonly TestNamespace _outside = new("outside");
    private readonly TemporaryDirectory _files = new();

    public void Dispose()
    {
        _files.Dispose();
        _outside.Dispose();
        _host.Dispose();
    }

    [Fact]
    public void BridgeConf_WithAnUnknownKeyAndNoName_Works()
    {
        string nad = Repository.Read("examples/additional-networks/bridge-conf.yaml");
        string config = Regex.Match(nad, "config: '(.*)'", RegexOptions.Singleline).Groups[1].Value;

        JsonElement report = Try(_files.Write("bridge-conf.json", config));

        JsonElement address = report.GetProperty("result").GetProperty("ips")[0];
        Assert.Equal(("10.10.1.20/16", "10.10.0.254"), (address.GetProperty("address").GetString(), address.GetProperty("gateway").GetString()));
        Assert.Contains(report.GetProperty("host").EnumerateArray(), c => Is(c, "link", "test-bridge"));
    }

    [Fact]
    [NeedsKernel("ipvlan")]
    public void IpvlanNet_Layer3AndStatic_Works()
    {
        AddUplink();

        JsonElement report = Try(Repository.File("examples/additional-networks/ipvlan-net.json"));

        Assert.Equal("192.168.10.10/24", report.GetProperty("result").GetProperty("ips")[0].GetProperty("address").GetString());
        JsonElement link = Assert.Single(report.GetProperty("container").EnumerateArray(), c => Is(c, "link", "eth0"));
        Assert.Contains("ipvlan", link.GetRawText(), StringComparison.Ordinal);
        Assert.Empty(report.GetProperty("left").EnumerateArray());
    }

    [Fact]
    public void MacvlanNet_WithDhcp_Works()
    {
        AddUplink();
        _outside.Run("ip addr add 192.168.20.1/24 dev outside");
        using BackgroundProcess server = new(
            "ip", "netns", "exec", _outside.Name, "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=outside", "--bind-interfaces",
            "--dhcp-range=192.168.20.50,192.168.20.99,1h", $"--dhcp-leasefile={_files.File("leases")}", "--log-dhcp");
        server.WaitForLine("DHCP");

        // The daemon's socket is where the example has it, by default.
        JsonElement report = Report(Witness.TryRun(
            "ip", "netns", "exec", _host.Name, "sh", "-c",
            $"{OwnBooks} && {{ {MusubiCni.Executable} daemon & }} && daemon=$! && "
            + "for i in $(seq 100); do [ -S /run/cni/dhcp.sock ] && break; sleep 0.05; done; "
            + $"{MusubiCni.Executable} try -o json {Repository.File("examples/additional-networks/macvlan-net.json")}; code=$?; kill $daemon; wait $daemon; exit $code"));

        Assert.StartsWith("192.168.20.", report.GetProperty("result").GetProperty("ips")[0].GetProperty("address").GetString(), StringComparison.Ordinal);
        Assert.Contains(report.GetProperty("container").EnumerateArray(), c => Is(c, "link", "eth0"));
        Assert.Empty(report.GetProperty("left").EnumerateArray());
        server.WaitForLine("DHCPRELEASE");
        server.End(Signal.Term);
    }

    private static bool Is(JsonElement change, string kind, string name) =>
        change.GetProperty("kind").GetString() == kind && change.GetProperty("name").GetString() == name;

    /// <summary>The host's eth1, which the examples name, with the other end outside.</summary>
    private void AddUplink()
    {
        _host.Run($"ip link add eth1 type veth peer name outside netns {_outside.Name}");
        _host.Run("ip link set eth1 up");
        _outside.Run("ip link set outside up");
    }

    private JsonElement Try(string file) => Report(Witness.TryRun(
        "ip", "netns", "exec", _host.Name, "sh", "-c", $"{OwnBooks} && exec {MusubiCni.Executable} try -o json {file}"));

    private static JsonElement Report((int Code, string Output, string Errors) run)
    {
        Assert.True(run.Code == 0, run.Output + run.Errors);
        return JsonDocument.Parse(run.Output).RootElement;
    }
}
