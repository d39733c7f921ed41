using System.Text;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Files;

/// <summary>Reads and writes the small text files by which the kernel shows and takes settings (/proc, /sys, cgroups).</summary>
internal static class KernelFile
{
    internal static SafeFileHandle Open(string path, int flags, string operation)
    {
        SafeFileHandle file = Libc.open(path, flags | Libc.O_CLOEXEC, 0);
        if (file.IsInvalid)
        {
            LinuxException.ThrowLast(operation);
        }

        return file;
    }

    /// <summary>The whole text, without the final newline.</summary>
    internal static string Read(string path)
    {
        using SafeFileHandle file = Open(path, Libc.O_RDONLY, $"open {path}");
        return Read(file, path);
    }

    /// <summary>The whole text, or null when the file is missing or goes while it is read, as those of processes do.</summary>
    internal static string? TryRead(string path)
    {
        try
        {
            return Read(path);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH or Errno.ENODEV)
        {
            return null;
        }
    }

    internal static void Write(string path, string value)
    {
        using SafeFileHandle file = Open(path, Libc.O_WRONLY, $"open {path}");
        Write(file, path, value);
    }

    internal static unsafe string Read(SafeFileHandle file, string name)
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(4096);
        int length = 0;
        while (true)
        {
            nint count;
            fixed (byte* free = &buffer[length])
            {
                count = Libc.read(file, free, (nuint)(buffer.Length - length));
            }

            if (count < 0)
            {
                LinuxException.ThrowLast($"read {name}");
            }

            if (count == 0)
            {
                break;
            }

            length += (int)count;
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, 2 * length);
            }
        }

        return Encoding.UTF8.GetString(buffer, 0, length).TrimEnd('\n');
    }

    internal static unsafe void Write(SafeFileHandle file, string name, string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        fixed (byte* data = bytes)
        {
            // Always from the start: the kernel ignores what is written to a parameter at any other offset.
            if (Libc.pwrite(file, data, (nuint)bytes.Length, 0) < 0)
            {
                LinuxException.ThrowLast($"write {name}", $"value \"{value}\"");
            }
        }
    }
}
