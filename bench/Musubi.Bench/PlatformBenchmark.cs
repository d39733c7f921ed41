using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;
using Musubi.Linux.Namespaces;

namespace Musubi.Bench;

/// <summary>The embedded platform: start, a machine's way from manifest to web page, memory.</summary>
internal sealed class PlatformBenchmark(string home, string guest)
{
    private const string Name = "bench";
    private const string Port = "16797";
    private const int Runs = 5;
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    private readonly string _state = Path.Combine(Path.GetTempPath(), $"musubi-bench-{Environment.ProcessId}");

    public async Task RunAsync()
    {
        Report.Head("The embedded platform");
        Report.Table("what", "measured", "goal", "");
        try
        {
            Samples up = Starts();
            Report.Row("`musubi up` to ready, built, second start on", $"{up}", "≤ 3000", Report.Verdict(up.Median <= 3000));
            long idle = await IdleMemoryAsync();
            Report.Row("resident memory of the platform, idle, without guests", $"{idle >> 20} MiB", "≤ 300 MiB", Report.Verdict(idle <= 300L << 20));
            await MachineAsync();
        }
        finally
        {
            Musubi("down", "--purge");
        }
    }

    private Samples Starts()
    {
        Samples up = new();
        for (int i = 0; i <= Runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Musubi("up", "--name", Name, "--port", Port);
            if (i > 0)
            {
                up.Add(Stopwatch.GetElapsedTime(start));
            }

            if (i < Runs)
            {
                Musubi("down");
            }
        }

        return up;
    }

    /// <summary>After the platform has had a while to settle; the largest of a few readings.</summary>
    private async Task<long> IdleMemoryAsync()
    {
        long largest = 0;
        for (int i = 0; i < 5; i++)
        {
            await Task.Delay(TimeSpan.FromSeconds(3));
            using JsonDocument status = JsonDocument.Parse(Musubi("status", "-o", "json"));
            largest = Math.Max(largest, status.RootElement.GetProperty("components").EnumerateArray().Sum(c => c.GetProperty("memoryBytes").GetInt64()));
        }

        return largest;
    }

    private async Task MachineAsync()
    {
        Musubi("image", "import", "musubi/guest:latest", guest);
        using ApiClient api = new(KubeConfig.Load(Path.Combine(_state, "admin.kubeconfig")));
        (Samples hand, Samples platform, long launcher) = (new(), new(), 0L);
        for (int i = 0; i <= Runs; i++)
        {
            TimeSpan byHand = await ByHandAsync();
            (TimeSpan applied, long resident) = await ByManifestAsync(api);
            if (i > 0)
            {
                hand.Add(byHand);
                platform.Add(applied);
                launcher = Math.Max(launcher, resident);
            }
        }

        double beyond = platform.Median - hand.Median;
        Report.Row("manifest applied → web page answers", $"{platform}", $"QEMU by hand {hand}, + 1000: + {Report.Number(beyond, "0")}", Report.Verdict(beyond <= 1000));
        Report.Row("launcher beside QEMU, resident", $"{Report.Number(launcher / 1048576.0)} MiB", "≤ 25 MiB", Report.Verdict(launcher <= 25L << 20));
    }

    /// <summary>The same guest with the same devices, started by a command line, on QEMU's own user-mode network.</summary>
    private async Task<TimeSpan> ByHandAsync()
    {
        const int port = 16798;
        string[] arguments =
        [
            "-machine", "q35,accel=tcg,usb=off,graphics=off", "-cpu", "max", "-m", "128M", "-smp", "1", "-nodefaults", "-no-user-config", "-display", "none",
            "-kernel", Path.Combine(guest, "boot", "vmlinuz"), "-initrd", Path.Combine(guest, "boot", "initrd"), "-append", "console=ttyS0 quiet", "-serial", "null",
            "-netdev", $"user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:80", "-device", "virtio-net-pci,netdev=n0,romfile=",
            "-device", "virtio-serial-pci", "-device", "virtio-rng-pci", "-device", "virtio-balloon-pci",
        ];
        long start = Stopwatch.GetTimestamp();
        using Process qemu = Process.Start(new ProcessStartInfo("qemu-system-x86_64", arguments) { RedirectStandardError = true })!;
        try
        {
            await UntilPageAsync(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), "127.0.0.1", port);
            return Stopwatch.GetElapsedTime(start);
        }
        finally
        {
            qemu.Kill();
            await qemu.WaitForExitAsync();
        }
    }

    private async Task<(TimeSpan Elapsed, long LauncherBytes)> ByManifestAsync(ApiClient api)
    {
        const string manifest = """
            apiVersion: kubevirt.io/v1
            kind: VirtualMachine
            metadata: { name: bench, namespace: default }
            spec:
              runStrategy: Always
              template:
                spec:
                  terminationGracePeriodSeconds: 0
                  domain:
                    memory: { guest: 128Mi }
                    devices:
                      interfaces: [ { name: default, masquerade: {} } ]
                    firmware:
                      kernelBoot:
                        kernelArgs: console=ttyS0 quiet
                        container: { image: "musubi/guest:latest", kernelPath: /boot/vmlinuz, initrdPath: /boot/initrd }
                  networks: [ { name: default, pod: {} } ]
            """;
        ManifestApplier applier = new(api);
        Manifest machine = Manifest.Parse(manifest, "bench")[0];
        ObjectKey key = new("default", "bench");
        using NetworkNamespace node = NetworkNamespace.Open($"/run/netns/{Name}-node1");
        long start = Stopwatch.GetTimestamp();
        await applier.ApplyAsync(machine, CancellationToken.None);
        string address = await UntilAsync(async () => (await api.Resource<VirtualMachineInstance>().FindAsync(key, CancellationToken.None))?.Status?.Interfaces?.FirstOrDefault()?.IpAddress);
        await UntilPageAsync(() => node.OpenSocket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp), address, 80);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
        long launcher = LauncherResidentBytes();
        await applier.DeleteAsync(machine, CancellationToken.None);
        await UntilAsync(async () => await api.Resource<VirtualMachineInstance>().FindAsync(key, CancellationToken.None) is null ? "gone" : null);
        return (elapsed, launcher);
    }

    /// <summary>Resident pages of the launcher (proc(5), statm): the process of its machine's status file.</summary>
    private static long LauncherResidentBytes()
    {
        string status = Directory.EnumerateFiles($"/run/musubi/{Name}/node1/pods", "status.json", SearchOption.AllDirectories).First();
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(status));
        int pid = document.RootElement.GetProperty("pid").GetInt32();
        return long.Parse(File.ReadAllText($"/proc/{pid}/statm").Split(' ')[1]) * Environment.SystemPageSize;
    }

    private static async Task UntilPageAsync(Func<Socket> open, string address, int port) => await UntilAsync(async () =>
    {
        using Socket socket = open();
        using CancellationTokenSource attempt = new(TimeSpan.FromMilliseconds(500));
        try
        {
            await socket.ConnectAsync(address, port, attempt.Token);
            await socket.SendAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray(), attempt.Token);
            byte[] buffer = new byte[64];
            int read = await socket.ReceiveAsync(buffer, attempt.Token);
            return Encoding.ASCII.GetString(buffer, 0, read).Contains(" 200 ", StringComparison.Ordinal) ? "page" : null;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return null;
        }
    });

    private static async Task<string> UntilAsync(Func<Task<string?>> observe)
    {
        for (long start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < _limit;)
        {
            if (await observe() is { } seen)
            {
                return seen;
            }

            await Task.Delay(20);
        }

        throw new TimeoutException($"nothing within {_limit.TotalSeconds:0} s");
    }

    private string Musubi(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", [Path.Combine(home, "musubi.dll"), .. arguments, "--state-dir", _state]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"musubi {string.Join(' ', arguments)}: {errors.GetAwaiter().GetResult()}");
    }
}
