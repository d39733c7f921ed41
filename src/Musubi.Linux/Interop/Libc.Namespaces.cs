using System.Runtime.InteropServices;

namespace Musubi.Linux.Interop;

/// <summary>Namespaces and mounts.</summary>
internal static unsafe partial class Libc
{
    internal const int CLONE_NEWNET = 0x40000000;
    internal const nuint NS_GET_NSTYPE = 0xb703;
    internal const nuint SIOCGSKNS = 0x894C;

    internal const nuint MS_BIND = 0x1000;
    internal const int MNT_DETACH = 2;

    /// <summary>setns(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int setns(SafeHandle fd, int type);

    /// <summary>unshare(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int unshare(int flags);

    /// <summary>mount(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int mount(string source, string target, string? type, nuint flags, void* data);

    /// <summary>umount2(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int umount2(string target, int flags);
}
