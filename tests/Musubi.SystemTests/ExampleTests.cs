namespace Musubi.SystemTests;

/// <summary>The manifests of the source documents, completed with memory, image and network, boot from their container disks and answer.</summary>
public sealed class ExampleTests
{
    [Fact]
    public async Task Examples_OfTheSourceDocuments_BootAndAnswer()
    {
        await using Platform platform = await Platform.StartAsync("e");
        foreach (string manifest in (string[])["pod-network/vm-masquerade.yaml", "pod-network/vm-masquerade-dual-stack.yaml", "bridge-network/vm-bridge-network.yaml"])
        {
            CommandResult applied = await platform.TryKubectlAsync(["apply", "-f", Platform.Example(manifest)]);
            Assert.True(applied.ExitCode == 0, applied.ToString());
            Assert.Contains("running is deprecated", applied.Errors, StringComparison.Ordinal);
        }

        foreach (string machine in (string[])["example-vm", "example-vm-ipv6", "example-vm-bridge"])
        {
            string address = Platform.AddressOf(await platform.WaitUntilUpAsync(machine), "default");
            Assert.Contains(machine, await platform.FetchAsync(address), StringComparison.Ordinal);
        }

        string ipv6 = Platform.AddressOf(await platform.GetAsync("vmi", "example-vm-ipv6"), "default", ipv6: true);
        Assert.Contains("example-vm-ipv6", await platform.FetchAsync(ipv6), StringComparison.Ordinal);

        // Stopped and started again by the user, as the run strategy has it.
        await platform.MusubiAsync("vm", "stop", "example-vm", "--wait", "--grace-period", "5");
        Assert.Equal("Stopped", await platform.KubectlAsync("get", "vm", "example-vm", "-o", "jsonpath={.status.printableStatus}"));
        await platform.MusubiAsync("vm", "start", "example-vm", "--wait");
        await platform.WaitUntilUpAsync("example-vm");
    }

    [Fact]
    public async Task Platform_WithJumboFrames_GivesTheGuestTheMtu()
    {
        await using Platform platform = await Platform.StartAsync("j", "--pod-mtu", "9000");
        await platform.KubectlAsync("apply", "-f", Platform.Example("pod-network/vm-masquerade.yaml"));
        string address = Platform.AddressOf(await platform.WaitUntilUpAsync("example-vm"), "default");

        // 9000 bytes with headers, not to be fragmented; the pod answers pings of a machine with a ports list.
        await Shell.OutputAsync("ip", "netns", "exec", platform.NodeNamespace, "ping", "-c", "1", "-W", "5", "-M", "do", "-s", "8972", address);
        string uid = (await platform.GetAsync("vmi", "example-vm")).GetProperty("status").GetProperty("activePods").EnumerateObject().First().Name;
        await using Cli.Demo.GuestShell shell = await Cli.Demo.GuestShell.LogInAsync(Path.Combine(platform.PodsDirectory, uid, "serial.sock"), "musubi", CancellationToken.None);
        (string mtu, _) = await shell.RunAsync("cat /sys/class/net/eth0/mtu", TimeSpan.FromSeconds(30), CancellationToken.None);

        Assert.Contains("9000", mtu, StringComparison.Ordinal);
    }
}
