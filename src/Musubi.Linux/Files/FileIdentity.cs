using Musubi.Linux.Interop;

namespace Musubi.Linux.Files;

/// <summary>Tells whether two paths are the same file, through symbolic and hard links (device and inode, statx(2)).</summary>
/// <param name="Device">Device number, major in the upper half.</param>
/// <param name="Inode">Inode number.</param>
public readonly record struct FileIdentity(ulong Device, ulong Inode)
{
    private const uint StatxInode = 0x100;

    /// <summary>The identity of what a path leads to; null when there is nothing.</summary>
    public static unsafe FileIdentity? Find(string path)
    {
        Libc.StatxBuffer buffer;
        return Libc.statx(Libc.AT_FDCWD, path, 0, StatxInode, &buffer) == 0
            ? new FileIdentity(((ulong)buffer.DeviceMajor << 32) | buffer.DeviceMinor, buffer.Inode)
            : null;
    }
}
