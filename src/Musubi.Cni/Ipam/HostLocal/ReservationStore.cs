using System.Net;
using System.Text;
using Musubi.Cni.Spec;
using Musubi.Linux;
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
    private const int LongestReservation = 4096; // container ids are shorter, by the longest argument a runtime passes on

    private static readonly TimeSpan _lockLimit = TimeSpan.FromSeconds(60);

    private readonly string _directory;
    private readonly FileLock _lock;
    private readonly ReservationIndex _index;

    private ReservationStore(string directory, FileLock held)
    {
        _directory = directory;
        _lock = held;
        _index = ReservationIndex.Open(directory, All);
    }

    /// <summary>Where networks are kept below the plugins' state, when the configuration does not say.</summary>
    public const string DefaultDirectory = "networks";

    /// <summary>Opens a network's reservations and locks them against every other process until disposed.</summary>
    public static ReservationStore Open(string dataDirectory, string network, CancellationToken ct)
    {
        string directory = Path.Combine(dataDirectory, network);
        FileLock? held = null;
        try
        {
            Directory.CreateDirectory(directory);
            held = FileLock.Acquire(Path.Combine(directory, LockName), LockMode, _lockLimit, ct);
            return new ReservationStore(directory, held);
        }
        catch (Exception e)
        {
            held?.Dispose();
            if (e is LinuxException or IOException or UnauthorizedAccessException)
            {
                throw new CniException(CniErrorCode.IoFailure, $"cannot keep reservations in {directory}: {FileErrors.Describe(e)}");
            }

            throw;
        }
    }

    /// <summary>True when the network ever had a reservation here.</summary>
    public static bool Exists(string dataDirectory, string network) => Directory.Exists(Path.Combine(dataDirectory, network));

    /// <summary>Takes an address; false when it is taken.</summary>
    public bool TryReserve(IPAddress address, ReservationOwner owner, int rangeSet)
    {
        string path = PathOf(address);
        string content = $"{owner.ContainerId}\r\n{owner.IfName}";
        if (!TryCreate(path, content))
        {
            // A crash or a full disk between creating and writing leaves an empty file, which nobody could ever release.
            if (OwnerIn(path) is { } other)
            {
                _index.Add(address, other);
                return false;
            }

            File.Delete(path);
            if (!TryCreate(path, content))
            {
                return false;
            }
        }

        try
        {
            Overwrite(Path.Combine(_directory, LastReservedPrefix + rangeSet), IpText.Format(address));
        }
        catch (LinuxException)
        {
            File.Delete(path);
            throw;
        }

        _index.Add(address, owner);
        return true;
    }

    /// <summary>The first address between two that may be free, both included; null when all are taken.</summary>
    public IPAddress? NextFree(UInt128 first, UInt128 last, bool isIPv6) =>
        first <= last && _index.NextFree(first, last, isIPv6) is { } number ? IpText.FromNumber(number, isIPv6) : null;

    /// <summary>Looks at the directory itself once more; false when what is known comes from there already.</summary>
    public bool LookAgain()
    {
        if (_index.IsFresh)
        {
            return false;
        }

        _index.Rebuild(All());
        return true;
    }

    /// <summary>The address that was given out last from a range set; null when none was.</summary>
    public IPAddress? LastReserved(int rangeSet) =>
        Read(Path.Combine(_directory, LastReservedPrefix + rangeSet)) is { } text && IpText.TryParseAddress(text, out IPAddress? address) ? address : null;

    /// <summary>Every address an attachment holds. Files that name only the container count when none names the interface too.</summary>
    public IReadOnlyList<IPAddress> AddressesOf(string containerId, string ifName)
    {
        IReadOnlyList<IPAddress> exact = AddressesOf(new ReservationOwner(containerId, ifName));
        return exact.Count > 0 ? exact : AddressesOf(new ReservationOwner(containerId, null));
    }

    /// <summary>Every reservation, from the directory. Empty files are what a crash left, and go.</summary>
    public IEnumerable<(IPAddress Address, ReservationOwner Owner)> All()
    {
        foreach (string path in Directory.EnumerateFiles(_directory))
        {
            string name = Path.GetFileName(path);
            if (!IpText.TryParseAddress(name, out IPAddress? address))
            {
                continue;
            }

            if (OwnerIn(path) is { } owner)
            {
                yield return (address, owner);
            }
            else
            {
                TryDelete(path);
            }
        }
    }

    /// <summary>Gives an address back.</summary>
    public void Release(IPAddress address)
    {
        string path = PathOf(address);
        ReservationOwner? owner = OwnerIn(path);
        File.Delete(path);
        if (owner is { } known)
        {
            _index.Remove(address, known);
        }
    }

    public void Dispose()
    {
        _index.Dispose();
        _lock.Dispose();
    }

    private string PathOf(IPAddress address) => Path.Combine(_directory, IpText.Format(address));

    private List<IPAddress> AddressesOf(ReservationOwner owner) =>
        [.. _index.AddressesOf(owner).Where(a => OwnerIn(PathOf(a)) == owner)];

    private static ReservationOwner? OwnerIn(string path)
    {
        if (Read(path) is not { Length: > 0 } text)
        {
            return null;
        }

        string[] lines = text.Split('\n', 2);
        return new ReservationOwner(lines[0].Trim(), lines.Length > 1 && lines[1].Trim() is { Length: > 0 } ifName ? ifName : null);
    }

    /// <summary>A small file's text without white space around it; null when there is no such file.</summary>
    private static string? Read(string path)
    {
        using DescriptorFile? file = DescriptorFile.Find(path);
        if (file is null)
        {
            return null;
        }

        Span<byte> buffer = stackalloc byte[LongestReservation];
        return Encoding.UTF8.GetString(buffer[..file.Read(buffer, 0)]).Trim();
    }

    /// <summary>Nobody is writing it: the lock is ours. The reference plugin would take it for an address that is taken for ever.</summary>
    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A disk that cannot be written: whoever needs this address says so.
        }
    }

    private static bool TryCreate(string path, string content)
    {
        using DescriptorFile? file = DescriptorFile.TryCreate(path, OwnerOnly);
        if (file is null)
        {
            return false;
        }

        try
        {
            file.Write(Encoding.UTF8.GetBytes(content), 0);
            return true;
        }
        catch (LinuxException e)
        {
            File.Delete(path);
            throw new CniException(CniErrorCode.IoFailure, $"could not write the reservation {path}: {e.Message}");
        }
    }

    /// <summary>In place, as the reference does: replacing it by a rename would wait for the disk. A reader that finds half of it begins at the first address.</summary>
    private static void Overwrite(string path, string content)
    {
        using DescriptorFile file = DescriptorFile.OpenOrCreate(path, OwnerOnly);
        byte[] bytes = Encoding.UTF8.GetBytes(content);
        file.Write(bytes, 0);
        file.SetLength(bytes.Length);
    }
}
