using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Musubi.SystemTests;

/// <summary>An embedded platform of a test's own, run as a user runs it: by its command line, in its own directories and under its own name.</summary>
internal sealed class Platform : IAsyncDisposable
{
    private static readonly string _home = Environment.GetEnvironmentVariable("MUSUBI_HOME") ?? Repository.File("artifacts", "musubi");
    private static readonly string _guest = Environment.GetEnvironmentVariable("MUSUBI_GUEST_IMAGE") ?? Repository.File("artifacts", "guest");
    private static readonly TimeSpan _bootLimit = TimeSpan.FromMinutes(4);

    private readonly Dictionary<string, string> _kubectlEnvironment;

    private Platform(string name)
    {
        Name = name;
        StateDirectory = Path.Combine(Path.GetTempPath(), $"musubi-{name}");
        Port = FreePort();
        _kubectlEnvironment = new() { ["KUBECONFIG"] = Kubeconfig, ["HOME"] = Path.Combine(StateDirectory, "home"), ["KUBECACHEDIR"] = Path.Combine(StateDirectory, "kubecache") };
    }

    public string Name { get; }

    public int Port { get; }

    public string StateDirectory { get; }

    public string Kubeconfig => Path.Combine(StateDirectory, "admin.kubeconfig");

    public string RuntimeDirectory => $"/run/musubi/{Name}";

    public string PodsDirectory => $"{RuntimeDirectory}/node1/pods";

    public string NodeNamespace => $"{Name}-node1";

    public string AddressDirectory => Path.Combine(StateDirectory, "nodes", "node1", "cni", "networks", "musubi-pods");

    public static string Example(string path) => Repository.File("examples", path);

    public static async Task<Platform> StartAsync(string purpose, params string[] upOptions)
    {
        Platform platform = new($"t{purpose}-{Guid.NewGuid().ToString("N")[..6]}");
        await platform.MusubiAsync(["up", "--name", platform.Name, "--port", $"{platform.Port}", .. upOptions]);
        await platform.MusubiAsync("image", "import", "musubi/guest:latest", _guest);
        return platform;
    }

    /// <summary>Runs <c>musubi</c>; it must succeed.</summary>
    public Task<string> MusubiAsync(params string[] arguments) =>
        Shell.OutputAsync("dotnet", [Path.Combine(_home, "musubi.dll"), .. arguments, "--state-dir", StateDirectory]);

    /// <summary>Runs <c>kubectl</c>, whatever comes of it.</summary>
    public Task<CommandResult> TryKubectlAsync(string[] arguments, string? input = null) => Shell.RunAsync("kubectl", arguments, input, _kubectlEnvironment);

    /// <summary>Runs <c>kubectl</c>; it must succeed.</summary>
    public async Task<string> KubectlAsync(params string[] arguments)
    {
        CommandResult result = await TryKubectlAsync(arguments);
        Assert.True(result.ExitCode == 0, $"kubectl {string.Join(' ', arguments)}: {result}");
        return result.Output;
    }

    public async Task<JsonElement> GetAsync(string kind, string name)
    {
        using JsonDocument document = JsonDocument.Parse(await KubectlAsync("get", kind, name, "-o", "json"));
        return document.RootElement.Clone();
    }

    /// <summary>Waits until a machine's guest agent answers, and gives the instance.</summary>
    public async Task<JsonElement> WaitUntilUpAsync(string name)
    {
        await Shell.EventuallyAsync(
            () => TryKubectlAsync(["get", "vmi", name, "-o", "jsonpath={.status.phase} {.status.conditions[?(@.type==\"AgentConnected\")].status}"]),
            r => r.Output == "Running True",
            _bootLimit,
            $"machine {name} is up");
        return await GetAsync("vmi", name);
    }

    /// <summary>Fetches a page from inside the node's namespace.</summary>
    public async Task<string> FetchAsync(string address)
    {
        string url = address.Contains(':', StringComparison.Ordinal) ? $"http://[{address}]/" : $"http://{address}/";
        CommandResult result = await Shell.EventuallyAsync(
            () => Shell.RunAsync("ip", ["netns", "exec", NodeNamespace, "curl", "-s", "-g", "-m", "5", url]),
            r => r.ExitCode == 0,
            TimeSpan.FromSeconds(60),
            $"{url} answers");
        return result.Output;
    }

    /// <summary>The first address of a machine's interface, of one family.</summary>
    public static string AddressOf(JsonElement vmi, string network, bool ipv6 = false) =>
        vmi.GetProperty("status").GetProperty("interfaces").EnumerateArray()
            .First(i => i.GetProperty("name").GetString() == network)
            .GetProperty("ipAddresses").EnumerateArray().Select(a => a.GetString()!)
            .First(a => a.Contains(':', StringComparison.Ordinal) == ipv6);

    /// <summary>The process ids of the platform's processes, by name.</summary>
    public async Task<IReadOnlyDictionary<string, int>> ComponentsAsync()
    {
        using JsonDocument status = JsonDocument.Parse(await MusubiAsync("status", "-o", "json"));
        return status.RootElement.GetProperty("components").EnumerateArray().ToDictionary(c => c.GetProperty("name").GetString()!, c => c.GetProperty("pid").GetInt32());
    }

    /// <summary>What a machine's launcher reports of itself; null while no pod of the machine runs.</summary>
    public async Task<Machines.MachineStatus?> LauncherStatusAsync(string machine)
    {
        string uids = await KubectlAsync("get", "pods", "-l", $"vmi.kubevirt.io/id={machine}", "--field-selector", "status.phase=Running", "-o", "jsonpath={.items[*].metadata.uid}");
        return uids.Split(' ')[0] is not { Length: > 0 } uid
            ? null
            : Machines.MachineJson.Load(new Machines.MachineDirectory(Path.Combine(PodsDirectory, uid)).Status, Machines.MachineJson.Default.MachineStatus);
    }

    public async ValueTask DisposeAsync()
    {
        await MusubiAsync("down", "--purge");
    }

    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
