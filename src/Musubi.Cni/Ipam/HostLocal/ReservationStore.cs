using System.Net;
using System.Text;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Files;

namespace Musubi.Cni.Ipam.HostLocal;

/// <summary>Who holds an address.</summary>
/// <param name="ContainerId">Container.</param>
/// <param name="IfName">Interface; null in files of early versions, which name the container alone.</param>
internal readonly record struct ReservationOwner(string ContainerId, string? IfName);

/// <summary>
/// Reservations of one network on disk, in the layout of the reference plugin, so that either can take over from the other:
/// a file per address with the owner in it, <c>last_reserved_ip.N</c> per range set, and <c>lock</c>.
/// </summary>
internal sealed class ReservationStore : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode LockMode = OwnerOnly | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
    private const string LastReservedPrefix = "last_reserved_ip.";
    private const string LockName = "lock";

    private static readonly TimeSpan _lockLimit = TimeSpan.FromSeconds(60);

    private readonly string _directory;
    private readonly FileLock _lock;

    private ReservationStore(string directory, FileLock held)
    {
        _directory = directory;
        _lock = held;
    }

    /// <summary>Where networks are kept below the plugins' state, when the configuration does not say.</summary>
    public const string DefaultDirectory = "networks";

    /// <summary>Opens a network's reservations and locks them against every other process until disposed.</summary>
    public static ReservationStore Open(string dataDirectory, string network, CancellationToken ct)
    {
        string directory = Path.Combine(dataDirectory, network);
        Directory.CreateDirectory(directory);
        return new ReservationStore(directory, FileLock.Acquire(Path.Combine(directory, LockName), LockMode, _lockLimit, ct));
    }

    /// <summary>True when the network ever had a reservation here.</summary>
    public static bool Exists(string dataDirectory, string network) => Directory.Exists(Path.Combine(dataDirectory, network));

    /// <summary>Takes an address; false when it is taken.</summary>
    public bool TryReserve(IPAddress address, ReservationOwner owner, int rangeSet)
    {
        string path = PathOf(address);
        if (!TryCreate(path, $"{owner.ContainerId}\r\n{owner.IfName}"))
        {
            // A crash or a full disk between creating and writing leaves an empty file, which nobody could ever release.
            if (!IsAbandoned(path))
            {
                return false;
            }

            File.Delete(path);
            if (!TryCreate(path, $"{owner.ContainerId}\r\n{owner.IfName}"))
            {
                return false;
            }
        }

        Replace(Path.Combine(_directory, LastReservedPrefix + rangeSet), IpText.Format(address));
        return true;
    }

    /// <summary>The address that was given out last from a range set; null when none was.</summary>
    public IPAddress? LastReserved(int rangeSet)
    {
        string path = Path.Combine(_directory, LastReservedPrefix + rangeSet);
        return File.Exists(path) && IpText.TryParseAddress(File.ReadAllText(path).Trim(), out IPAddress? address) ? address : null;
    }

    /// <summary>Every address an attachment holds. Files that name only the container count when none names the interface too.</summary>
    public IReadOnlyList<IPAddress> AddressesOf(string containerId, string ifName)
    {
        List<IPAddress> exact = [];
        List<IPAddress> legacy = [];
        foreach ((IPAddress address, ReservationOwner owner) in All())
        {
            if (owner.ContainerId == containerId)
            {
                (owner.IfName == ifName ? exact : owner.IfName is null ? legacy : []).Add(address);
            }
        }

        return exact.Count > 0 ? exact : legacy;
    }

    /// <summary>Every reservation.</summary>
    public IEnumerable<(IPAddress Address, ReservationOwner Owner)> All()
    {
        foreach (string path in Directory.EnumerateFiles(_directory))
        {
            string name = Path.GetFileName(path);
            if (name == LockName || name.StartsWith(LastReservedPrefix, StringComparison.Ordinal) || !IpText.TryParseAddress(name, out IPAddress? address))
            {
                continue;
            }

            string[] lines = File.ReadAllText(path).Trim().Split('\n', 2);
            yield return (address, new ReservationOwner(lines[0].Trim(), lines.Length > 1 ? lines[1].Trim() : null));
        }
    }

    public void Release(IPAddress address) => File.Delete(PathOf(address));

    public void Dispose() => _lock.Dispose();

    private string PathOf(IPAddress address) => Path.Combine(_directory, IpText.Format(address));

    private static bool IsAbandoned(string path) => new FileInfo(path) is { Exists: true, Length: 0 };

    private static bool TryCreate(string path, string content)
    {
        FileStream file;
        try
        {
            file = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly, BufferSize = 0 });
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }

        try
        {
            using (file)
            {
                file.Write(Encoding.UTF8.GetBytes(content));
            }
        }
        catch (IOException e)
        {
            File.Delete(path);
            throw new CniException(CniErrorCode.IoFailure, $"could not write the reservation {path}: {e.Message}");
        }

        return true;
    }

    /// <summary>Written beside and renamed, so that a reader or a crash sees the old content or the new.</summary>
    private static void Replace(string path, string content)
    {
        string temporary = path + ".new";
        using (FileStream file = new(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly, BufferSize = 0 }))
        {
            file.Write(Encoding.UTF8.GetBytes(content));
        }

        File.Move(temporary, path, overwrite: true);
    }
}
