using Musubi.Linux.Files;
using Musubi.Linux.Interop;

namespace Musubi.Linux;

/// <summary>
/// Time since the machine was started, sleep included, which nobody sets back or forth (CLOCK_BOOTTIME; clock_gettime(2)). Every process of one
/// <see cref="BootId"/> sees the same, so it can be written down for a later process.
/// </summary>
public sealed class BootClock : TimeProvider
{
    private const long TicksPerSecond = 1_000_000_000;

    /// <inheritdoc/>
    public override long TimestampFrequency => TicksPerSecond;

    /// <summary>A name for the time from this start of the machine to its end.</summary>
    public static string BootId => KernelFile.Read("/proc/sys/kernel/random/boot_id");

    /// <inheritdoc/>
    public override unsafe long GetTimestamp()
    {
        Libc.TimeSpec time;
        if (Libc.clock_gettime(Libc.CLOCK_BOOTTIME, &time) < 0)
        {
            LinuxException.ThrowLast("read the clock (clock_gettime)");
        }

        return (time.Seconds * TicksPerSecond) + time.Nanoseconds;
    }
}
