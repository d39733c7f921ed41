using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

[assembly: DisableRuntimeMarshalling]

namespace Musubi.Linux.Interop;

/// <summary>The C library, file descriptors and files. Names are the C names; each import names its manual page.</summary>
internal static unsafe partial class Libc
{
    /// <summary>The file's own name: for a bare "libc" the runtime tries dozens of others first, which takes a fifth of a short program's time.</summary>
    internal const string Library = "libc.so.6";

    internal const int O_RDONLY = 0;
    internal const int O_WRONLY = 1;
    internal const int O_RDWR = 2;
    internal const int O_CREAT = 0x40;
    internal const int O_EXCL = 0x80;
    internal const int O_NONBLOCK = 0x800;
    internal const int O_CLOEXEC = 0x80000;

    internal const int AT_FDCWD = -100;
    internal const int AT_EMPTY_PATH = 0x1000;

    internal static Errno LastErrno => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>open(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial SafeFileHandle open(string path, int flags, uint mode);

    /// <summary>close(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int close(nint fd);

    /// <summary>read(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint read(SafeHandle fd, byte* buffer, nuint count);

    /// <summary>write(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint write(SafeHandle fd, byte* buffer, nuint count);

    /// <summary>pwrite(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint pwrite(SafeHandle fd, byte* buffer, nuint count, long offset);

    /// <summary>pread(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint pread(SafeHandle fd, byte* buffer, nuint count, long offset);

    /// <summary>getrandom(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial nint getrandom(byte* buffer, nuint length, uint flags);

    /// <summary>unlink(2)</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int unlink(string path);

    /// <summary>ioctl(2)</summary>
    [LibraryImport(Library, SetLastError = true)]
    internal static partial int ioctl(SafeHandle fd, nuint request, void* argument);

    /// <summary>statx(2), whose structure is the same on every architecture.</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int statx(int directory, string path, int flags, uint mask, StatxBuffer* result);

    /// <summary>statx(2) of an open descriptor; pass <see cref="AT_EMPTY_PATH"/> and an empty path.</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8, EntryPoint = "statx")]
    internal static partial int statx_fd(SafeHandle fd, string path, int flags, uint mask, StatxBuffer* result);

    /// <summary>The head of struct statx; the tail is only there to give the kernel its room.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct StatxBuffer
    {
        [FieldOffset(24)] internal uint Group;
        [FieldOffset(32)] internal ulong Inode;
        [FieldOffset(40)] internal ulong Size;
        [FieldOffset(112)] internal long ModifiedSeconds;
        [FieldOffset(120)] internal uint ModifiedNanoseconds;
        [FieldOffset(136)] internal uint DeviceMajor;
        [FieldOffset(140)] internal uint DeviceMinor;
    }
}
