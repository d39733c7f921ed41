using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Files;
using Musubi.Linux.Processes;

namespace Musubi.Launcher.Qemu;

/// <summary>The QEMU executable and the process made of it.</summary>
internal static class QemuProgram
{
    private const string LogName = "qemu.log";
    private const string Kvm = "/dev/kvm";
    private static readonly string[] _places = ["/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm", "/usr/local/bin/qemu-system-x86_64"];

    /// <summary>The executable.</summary>
    public static string Find() =>
        _places.FirstOrDefault(File.Exists) ?? throw new FileNotFoundException("QEMU is not installed: none of " + string.Join(", ", _places) + " exists; install the package qemu-system-x86");

    /// <summary>Starts QEMU: as its own user, without new privileges, with nothing open but its taps, and gone when this process is gone.</summary>
    /// <param name="program">QEMU.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="uid">Its user.</param>
    /// <param name="gid">Its group.</param>
    /// <param name="directory">Its directory, which is also where it keeps temporary files.</param>
    /// <param name="inherited">Descriptors it inherits under the same numbers.</param>
    public static ChildProcess Start(string program, IReadOnlyList<string> arguments, int uid, int gid, string directory, IReadOnlyList<SafeHandle> inherited)
    {
        ExecPlan plan = new()
        {
            Command = [program, .. arguments],
            UserId = (uint)uid,
            GroupId = (uint)gid,
            SupplementaryGroups = FileOwner.FindGroup(Kvm) is { } kvm ? [kvm] : [],
            NoNewPrivileges = true,
            ParentDeathSignal = Signal.Kill,
            ParentId = Environment.ProcessId,
            KeepDescriptors = [.. inherited.Select(ChildProcess.NumberOf)],
            WorkingDirectory = directory,
        };
        using SafeFileHandle log = File.OpenHandle(Path.Combine(directory, LogName), FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        return ChildProcess.Start(new ChildCommand([Environment.ProcessPath!, "exec", .. plan.ToArguments()])
        {
            // Scratch layers of disks are unlinked files there: on a disk, not in the memory that /run often is.
            Environment = ["TMPDIR=/var/tmp", "PATH=/usr/bin:/bin"],
            StandardOutput = log,
            StandardError = log,
            Inherited = inherited,
        });
    }

    /// <summary>The end of what QEMU printed, for an error message.</summary>
    public static async Task<string> LastWordsAsync(string directory)
    {
        string log = Path.Combine(directory, LogName);
        if (!File.Exists(log))
        {
            return "";
        }

        string[] lines = await File.ReadAllLinesAsync(log);
        return string.Join("; ", lines.Where(l => l.Length > 0).TakeLast(3));
    }
}
