using System.Runtime.InteropServices;

namespace Musubi.Linux.Interop;

/// <summary>Directories, where the error number matters.</summary>
internal static unsafe partial class Libc
{
    /// <summary>mkdir(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mkdir(string path, uint mode);

    /// <summary>rmdir(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int rmdir(string path);
}
