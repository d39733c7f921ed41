using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;
using Musubi.Kubernetes.Objects;
using Musubi.Linux.Processes;
using Musubi.Machines;
using Musubi.Node.Sandboxes;

namespace Musubi.Node.Machines;

/// <summary>
/// Starts launchers and follows them over their control sockets. A launcher is nobody's child that matters: it goes on when this
/// process ends, and is followed again by the next one.
/// </summary>
internal sealed partial class MachineSupervisor(NodeOptions options, SandboxStore store, ILogger log)
{
    private static readonly TimeSpan _retry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _endRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _answerLimit = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, Machine> _machines = new();

    /// <summary>Called with the pod's key whenever a machine's status changed.</summary>
    public Action<ObjectKey> Changed { get; set; } = _ => { };

    /// <summary>The last status of a pod's machine; null when it has none.</summary>
    public MachineStatus? StatusOf(string uid) => _machines.TryGetValue(uid, out Machine? machine) ? machine.Status : null;

    /// <summary>Starts a launcher in a sandbox and writes down who it is.</summary>
    public SandboxRecord Start(SandboxRecord sandbox, MachineSpec spec)
    {
        MachineDirectory directory = store.DirectoryOf(sandbox.Uid);
        MachineJson.Save(directory.Spec, spec, MachineJson.Default.MachineSpec);
        File.Delete(directory.Status);

        // A launcher whose identity was not written down in time (a crash right here) must not meet its successor.
        PodCgroup.End(sandbox.Cgroup);
        ExecPlan plan = new()
        {
            Command = [options.LauncherPath, "run", "--machine", directory.Root],
            CgroupPath = sandbox.Cgroup,
            NetworkNamespacePath = sandbox.Netns,
            NewSession = true,
        };
        using SafeFileHandle output = OpenLog(directory.Log);
        ChildProcess process = ChildProcess.Start(new ChildCommand([options.LauncherPath, "exec", .. plan.ToArguments()]) { StandardOutput = output, StandardError = output });
        SandboxRecord started = sandbox with { Launcher = new LauncherIdentity(process.Identity.Id, process.Identity.StartTime) };
        store.Save(started);
        Follow(started);
        _ = ReapAsync(process);
        return started;
    }

    /// <summary>Follows a launcher that is there already.</summary>
    public void Follow(SandboxRecord sandbox)
    {
        if (sandbox.Launcher is null || _machines.ContainsKey(sandbox.Uid))
        {
            return;
        }

        Machine machine = new(sandbox);
        if (_machines.TryAdd(sandbox.Uid, machine))
        {
            machine.Following = FollowAsync(machine);
        }
    }

    /// <summary>Asks a machine to end: by its power button within the grace period, at once when that is zero.</summary>
    public async Task StopAsync(string uid, int? graceSeconds, CancellationToken ct)
    {
        if (_machines.TryGetValue(uid, out Machine? machine) && !machine.Status.IsFinal)
        {
            await SendAsync(machine, new MachineRequest { Command = graceSeconds == 0 ? "kill" : "shutdown", GraceSeconds = graceSeconds }, ct);
        }
    }

    /// <summary>Forgets a machine whose sandbox is gone.</summary>
    public void Forget(string uid)
    {
        if (_machines.TryRemove(uid, out Machine? machine))
        {
            machine.Stop.Cancel();
        }
    }

    private static SafeFileHandle OpenLog(string path)
    {
        SafeFileHandle log = File.OpenHandle(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        File.SetUnixFileMode(log, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return log;
    }

    /// <summary>A child that ended stays a zombie until its parent asks how.</summary>
    private static async Task ReapAsync(ChildProcess process)
    {
        using (process)
        {
            await process.WaitForExitAsync(Timeout.InfiniteTimeSpan);
        }
    }

    private async Task SendAsync(Machine machine, MachineRequest request, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_answerLimit);
        try
        {
            using Socket socket = await ConnectAsync(machine, limit.Token);
            await using NetworkStream stream = new(socket);
            await stream.WriteAsync((byte[])[.. JsonSerializer.SerializeToUtf8Bytes(request, MachineJson.Default.MachineRequest), (byte)'\n'], limit.Token);
            using StreamReader reader = new(stream);
            await reader.ReadLineAsync(limit.Token);
        }
        catch (Exception e) when (e is SocketException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            LogNotAnswering(log, machine.Sandbox.Namespace, machine.Sandbox.Name, e.Message);
        }
    }

    private async Task<Socket> ConnectAsync(Machine machine, CancellationToken ct)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(store.DirectoryOf(machine.Sandbox.Uid).ControlSocket), ct);
            return socket;
        }
        catch (Exception)
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task FollowAsync(Machine machine)
    {
        LauncherIdentity launcher = machine.Sandbox.Launcher!;
        ProcessIdentity process = new(launcher.Pid, launcher.StartTime);
        try
        {
            while (process.IsAlive)
            {
                try
                {
                    await WatchAsync(machine);
                }
                catch (Exception e) when (e is SocketException or IOException or JsonException)
                {
                    // Not listening yet, or ending: the process itself tells which.
                }

                await Task.Delay(_retry, machine.Stop.Token);
            }

            while (!TryReportEnd(machine))
            {
                await Task.Delay(_endRetry, machine.Stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Forgotten.
        }
    }

    private bool TryReportEnd(Machine machine)
    {
        try
        {
            Report(machine, LastWords(machine));
            return true;
        }
        catch (Exception e) when (e is TimeoutException or Linux.LinuxException or IOException or JsonException)
        {
            LogNotAnswering(log, machine.Sandbox.Namespace, machine.Sandbox.Name, e.Message);
            return false;
        }
    }

    private async Task WatchAsync(Machine machine)
    {
        using Socket socket = await ConnectAsync(machine, machine.Stop.Token);
        await using NetworkStream stream = new(socket);
        using StreamReader reader = new(stream);
        await stream.WriteAsync("{\"command\":\"watch\"}\n"u8.ToArray(), machine.Stop.Token);
        while (await reader.ReadLineAsync(machine.Stop.Token) is { } line)
        {
            if (JsonSerializer.Deserialize(line, MachineJson.Default.MachineStatus) is { } status && !status.IsFinal)
            {
                // A final status counts when the process is gone and has let go of everything.
                Report(machine, status);
            }
        }
    }

    /// <summary>What a launcher that is gone wrote last; one that was killed could not write anything.</summary>
    private MachineStatus LastWords(Machine machine)
    {
        MachineStatus? last = MachineJson.Load(store.DirectoryOf(machine.Sandbox.Uid).Status, MachineJson.Default.MachineStatus);
        if (last is { IsFinal: true })
        {
            return last;
        }

        // QEMU is bound to its launcher's life; whatever else is left in the control group goes too.
        PodCgroup.End(machine.Sandbox.Cgroup);
        return (last ?? new MachineStatus()) with
        {
            Phase = MachinePhase.Failed,
            Reason = "LauncherDied",
            Message = "the launcher ended without a word: it was killed, or crashed",
            QemuPid = 0,
            AgentConnected = false,
        };
    }

    private void Report(Machine machine, MachineStatus status)
    {
        machine.Status = status;
        Changed(new ObjectKey(machine.Sandbox.Namespace, machine.Sandbox.Name));
    }

    private sealed class Machine(SandboxRecord sandbox)
    {
        public SandboxRecord Sandbox { get; } = sandbox;

        public CancellationTokenSource Stop { get; } = new();

        public MachineStatus Status { get; set; } = new();

        public Task? Following { get; set; }
    }

    [LoggerMessage(EventId = 5201, Level = LogLevel.Information, Message = "Launcher of {Namespace}/{Name} does not answer: {Why}")]
    private static partial void LogNotAnswering(ILogger log, string @namespace, string name, string why);
}
