using Musubi.Machines;

namespace Musubi.Node.Sandboxes;

/// <summary>The directories of this node's pods, one per UID, each with its <see cref="SandboxRecord"/>.</summary>
internal sealed class SandboxStore(string directory)
{
    private const string RecordFile = "sandbox.json";

    // Guests' processes, which are not root, pass through on the way to their own directory; the files themselves are root's.
    private const UnixFileMode PassThrough =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>The directory of a pod.</summary>
    public MachineDirectory DirectoryOf(string uid) => new(Path.Combine(directory, uid));

    public SandboxRecord? Find(string uid) => MachineJson.Load(RecordPath(uid), SandboxJson.Default.SandboxRecord);

    /// <summary>Every pod that something was made for.</summary>
    public IReadOnlyList<SandboxRecord> List() => !Directory.Exists(directory)
        ? []
        : [.. Directory.EnumerateDirectories(directory).Select(d => Find(Path.GetFileName(d))).OfType<SandboxRecord>()];

    public void Save(SandboxRecord record)
    {
        Directory.CreateDirectory(directory, PassThrough);
        Directory.CreateDirectory(Path.Combine(directory, record.Uid), PassThrough);
        MachineJson.Save(RecordPath(record.Uid), record, SandboxJson.Default.SandboxRecord);
    }

    public void Remove(string uid)
    {
        string path = Path.Combine(directory, uid);
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private string RecordPath(string uid) => Path.Combine(directory, uid, RecordFile);
}
