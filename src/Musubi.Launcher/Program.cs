using System.Runtime.InteropServices;
using System.Text.Json;
using Musubi.Launcher;
using Musubi.Launcher.Qemu;
using Musubi.Machines;

return args switch
{
    ["run", "--machine", var directory] => RunMachine(new MachineDirectory(directory)),
    ["exec", .. var plan] => ExecVerb.Run(plan),
    ["probe"] => Probe(),
    ["version" or "--version"] => Print($"musubi-launcher {typeof(MachineRun).Assembly.GetName().Version?.ToString(3)}"),
    ["help" or "--help" or "-h"] => Print(Usage.Text),
    _ => Usage.Fail(),
};

static int RunMachine(MachineDirectory directory)
{
    using StreamWriter log = new(new FileStream(directory.Log, new FileStreamOptions
    {
        Mode = FileMode.Append,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    }))
    { AutoFlush = true };
    MachineSpec machine;
    try
    {
        machine = MachineJson.Load(directory.Spec, MachineJson.Default.MachineSpec) ?? throw new FileNotFoundException($"{directory.Spec} does not exist");
    }
    catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine($"musubi-launcher: cannot read {directory.Spec}: {e.Message}");
        return Usage.BadInput;
    }

    using MachineRun run = new(directory, machine, TextWriter.Synchronized(log));
    using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => { signal.Cancel = true; run.RequestStop(limit: null); });
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => { signal.Cancel = true; run.RequestStop(limit: null); });
    return run.Run();
}

static int Probe()
{
    Acceleration acceleration = AccelerationProbe.RunAsync(QemuProgram.Find(), CancellationToken.None).GetAwaiter().GetResult();
    return Print($"{acceleration.Name}\t{acceleration.Reason}");
}

static int Print(string text)
{
    Console.Out.WriteLine(text);
    return 0;
}
