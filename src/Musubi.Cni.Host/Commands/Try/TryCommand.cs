using System.Diagnostics;
using System.Runtime.InteropServices;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Host.Commands.Try;

/// <summary><c>musubi-cni try</c>: a network's whole life for one namespace, looked at from outside.</summary>
internal static class TryCommand
{
    private const int NotDetached = 3;
    private const int Interrupted = 130;
    private const string Prefix = "musubi-try-";

    public static int Run(IReadOnlyList<string> arguments)
    {
        Flags flags = Flags.Read(arguments, ["--ifname", "--args", "--bin-dir", "-o"], []);
        if (flags.Rest.Count != 1)
        {
            throw new FormatException("try needs one configuration file, or - for standard input");
        }

        bool asJson = flags["-o"] switch
        {
            null => false,
            "json" => true,
            string other => throw new FormatException($"-o {other}: expected json"),
        };
        NetworkConfigList network = NetworkConfigList.Parse(Read(flags.Rest[0]), fallbackName: "try");
        using CancellationTokenSource interrupted = new();
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            interrupted.Cancel();
        }

        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        TryReport report = Attach(network, flags, interrupted.Token);
        if (asJson)
        {
            using Stream output = Console.OpenStandardOutput();
            output.Write(report.ToJson());
        }
        else
        {
            report.Print(Console.Out, !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));
        }

        return report.DetachFailure is not null ? NotDetached
            : interrupted.IsCancellationRequested ? Interrupted
            : report.Failure is not null ? Command.Failed
            : 0;
    }

    private static byte[] Read(string file)
    {
        if (file != "-")
        {
            return File.ReadAllBytes(file);
        }

        using Stream input = Console.OpenStandardInput();
        using MemoryStream read = new();
        input.CopyTo(read);
        return read.ToArray();
    }

    private static TryReport Attach(NetworkConfigList network, Flags flags, CancellationToken ct)
    {
        Span<byte> random = stackalloc byte[4];
        KernelRandom.Fill(random);
        string name = Prefix + Convert.ToHexStringLower(random);
        string netns = $"/run/netns/{name}";
        DirectoryInfo cache = Directory.CreateTempSubdirectory(Prefix);
        CniEngineOptions options = new() { CacheDirectory = cache.FullName, PluginPath = flags["--bin-dir"] ?? "" };
        PluginEnvironment environment = new(new DelegateRunner(Environment.ProcessPath, preferOwn: true), Host: null, Console.Error);
        CniAttachment attachment = new(name, netns, flags["--ifname"] ?? "eth0") { Args = flags["--args"] ?? "IgnoreUnknown=1" };
        IReadOnlyList<string> parameters = ParametersOf(network);
        IReadOnlyList<KernelItem> before = KernelSnapshot.Take(null, parameters);
        TryReport report = new(network);
        try
        {
            using (NetworkNamespace sandbox = MakeSandbox(netns))
            {
                IReadOnlyList<KernelItem> empty = KernelSnapshot.Take(sandbox, parameters);
                report = Add(report, new CniEngine(options, environment with { Cancellation = ct }), attachment, sandbox, parameters, before, empty);

                // Always, without the token that may have ended ADD: what DEL finds gone already is no error.
                report = Del(report, new CniEngine(options, environment), attachment);
            }
        }
        finally
        {
            NetworkNamespace.Remove(netns);
            cache.Delete(recursive: true);
        }

        return report with { Left = KernelChange.Between(before, KernelSnapshot.Take(null, parameters)) };
    }

    /// <summary>The kernel parameters that the configuration names (plugin tuning), as paths below /proc/sys.</summary>
    private static IReadOnlyList<string> ParametersOf(NetworkConfigList network) =>
    [
        .. network.Plugins.Where(p => p.Text("type") == "tuning")
            .SelectMany(p => p.Object("sysctl")?.Element.EnumerateObject().Select(s => s.Name) ?? [])
            .Select(n => n.Contains('/', StringComparison.Ordinal) ? n : n.Replace('.', '/')),
    ];

    /// <summary>A namespace as runtimes hand it over: with its loopback interface up.</summary>
    private static NetworkNamespace MakeSandbox(string netns)
    {
        NetworkNamespace sandbox = NetworkNamespace.Create(netns);
        using RouteSocket route = RouteSocket.Open(sandbox);
        route.Links.Change(route.Links.IndexOf("lo"), new Linux.Links.LinkChange { AdminUp = true });
        return sandbox;
    }

    private static TryReport Add(
        TryReport report, CniEngine engine, CniAttachment attachment, NetworkNamespace sandbox,
        IReadOnlyList<string> parameters, IReadOnlyList<KernelItem> before, IReadOnlyList<KernelItem> empty)
    {
        try
        {
            long start = Stopwatch.GetTimestamp();
            CniResult result = engine.Add(report.Network, attachment);
            return report with
            {
                Attaching = Stopwatch.GetElapsedTime(start),
                Result = result,
                Host = KernelChange.Between(before, KernelSnapshot.Take(null, parameters)),
                Container = KernelChange.Between(empty, KernelSnapshot.Take(sandbox, parameters)),
            };
        }
        catch (CniException e)
        {
            return report with { Failure = e };
        }
        catch (OperationCanceledException)
        {
            return report with { Failure = new CniException(CniErrorCode.TryAgainLater, "interrupted") };
        }
    }

    private static TryReport Del(TryReport report, CniEngine engine, CniAttachment attachment)
    {
        try
        {
            long start = Stopwatch.GetTimestamp();
            engine.Del(report.Network, attachment);
            return report with { Detaching = Stopwatch.GetElapsedTime(start) };
        }
        catch (CniException e)
        {
            return report with { DetachFailure = e };
        }
    }
}
