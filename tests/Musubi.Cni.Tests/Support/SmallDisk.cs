namespace Musubi.Cni.Tests.Support;

/// <summary>A file system of a few kilobytes over a directory, for as long as a test.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _path;

    public SmallDisk(string path, int kibibytes, bool readOnly = false)
    {
        _path = path;
        Witness.Run("mount", "-t", "tmpfs", "-o", $"size={kibibytes}k{(readOnly ? ",ro" : "")}", "musubi-test", path);
    }

    public void Dispose() => Witness.Run("umount", "-l", _path);
}
