using System.Net.Sockets;
using Musubi.Api.KubeVirt;
using Musubi.Cli.Commands;
using Musubi.Cli.Output;
using Musubi.Cli.Platform;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;
using Musubi.Node.Images;

namespace Musubi.Cli.Demo;

/// <summary>
/// Starts the platform, applies the quick start's manifests as kubectl would, and shows with packets that its two machines are
/// on the pod network and on a layer-2 network of their own.
/// </summary>
internal sealed class QuickstartDemo(PlatformSettings settings, string guestDirectory, IProgressDisplay progress)
{
    private const string Image = "musubi/guest:latest";
    private const string Namespace = "default";
    private const string Password = "musubi";
    private static readonly string[] _machines = ["vm-a", "vm-b"];
    private static readonly TimeSpan _bootLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan _checkLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _commandLimit = TimeSpan.FromSeconds(20);

    public async Task<DemoReport> RunAsync(CancellationToken ct)
    {
        await PlatformLifecycle.UpAsync(settings, progress, ct);
        progress.Report($"importing the guest image as {Image}");
        await Task.Run(() => new ImageStore(settings.ImagesDirectory, TimeProvider.System).Import(Image, guestDirectory), ct);

        using ApiClient api = new(KubeConfig.Load(settings.Kubeconfig));
        progress.Report("applying the manifests of examples/quickstart");
        List<string> applied = await ApplyAsync(api, ct);
        progress.Report("booting two machines");
        await WaitForMachinesAsync(api, ct);
        progress.Report("sending packets");
        IReadOnlyList<DemoCheck> checks = await CheckAsync(api, ct);
        return new DemoReport(applied, await MachineRow.ListAsync(api, Namespace, ct), checks);
    }

    private static async Task<List<string>> ApplyAsync(ApiClient api, CancellationToken ct)
    {
        ManifestApplier applier = new(api);
        List<string> lines = [];
        foreach (Manifest manifest in await Manifest.LoadAsync(Path.Combine(Programs.Examples, "quickstart"), ct))
        {
            Applied done = await applier.ApplyAsync(manifest, ct);
            lines.Add($"{done.Type.Kind.ToLowerInvariant()}.{done.Type.Group}/{manifest.Name} {done.Outcome.ToString().ToLowerInvariant()}");
        }

        return lines;
    }

    private static Task WaitForMachinesAsync(ApiClient api, CancellationToken ct) => Wait.UntilAsync(
        async () =>
        {
            KubeList<VirtualMachineInstance> instances = await api.Resource<VirtualMachineInstance>().ListAsync(new Selection { Namespace = Namespace }, ct);
            return _machines.All(name => instances.Items.Any(i => i.Metadata.Name == name && i.Status?.Conditions.Find("AgentConnected") is { IsTrue: true }));
        },
        _bootLimit,
        $"not every machine ({string.Join(", ", _machines)}) reported that it is up",
        ct);

    private async Task<IReadOnlyList<DemoCheck>> CheckAsync(ApiClient api, CancellationToken ct)
    {
        List<DemoCheck> checks = [];
        Dictionary<string, IReadOnlyList<string>> pod = [];
        foreach (string name in _machines)
        {
            pod[name] = await AddressesAsync(api, name, "default", ct);
        }

        using NodeProbe node = new(settings.NodeOptionsFor(settings.NodeNames[0]).NetworkNamespacePath);
        foreach (string name in _machines)
        {
            foreach (string address in pod[name])
            {
                checks.Add(await CheckPageAsync(node, name, address, ct));
            }
        }

        string b = pod["vm-b"].FirstOrDefault() ?? "";
        SocketError? refused = await node.TryConnectAsync(b, 22, ct);
        checks.Add(new DemoCheck("vm-b lets in port 80 only: port 22 is refused by its pod", refused == SocketError.ConnectionRefused, $"connecting to {b} port 22: {refused?.ToString() ?? "accepted"}"));

        checks.AddRange(await CheckFromGuestAsync(api, pod, ct));
        return checks;
    }

    private async Task<IReadOnlyList<DemoCheck>> CheckFromGuestAsync(ApiClient api, Dictionary<string, IReadOnlyList<string>> pod, CancellationToken ct)
    {
        string socket = await MachineLocator.SerialSocketAsync(api, settings, new ObjectKey(Namespace, "vm-a"), ct);
        progress.Report("logging in to vm-a");
        await using GuestShell shell = await GuestShell.LogInAsync(socket, Password, ct);
        progress.Report("sending packets from inside vm-a");
        List<DemoCheck> checks = [];
        foreach ((string claim, string command, string expected) in (IEnumerable<(string, string, string)>)[
            ("vm-a has its address of the pod network by DHCP", "ip -4 addr show dev eth0", "10.0.2.2/24"),
            ("vm-a, through NAT, reads vm-b's page on the pod network", $"fetch {pod["vm-b"].FirstOrDefault()}", "vm-b"),
            ("vm-a reads vm-b's page on the layer-2 network", "fetch 10.10.10.12", "vm-b"),
            ("vm-a and vm-b are neighbours there: no router answers in between", "ping -c 3 -W 2 -t 1 10.10.10.12", "3 packets received"),
        ])
        {
            checks.Add(await RunAsync(shell, claim, command, expected, ct));
        }

        return checks;
    }

    private static async Task<DemoCheck> RunAsync(GuestShell shell, string claim, string command, string expected, CancellationToken ct)
    {
        try
        {
            (string output, bool succeeded) = await shell.RunAsync(command, _commandLimit, ct);
            bool holds = succeeded && output.Contains(expected, StringComparison.Ordinal);
            string line = output.Split('\n').Select(l => l.Trim()).FirstOrDefault(l => l.Contains(expected, StringComparison.Ordinal)) ?? output.Trim();
            return new DemoCheck(claim, holds, $"{command}: {line}");
        }
        catch (Exception e) when (e is TimeoutException or IOException or SocketException)
        {
            return new DemoCheck(claim, Passed: false, $"{command}: {e.Message}");
        }
    }

    private static async Task<DemoCheck> CheckPageAsync(NodeProbe node, string name, string address, CancellationToken ct)
    {
        string claim = $"{name} serves its page on its pod's {(address.Contains(':', StringComparison.Ordinal) ? "IPv6" : "IPv4")} address";
        string seen = "";
        try
        {
            await Wait.UntilAsync(
                async () =>
                {
                    try
                    {
                        seen = await node.GetAsync(address, ct);
                        return seen.Contains(name, StringComparison.Ordinal);
                    }
                    catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !ct.IsCancellationRequested)
                    {
                        seen = e.Message;
                        return false;
                    }
                },
                _checkLimit,
                "the page did not come",
                ct);
            return new DemoCheck(claim, Passed: true, $"{Url(address)}: {seen[(seen.IndexOf("<h1>", StringComparison.Ordinal) + 4)..seen.IndexOf("</h1>", StringComparison.Ordinal)]}");
        }
        catch (TimeoutException)
        {
            return new DemoCheck(claim, Passed: false, $"{Url(address)}: {seen}");
        }
    }

    private static string Url(string address) => address.Contains(':', StringComparison.Ordinal) ? $"http://[{address}]/" : $"http://{address}/";

    /// <summary>The addresses of an interface, as soon as the API shows two of them: IPv4 and IPv6.</summary>
    private static async Task<IReadOnlyList<string>> AddressesAsync(ApiClient api, string name, string network, CancellationToken ct)
    {
        IReadOnlyList<string> addresses = [];
        try
        {
            await Wait.UntilAsync(
                async () =>
                {
                    VirtualMachineInstance? vmi = await api.Resource<VirtualMachineInstance>().FindAsync(new ObjectKey(Namespace, name), ct);
                    addresses = vmi?.Status?.Interfaces?.Find(i => i.Name == network)?.IpAddresses ?? [];
                    return addresses.Count >= 2;
                },
                _checkLimit,
                $"{name} has not got both its addresses",
                ct);
        }
        catch (TimeoutException)
        {
            // What is missing shows as a check that fails.
        }

        return addresses;
    }
}
