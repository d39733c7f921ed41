using Musubi.Linux.Interop;

namespace Musubi.Linux.Files;

/// <summary>Who a file belongs to.</summary>
public static class FileOwner
{
    private const uint StatxGroup = 0x10;

    /// <summary>Gives a file or directory to a user and group; chown(2).</summary>
    public static void Change(string path, int uid, int gid)
    {
        if (Libc.chown(path, (uint)uid, (uint)gid) != 0)
        {
            LinuxException.ThrowLast($"chown {path}");
        }
    }

    /// <summary>The group a file belongs to; null when there is no such file; statx(2).</summary>
    public static unsafe uint? FindGroup(string path)
    {
        Libc.StatxBuffer buffer;
        return Libc.statx(Libc.AT_FDCWD, path, 0, StatxGroup, &buffer) == 0 ? buffer.Group : null;
    }
}
