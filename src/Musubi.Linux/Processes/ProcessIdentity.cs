using System.Globalization;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Files;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Processes;

/// <summary>
/// A process that cannot be mistaken for a later one with the same number: the number together with the time it was started. It can be written down and
/// found again after a restart of whoever watches the process.
/// </summary>
/// <param name="Id">Process number.</param>
/// <param name="StartTime">When it was started, in clock ticks since the machine's start; proc_pid_stat(5).</param>
public readonly record struct ProcessIdentity(int Id, ulong StartTime)
{
    /// <summary>This process.</summary>
    public static ProcessIdentity Current =>
        Find(Environment.ProcessId) ?? throw new LinuxException("read /proc/self/stat", Errno.ENOENT, "is /proc mounted?");

    /// <summary>Whether it still runs; one that ended and waits for its parent does not.</summary>
    public bool IsAlive => TryReadStat(Id, out char state, out ulong startTime) && startTime == StartTime && state is not ('Z' or 'X');

    /// <summary>The process that has a number now, or null.</summary>
    public static ProcessIdentity? Find(int id) => TryReadStat(id, out _, out ulong startTime) ? new ProcessIdentity(id, startTime) : null;

    /// <summary>Sends a signal; answers false when the process is gone.</summary>
    /// <exception cref="LinuxException">EPERM: it belongs to another user.</exception>
    public bool Kill(Signal signal = Signal.Kill)
    {
        using SafeFileHandle? descriptor = OpenDescriptor();
        if (descriptor is null)
        {
            return false;
        }

        if (Libc.pidfd_send_signal(descriptor, (int)signal) < 0)
        {
            return Libc.LastErrno == Errno.ESRCH ? false : throw new LinuxException($"send {signal} to process {Id}", Libc.LastErrno);
        }

        return true;
    }

    /// <summary>Waits until the process ended; answers false when it still runs after the limit. It need not be a child.</summary>
    public async Task<bool> WaitForExitAsync(TimeSpan limit, CancellationToken ct = default)
    {
        using SafeFileHandle? descriptor = OpenDescriptor();
        if (descriptor is null || !IsAlive)
        {
            return true;
        }

        using CancellationTokenSource limited = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limited.CancelAfter(limit);
        try
        {
            await DescriptorEvents.WaitReadableAsync(descriptor, limited.Token);
            return true;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>As <c>123@456</c>: number and start time.</summary>
    public override string ToString() => $"{Id}@{StartTime}";

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ProcessIdentity process)
    {
        int at = text.IndexOf('@');
        process = default;
        if (at < 0
            || !int.TryParse(text[..at], NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            || !ulong.TryParse(text[(at + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ulong startTime))
        {
            return false;
        }

        process = new ProcessIdentity(id, startTime);
        return true;
    }

    /// <summary>A descriptor of the process, or null when it is gone. The caller disposes it.</summary>
    internal SafeFileHandle? OpenDescriptor()
    {
        SafeFileHandle descriptor = Libc.pidfd_open(Id);
        if (descriptor.IsInvalid)
        {
            return Libc.LastErrno is Errno.ESRCH or Errno.EINVAL ? null : throw new LinuxException($"open process {Id} (pidfd_open)", Libc.LastErrno);
        }

        // Only now is it certain which process the number meant.
        if (Find(Id) == this)
        {
            return descriptor;
        }

        descriptor.Dispose();
        return null;
    }

    private static bool TryReadStat(int id, out char state, out ulong startTime)
    {
        const int FieldsToStartTime = 19;
        state = default;
        startTime = 0;
        string? text = KernelFile.TryRead($"/proc/{id}/stat");

        // The name, which may hold anything, ends at the last parenthesis; then come the state and 18 fields to the start time.
        int end = text?.LastIndexOf(')') ?? -1;
        if (end < 0)
        {
            return false;
        }

        ReadOnlySpan<char> fields = text.AsSpan(end + 2);
        state = fields.IsEmpty ? default : fields[0];
        int index = 0;
        foreach (Range field in fields.Split(' '))
        {
            if (index++ == FieldsToStartTime)
            {
                return ulong.TryParse(fields[field], NumberStyles.None, CultureInfo.InvariantCulture, out startTime);
            }
        }

        return false;
    }
}
