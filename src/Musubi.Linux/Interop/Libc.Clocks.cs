using System.Runtime.InteropServices;

namespace Musubi.Linux.Interop;

/// <summary>Clocks.</summary>
internal static unsafe partial class Libc
{
    internal const int CLOCK_BOOTTIME = 7;

    /// <summary>clock_gettime(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int clock_gettime(int clock, TimeSpec* time);

    /// <summary>struct timespec</summary>
    internal struct TimeSpec
    {
        internal const long Omit = 0x3ffffffe; // UTIME_OMIT, as nanoseconds

        internal long Seconds;
        internal long Nanoseconds;
    }
}
