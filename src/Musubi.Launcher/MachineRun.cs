using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Musubi.Launcher.Control;
using Musubi.Launcher.GuestAgent;
using Musubi.Launcher.Network;
using Musubi.Launcher.Qemu;
using Musubi.Linux.Files;
using Musubi.Linux.Processes;
using Musubi.Machines;

namespace Musubi.Launcher;

/// <summary>One machine's life: network, QEMU, console, status, and the end of it all in reverse order.</summary>
internal sealed class MachineRun : IDisposable
{
    private static readonly TimeSpan _socketLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _qmpLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _agentFirst = TimeSpan.FromMilliseconds(500);
    private const int MostQuickAnswers = 20;
    private static readonly TimeSpan _agentSteady = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _lastEventsLimit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _killLimit = TimeSpan.FromSeconds(10);

    private readonly MachineDirectory _directory;
    private readonly MachineSpec _machine;
    private readonly TextWriter _log;
    private readonly StatusBoard _board;
    private readonly string _scratch;
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource<TimeSpan> _stopRequested = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private GuestNetwork? _network;
    private ChildProcess? _qemu;
    private volatile bool _guestPoweredOff;
    private volatile bool _guestPanicked;

    public MachineRun(MachineDirectory directory, MachineSpec machine, TextWriter log)
    {
        _directory = directory;
        _machine = machine;
        _log = log;
        _board = new StatusBoard(directory);
        _scratch = Path.Combine(directory.Root, "qemu");
    }

    /// <summary>Runs the machine to its end.</summary>
    /// <returns>0 after the guest powered off or was asked to stop, 1 after a failure.</returns>
    public int Run()
    {
        _board.Update(s => s);
        MachineJson.Save(_directory.Status, _board.Current, MachineJson.Default.MachineStatus);
        using ControlServer control = new(_directory.ControlSocket, _board, limit => RequestStop(limit));
        Task serving = control.RunAsync(_ending.Token);
        try
        {
            Start();
            return LiveAsync().GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            string reason = _qemu is not null ? "GuestFailed" : _network is null ? "NetworkSetupFailed" : "StartFailed";
            _log.WriteLine($"{reason}: {e}");
            Fail(reason, e.Message);
            return 1;
        }
        finally
        {
            End();
            control.Dispose();
            serving.Wait(_killLimit);
        }
    }

    /// <summary>Asks for the machine's end, from a signal or the control socket. The first limit counts; zero ends it now whatever was asked before.</summary>
    public void RequestStop(TimeSpan? limit)
    {
        if (limit == TimeSpan.Zero)
        {
            Kill();
        }

        _stopRequested.TrySetResult(limit ?? TimeSpan.FromSeconds(_machine.TerminationGraceSeconds));
    }

    public void Dispose()
    {
        _network?.Dispose();
        _qemu?.Dispose();
        _ending.Dispose();
    }

    private void Start()
    {
        _network = GuestNetwork.SetUp(_machine, _log);
        _board.Update(s => s with { Interfaces = InterfaceStatusMerge.Merge(_network.Attached, guest: null) });

        // QEMU's own directory: its sockets and scratch layers; nothing else of the machine is its business.
        Directory.CreateDirectory(_scratch);
        File.SetUnixFileMode(_scratch, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        QemuPaths paths = new(_scratch);
        List<QemuDisk> disks = [.. _machine.Disks.Select(PrepareDisk)];
        FileOwner.Change(_scratch, _machine.QemuUid, _machine.QemuGid);

        string qemu = QemuProgram.Find();
        Acceleration acceleration = _machine.Acceleration is "kvm" or "tcg"
            ? new Acceleration(_machine.Acceleration, _machine.AccelerationReason ?? "asked for")
            : AccelerationProbe.RunAsync(qemu, _ending.Token).GetAwaiter().GetResult();
        _board.Update(s => s with { Acceleration = acceleration.Name, AccelerationReason = acceleration.Reason });

        List<string> arguments = QemuCommandLine.Build(_machine, paths, acceleration.Name, disks, _network.Nics);
        _qemu = QemuProgram.Start(qemu, arguments, _machine.QemuUid, _machine.QemuGid, _scratch, _network.Handles);
        _network.CloseDescriptors();
        _board.Update(s => s with { QemuPid = _qemu.Identity.Id });
        _log.WriteLine($"started {qemu} as process {_qemu.Identity.Id} on {acceleration.Name} ({acceleration.Reason})");
    }

    private QemuDisk PrepareDisk(MachineDisk disk)
    {
        string made = Path.Combine(_scratch, $"{disk.Name}.img");
        if (disk.CloudInit is { } media)
        {
            CloudInitImage.Write(made, media);
        }
        else if (disk.CapacityBytes is { } size)
        {
            using FileStream file = new(made, FileMode.Create);
            file.SetLength(size);
        }
        else
        {
            return new QemuDisk(disk, disk.File ?? throw new ArgumentException($"disk {disk.Name} has no file"));
        }

        FileOwner.Change(made, _machine.QemuUid, _machine.QemuGid);
        return new QemuDisk(disk, made);
    }

    private async Task<int> LiveAsync()
    {
        QemuPaths paths = new(_scratch);
        Task<ExitStatus?> exited = _qemu!.WaitForExitAsync(Timeout.InfiniteTimeSpan, _ending.Token);
        await WaitForSocketsAsync(paths, exited);
        await using QmpClient qmp = await ConnectAsync(paths, exited);
        using SerialConsole console = new(paths.Serial, _directory.SerialSocket, _directory.SerialLog);
        Task[] services = [console.RunAsync(_ending.Token), _network!.ServeAsync(_ending.Token), FollowAgentAsync(paths)];
        _board.Update(s => s with { Phase = MachinePhase.Running });
        foreach (MachineInterface down in _machine.Interfaces.Where(i => i.LinkState == "down"))
        {
            await SetLinkAsync(qmp, down.Name, up: false);
        }

        if (await Task.WhenAny(exited, _stopRequested.Task) != exited)
        {
            await ShutDownAsync(qmp, await _stopRequested.Task, exited);
        }

        ExitStatus? ended = await exited;

        // Why QEMU ended may still be on its way to us.
        await Task.WhenAny(qmp.Closed, Task.Delay(_lastEventsLimit));
        int code = await ConcludeAsync(ended);
        await _ending.CancelAsync();
        try
        {
            await Task.WhenAll(services).WaitAsync(_killLimit);
        }
        catch (Exception e) when (e is IOException or SocketException or TimeoutException)
        {
            await _log.WriteLineAsync($"a service of the machine ended badly: {e.Message}"); // how the machine ended is decided already
        }

        return code;
    }

    private async Task WaitForSocketsAsync(QemuPaths paths, Task<ExitStatus?> exited)
    {
        long start = Stopwatch.GetTimestamp();
        while (!File.Exists(paths.Qmp) || !File.Exists(paths.Serial) || !File.Exists(paths.Agent))
        {
            if (exited.IsCompleted)
            {
                throw new IOException($"QEMU ended at once ({await exited}): {await QemuProgram.LastWordsAsync(_scratch)}");
            }

            if (Stopwatch.GetElapsedTime(start) > _socketLimit)
            {
                throw new TimeoutException($"QEMU did not open its sockets within {_socketLimit.TotalSeconds:0} s");
            }

            await Task.Delay(2, _ending.Token);
        }
    }

    private async Task<QmpClient> ConnectAsync(QemuPaths paths, Task<ExitStatus?> exited)
    {
        try
        {
            return await QmpClient.ConnectAsync(paths.Qmp, negotiate: true, OnEvent, _ending.Token);
        }
        catch (Exception e) when (e is QmpException or SocketException)
        {
            // QEMU opens its sockets before its devices: when a device cannot be made, this is how it shows.
            string ended = await Task.WhenAny(exited, Task.Delay(_killLimit)) == exited ? $"QEMU ended ({await exited})" : e.Message;
            throw new IOException($"{ended}: {await QemuProgram.LastWordsAsync(_scratch)}", e);
        }
    }

    private static Task<JsonElement> SetLinkAsync(QmpClient qmp, string name, bool up) => qmp.ExecuteAsync("set_link", json =>
    {
        json.WriteString("name", $"ua-{name}");
        json.WriteBoolean("up", up);
    }, _qmpLimit, CancellationToken.None);

    /// <summary>The power button, and the plug when the guest does not react in time.</summary>
    private async Task ShutDownAsync(QmpClient qmp, TimeSpan limit, Task exited)
    {
        _board.Update(s => s with { Phase = MachinePhase.ShuttingDown });
        long start = Stopwatch.GetTimestamp();
        try
        {
            // A guest that is still booting misses the button, so it is pressed again until the limit.
            while (!exited.IsCompleted && Stopwatch.GetElapsedTime(start) is var elapsed && elapsed < limit)
            {
                await qmp.ExecuteAsync("system_powerdown", arguments: null, _qmpLimit, _ending.Token);
                TimeSpan pause = TimeSpan.FromSeconds(2);
                await Task.WhenAny(exited, Task.Delay(limit - elapsed < pause ? limit - elapsed : pause, _ending.Token));
            }
        }
        catch (Exception e) when (e is QmpException or TimeoutException)
        {
            // A guest that powers off takes QEMU and this conversation with it.
            if (await Task.WhenAny(exited, Task.Delay(_qmpLimit)) != exited)
            {
                await _log.WriteLineAsync($"QEMU did not take the power button: {e.Message}");
            }
        }

        if (!exited.IsCompleted)
        {
            await _log.WriteLineAsync($"the guest did not power off within {limit.TotalSeconds:0} s: it is ended");
            Kill();
        }
    }

    private async Task<int> ConcludeAsync(ExitStatus? ended)
    {
        bool asked = _stopRequested.Task.IsCompleted;
        if (_guestPanicked)
        {
            Fail("GuestPanicked", "the guest's kernel panicked");
            return 1;
        }

        if (_guestPoweredOff || asked)
        {
            string message = _guestPoweredOff ? "the guest powered off" : "the machine was ended on request";
            _board.Update(s => s with { Phase = MachinePhase.Succeeded, Reason = _guestPoweredOff ? "GuestShutdown" : "Stopped", Message = message, QemuPid = 0, AgentConnected = false });
            return 0;
        }

        string words = await QemuProgram.LastWordsAsync(_scratch);
        Fail("GuestCrashed", $"QEMU ended ({ended}){(words.Length > 0 ? $": {words}" : "")}");
        return 1;
    }

    private void Fail(string reason, string message) =>
        _board.Update(s => s with { Phase = MachinePhase.Failed, Reason = reason, Message = message, QemuPid = 0, AgentConnected = false });

    private void OnEvent(string name, JsonElement data)
    {
        switch (name)
        {
            case "SHUTDOWN":
                _guestPoweredOff = data.ValueKind == JsonValueKind.Object && data.TryGetProperty("guest", out JsonElement guest) && guest.ValueKind == JsonValueKind.True;
                break;
            case "GUEST_PANICKED":
                _guestPanicked = true;
                break;
            case "STOP":
                _board.Update(s => s with { Paused = true });
                break;
            case "RESUME":
                _board.Update(s => s with { Paused = false });
                break;
        }
    }

    /// <summary>Asks the guest agent often until it first answers, then now and then; the last reading stands while it is briefly away.</summary>
    private async Task FollowAgentAsync(QemuPaths paths)
    {
        GuestAgentClient agent = new(paths.Agent);
        int answers = 0;
        try
        {
            while (true)
            {
                GuestReport? report = await agent.AskAsync(_ending.Token);
                if (report is not null)
                {
                    _board.Update(s => s with
                    {
                        AgentConnected = true,
                        GuestOs = report.Os ?? s.GuestOs,
                        GuestHostname = report.Hostname ?? s.GuestHostname,
                        Interfaces = InterfaceStatusMerge.Merge(_network!.Attached, report.Interfaces),
                    });
                }
                else
                {
                    _board.Update(s => s with { AgentConnected = false });
                }

                // An interface that never gets an address is no reason to go on asking often.
                answers += report is null ? 0 : 1;
                bool settled = report is { Interfaces: var inside } && (inside.All(i => i.Addresses.Count > 0) || answers > MostQuickAnswers);
                await Task.Delay(settled ? _agentSteady : _agentFirst, _ending.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The machine is ending.
        }
    }

    private void Kill() => _qemu?.Kill();

    private void End()
    {
        _ending.Cancel();
        if (_qemu is not null)
        {
            Kill();
            _qemu.WaitForExitAsync(_killLimit).GetAwaiter().GetResult();
        }

        _network?.Dispose();
        if (Directory.Exists(_scratch))
        {
            Directory.Delete(_scratch, recursive: true);
        }
    }
}
