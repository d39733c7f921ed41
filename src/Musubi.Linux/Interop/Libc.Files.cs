using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Musubi.Linux.Interop;

/// <summary>Whole-file locks, ownership, permissions, sizes, times.</summary>
internal static unsafe partial class Libc
{
    internal const int LOCK_EX = 2;
    internal const int LOCK_NB = 4;

    /// <summary>flock(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int flock(SafeHandle fd, int operation);

    /// <summary>chown(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int chown(string path, uint owner, uint group);

    /// <summary>umask(2)</summary>
    [LibraryImport(Library)]
    internal static partial uint umask(uint mask);

    /// <summary>ftruncate(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int ftruncate(SafeHandle fd, long length);

    /// <summary>futimens(3): access time, then modification time.</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int futimens(SafeHandle fd, TimeSpec* times);

    /// <summary>memfd_create(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial SafeFileHandle memfd_create(string name, uint flags);
}
