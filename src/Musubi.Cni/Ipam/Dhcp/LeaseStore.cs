using Musubi.Linux;
using Musubi.Linux.Files;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>Leases on disk, a file each, and the lock by which one daemon keeps others from them.</summary>
internal sealed class LeaseStore : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const string Suffix = ".json";

    private readonly string _directory;
    private readonly string _bootId;
    private readonly FileLock _lock;

    private LeaseStore(string directory, string bootId, FileLock held)
    {
        _directory = directory;
        _bootId = bootId;
        _lock = held;
    }

    /// <summary>Opens a directory, which is made when missing. The caller disposes the store.</summary>
    /// <exception cref="TimeoutException">Another daemon has it.</exception>
    public static LeaseStore Open(string directory)
    {
        Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
        string path = Path.Combine(directory, "lock");
        return new LeaseStore(directory, BootClock.BootId, FileLock.Acquire(path, OwnerOnly, TimeSpan.Zero));
    }

    /// <summary>Every lease of this start of the machine. Files that are none, or half written, are removed.</summary>
    public IReadOnlyList<LeaseRecord> Load()
    {
        List<LeaseRecord> records = [];
        foreach (string path in Directory.EnumerateFiles(_directory))
        {
            if (path.EndsWith(Suffix, StringComparison.Ordinal) && LeaseRecord.Read(File.ReadAllBytes(path), _bootId) is { } record)
            {
                records.Add(record);
            }
            else if (Path.GetFileName(path) != "lock")
            {
                File.Delete(path);
            }
        }

        return records;
    }

    /// <summary>Writes a lease beside the old one and renames it, so that a crash leaves either. What a crash of the whole machine loses, it makes void too.</summary>
    public void Save(LeaseRecord record)
    {
        string path = PathOf(record.Key);
        using (FileStream file = new(path + ".new", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly, BufferSize = 0 }))
        {
            file.Write(record.Write(_bootId));
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    public void Remove(LeaseKey key) => File.Delete(PathOf(key));

    public void Dispose() => _lock.Dispose();

    private string PathOf(LeaseKey key) => Path.Combine(_directory, key.FileName + Suffix);
}
