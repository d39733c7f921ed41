using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Files;

/// <summary>
/// A file by its descriptor, read and written at offsets by pread(2) and pwrite(2): no buffer, no share lock, no look at what it is. For small files
/// that a short-lived program reads or writes once.
/// </summary>
public sealed class DescriptorFile : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly string _path;

    private DescriptorFile(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
    }

    /// <summary>Opens a file or directory for reading.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static DescriptorFile Open(string path) => Open(path, Libc.O_RDONLY, UnixFileMode.None);

    /// <summary>Opens a file for reading; null when there is none.</summary>
    /// <exception cref="LinuxException">The kernel refused for another reason.</exception>
    public static DescriptorFile? Find(string path) => TryOpen(path, Libc.O_RDONLY, UnixFileMode.None, Errno.ENOENT);

    /// <summary>Opens a file for reading and writing, creating it where it is missing.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static DescriptorFile OpenOrCreate(string path, UnixFileMode mode) => Open(path, Libc.O_RDWR | Libc.O_CREAT, mode);

    /// <summary>Creates a file for reading and writing; null when the name is taken.</summary>
    /// <exception cref="LinuxException">The kernel refused for another reason.</exception>
    public static DescriptorFile? TryCreate(string path, UnixFileMode mode) => TryOpen(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL, mode, Errno.EEXIST);

    /// <summary>A file without a name that is gone when it is closed; memfd_create(2).</summary>
    public static DescriptorFile InMemory(string name) =>
        Libc.memfd_create(name, 1 /* MFD_CLOEXEC */) is { IsInvalid: false } handle ? new DescriptorFile(handle, name) : throw new LinuxException($"memfd_create {name}", Libc.LastErrno);

    /// <summary>The descriptor, for programs that inherit it. It belongs to this object: do not dispose it.</summary>
    public SafeFileHandle Handle => _handle;

    /// <summary>The size in bytes.</summary>
    public unsafe long Length => (long)Stat().Size;

    /// <summary>When the content, or a directory's list of names, was last changed.</summary>
    public FileTime ModifiedAt
    {
        get
        {
            Libc.StatxBuffer stat = Stat();
            return new FileTime(stat.ModifiedSeconds, stat.ModifiedNanoseconds);
        }
    }

    /// <summary>Sets the time that <see cref="ModifiedAt"/> tells; futimens(3).</summary>
    public unsafe void SetModifiedAt(FileTime time)
    {
        Libc.TimeSpec* times = stackalloc Libc.TimeSpec[2];
        times[0].Nanoseconds = Libc.TimeSpec.Omit;
        times[1] = new Libc.TimeSpec { Seconds = time.Seconds, Nanoseconds = time.Nanoseconds };
        if (Libc.futimens(_handle, times) < 0)
        {
            LinuxException.ThrowLast($"set the time of {_path}");
        }
    }

    /// <summary>Reads at an offset until the buffer is full or the file ends; answers the number of bytes.</summary>
    public unsafe int Read(Span<byte> buffer, long offset)
    {
        int length = 0;
        fixed (byte* first = buffer)
        {
            while (length < buffer.Length)
            {
                nint count = Libc.pread(_handle, first + length, (nuint)(buffer.Length - length), offset + length);
                if (count == 0)
                {
                    break;
                }

                if (count > 0)
                {
                    length += (int)count;
                }
                else if (Libc.LastErrno != Errno.EINTR)
                {
                    LinuxException.ThrowLast($"read {_path}");
                }
            }
        }

        return length;
    }

    /// <summary>Writes all of a buffer at an offset.</summary>
    /// <exception cref="LinuxException">ENOSPC: the disk is full; what was written before that stays.</exception>
    public unsafe void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        fixed (byte* first = bytes)
        {
            for (int length = 0; length < bytes.Length;)
            {
                nint count = Libc.pwrite(_handle, first + length, (nuint)(bytes.Length - length), offset + length);
                if (count >= 0)
                {
                    length += (int)count;
                }
                else if (Libc.LastErrno != Errno.EINTR)
                {
                    LinuxException.ThrowLast($"write {_path}");
                }
            }
        }
    }

    /// <summary>Cuts or extends the file; ftruncate(2).</summary>
    public void SetLength(long length)
    {
        if (Libc.ftruncate(_handle, length) < 0)
        {
            LinuxException.ThrowLast($"truncate {_path}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static DescriptorFile Open(string path, int flags, UnixFileMode mode)
    {
        SafeFileHandle handle = Libc.open(path, flags | Libc.O_CLOEXEC, (uint)mode);
        if (handle.IsInvalid)
        {
            LinuxException.ThrowLast($"open {path}");
        }

        return new DescriptorFile(handle, path);
    }

    private static DescriptorFile? TryOpen(string path, int flags, UnixFileMode mode, Errno expected)
    {
        SafeFileHandle handle = Libc.open(path, flags | Libc.O_CLOEXEC, (uint)mode);
        if (!handle.IsInvalid)
        {
            return new DescriptorFile(handle, path);
        }

        Errno errno = Libc.LastErrno;
        handle.Dispose();
        return errno == expected ? null : throw new LinuxException($"open {path}", errno);
    }

    private unsafe Libc.StatxBuffer Stat()
    {
        Libc.StatxBuffer stat;
        if (Libc.statx_fd(_handle, "", Libc.AT_EMPTY_PATH, 0x7ff /* STATX_BASIC_STATS */, &stat) < 0)
        {
            LinuxException.ThrowLast($"stat {_path}");
        }

        return stat;
    }
}

/// <summary>A file's time.</summary>
/// <param name="Seconds">Since 1970.</param>
/// <param name="Nanoseconds">Below one second.</param>
public readonly record struct FileTime(long Seconds, uint Nanoseconds);
