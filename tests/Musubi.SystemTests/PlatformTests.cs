using System.Text.Json;
using Musubi.Cli.Demo;

namespace Musubi.SystemTests;

/// <summary>Two machines on two networks, seen from outside.</summary>
public sealed class PlatformTests(QuickstartPlatform quickstart) : IClassFixture<QuickstartPlatform>
{
    private readonly Platform _platform = quickstart.Platform;

    [Fact]
    public async Task Machines_OnThePodNetwork_AreBehindNat()
    {
        Assert.Contains("vm-a", await _platform.FetchAsync(Platform.AddressOf(quickstart.MachineA, "default")), StringComparison.Ordinal);
        Assert.Contains("vm-b", await _platform.FetchAsync(Platform.AddressOf(quickstart.MachineB, "default")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Machines_OnThePodNetwork_AreReachedByIPv6()
    {
        Assert.Contains("vm-a", await _platform.FetchAsync(Platform.AddressOf(quickstart.MachineA, "default", ipv6: true)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Machine_WithPorts_LetsInOnlyThem()
    {
        string address = Platform.AddressOf(quickstart.MachineB, "default");
        CommandResult closed = await Shell.RunAsync("ip", ["netns", "exec", _platform.NodeNamespace, "curl", "-s", "-m", "5", $"http://{address}:8080/"]);

        Assert.Equal(7, closed.ExitCode); // connection refused
        Assert.Contains("vm-b", await _platform.FetchAsync(address), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Machines_OnTheBridge_AreNeighbours()
    {
        string uid = quickstart.MachineA.GetProperty("status").GetProperty("activePods").EnumerateObject().First().Name;
        await using GuestShell shell = await GuestShell.LogInAsync(Path.Combine(_platform.PodsDirectory, uid, "serial.sock"), "musubi", CancellationToken.None);

        (string page, bool fetched) = await shell.RunAsync("fetch 10.10.10.12", TimeSpan.FromSeconds(30), CancellationToken.None);
        (string ping, bool answered) = await shell.RunAsync("ping -c 2 -W 3 -t 1 10.10.10.12", TimeSpan.FromSeconds(30), CancellationToken.None);

        Assert.True(fetched && page.Contains("vm-b", StringComparison.Ordinal), page);
        Assert.True(answered, ping); // one hop at most: layer 2
    }

    [Fact]
    public async Task Instance_Interfaces_ShowBothAddresses()
    {
        string printed = await _platform.KubectlAsync("get", "vmi", "vm-a", "-o", "jsonpath={.status.interfaces[*].ipAddresses}");

        Assert.Contains("\"10.244.1.", printed, StringComparison.Ordinal);
        Assert.Contains("\"fd10:244:0:1::", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("10.0.2.2", printed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Instance_Described_HasTheFieldsUsersKnow()
    {
        string text = await _platform.KubectlAsync("describe", "vmi", "vm-a");

        foreach (string field in (string[])["Info Source:", "Interface Name:", "Ip Address:", "Link State:", "Pod Interface Name:", "Queue Count:", "multus-status"])
        {
            Assert.Contains(field, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Pod_NetworkStatus_ShowsEveryInterface()
    {
        string annotation = await _platform.KubectlAsync(
            "get", "pod", "-l", "vmi.kubevirt.io/id=vm-a", "-o", @"jsonpath={.items[0].metadata.annotations.k8s\.v1\.cni\.cncf\.io/network-status}");
        using JsonDocument networks = JsonDocument.Parse(annotation);

        Assert.Equal(["eth0", "net1"], networks.RootElement.EnumerateArray().Select(n => n.GetProperty("interface").GetString()!));
        Assert.True(networks.RootElement[0].GetProperty("default").GetBoolean());
        Assert.Equal("default/a-bridge-network", networks.RootElement[1].GetProperty("name").GetString());
    }

    [Fact]
    public async Task Pod_Labels_AreTheTemplates()
    {
        string labels = await _platform.KubectlAsync("get", "pods", "-l", "example=quickstart,kubevirt.io=virt-launcher", "-o", "name");

        Assert.Equal(2, labels.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Machine_Qemu_IsNotRoot()
    {
        Machines.MachineStatus status = (await _platform.LauncherStatusAsync("vm-a"))!;
        string[] lines = await File.ReadAllLinesAsync($"/proc/{status.QemuPid}/status");

        Assert.Contains("Uid:\t107\t107\t107\t107", lines);
        Assert.Contains("NoNewPrivs:\t1", lines);
        Assert.Contains("CapEff:\t0000000000000000", lines);
    }

    [Fact]
    public void Kubeconfig_IsTheOwnersOnly()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_platform.Kubeconfig));
    }

    [Fact]
    public async Task Platform_Idle_WritesNothing()
    {
        // A controller and a node that disagreed about anything would write for ever.
        async Task<string> VersionsAsync() => await _platform.KubectlAsync("get", "vm,vmi,pods,nodes", "-o", "custom-columns=:.kind,:.metadata.name,:.metadata.resourceVersion", "--no-headers");
        string before = await Shell.EventuallyAsync(
            async () =>
            {
                string first = await VersionsAsync();
                await Task.Delay(TimeSpan.FromSeconds(2));
                return first == await VersionsAsync() ? first : "";
            },
            settled => settled.Length > 0,
            TimeSpan.FromSeconds(60),
            "the platform settles");

        Assert.NotEmpty(before);
    }
}
