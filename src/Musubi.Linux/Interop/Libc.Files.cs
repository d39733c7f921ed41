using System.Runtime.InteropServices;

namespace Musubi.Linux.Interop;

/// <summary>Whole-file locks and ownership.</summary>
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
}
