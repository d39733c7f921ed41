using Musubi.Linux.Files;
using Musubi.Linux.Processes;
using Musubi.Machines;

namespace Musubi.Launcher.Qemu;

/// <summary>How guests run here, and why.</summary>
/// <param name="Name"><c>kvm</c> or <c>tcg</c>.</param>
/// <param name="Reason">For a person.</param>
internal sealed record Acceleration(string Name, string Reason);

/// <summary>
/// Finds out whether KVM works by running the smallest of guests on it. That /dev/kvm exists says little: nested or filtered
/// virtualisation may offer the device and never run an instruction.
/// </summary>
internal static class AccelerationProbe
{
    private const int RomSize = 64 * 1024;
    private const int ResetVector = RomSize - 16;
    private const int ExitCode = (0x15 << 1) | 1;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(3);

    // At the reset vector: write 0x15 to the debug-exit port, then halt.
    private static readonly byte[] _code = [0xba, 0x01, 0x05, 0xb0, 0x15, 0xee, 0xf4];

    /// <summary>Probes KVM, at most three seconds long.</summary>
    public static async Task<Acceleration> RunAsync(string qemu, CancellationToken ct)
    {
        if (!File.Exists("/dev/kvm"))
        {
            return new Acceleration("tcg", "this machine has no /dev/kvm");
        }

        DirectoryInfo directory = Directory.CreateTempSubdirectory("musubi-probe-");
        try
        {
            byte[] image = new byte[RomSize];
            _code.CopyTo(image, ResetVector);
            string rom = Path.Combine(directory.FullName, "rom");
            await File.WriteAllBytesAsync(rom, image, ct);
            FileOwner.Change(rom, MachineSpec.DefaultQemuUid, MachineSpec.DefaultQemuUid);
            FileOwner.Change(directory.FullName, MachineSpec.DefaultQemuUid, MachineSpec.DefaultQemuUid);
            return await BootAsync(qemu, rom, directory.FullName, ct);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>As a machine would be: the same user, machine type and processor, each of which can be what KVM refuses.</summary>
    private static async Task<Acceleration> BootAsync(string qemu, string rom, string directory, CancellationToken ct)
    {
        string[] arguments =
        [
            "-machine", "q35,accel=kvm", "-cpu", "host", "-m", "16M", "-nodefaults", "-no-user-config", "-display", "none",
            "-bios", rom, "-device", "isa-debug-exit,iobase=0x501,iosize=1",
        ];
        using ChildProcess process = QemuProgram.Start(qemu, arguments, MachineSpec.DefaultQemuUid, MachineSpec.DefaultQemuUid, directory, inherited: []);
        ExitStatus? ended = await process.WaitForExitAsync(_limit, ct);
        if (ended is null)
        {
            process.Kill();
            await process.WaitForExitAsync(_limit, ct);
            return new Acceleration("tcg", $"KVM is there, but a guest made no progress on it within {_limit.TotalSeconds:0} s");
        }

        return ended.Value.Code == ExitCode
            ? new Acceleration("kvm", "a guest ran on KVM")
            : new Acceleration("tcg", $"KVM is not usable: {await QemuProgram.LastWordsAsync(directory)}");
    }
}
