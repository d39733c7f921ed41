using System.Buffers.Binary;
using System.Net;
using Musubi.Linux;
using Musubi.Linux.Files;

namespace Musubi.Cni.Ipam.HostLocal;

/// <summary>
/// Finds a free address, and the addresses of an attachment, without reading the directory of reservations: a hash table of owners and bitmaps of
/// taken addresses in the hidden file <c>.index</c> beside them.
/// </summary>
/// <remarks>
/// The reservations themselves stay the truth. When the index is closed it gives the directory a modification time of its own invention and remembers it;
/// whatever anybody else creates or removes there sets another, and so does a crash half way: the index is then made anew from the directory. An
/// index that cannot be written (full disk) lives in memory for one call.
/// </remarks>
internal sealed partial class ReservationIndex : IDisposable
{
    /// <summary>The file's name, hidden from tools that list reservations.</summary>
    public const string FileName = ".index";

    private const ulong Magic = 0x3158444e_49494253; // "SBIINDX1"
    private const int HeaderBytes = 48;
    private const int SlotBytes = 32; // hash of the owner, 8 unused, address as IPv6
    private const int BlockBits = 12;
    private const int BlockAddresses = 1 << BlockBits;
    private const int BlockBytes = 16 + (BlockAddresses / 8); // first address, a bit per address
    private const int FewestSlots = 64;
    private const ulong Empty = 0;
    private const ulong Removed = 1;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly DescriptorFile _directory;

    // What a crash of the machine has kept of the file need not be of one piece: an index of another start of it is made anew.
    private readonly ulong _boot = Hash(BootClock.BootId);

    private DescriptorFile _file;
    private bool _inMemory;
    private int _slots;
    private int _usedSlots;
    private byte[] _blocks = [];
    private int _blockCount;

    private ReservationIndex(DescriptorFile directory, DescriptorFile file)
    {
        _directory = directory;
        _file = file;
    }

    /// <summary>True when it was just made from the directory, and so knows all that is there.</summary>
    public bool IsFresh { get; private set; }

    /// <summary>Opens a directory's index; made from <paramref name="reservations"/> where it is missing or behind.</summary>
    /// <remarks>The caller holds the directory's lock.</remarks>
    public static ReservationIndex Open(string directory, Func<IEnumerable<(IPAddress Address, ReservationOwner Owner)>> reservations)
    {
        DescriptorFile opened = DescriptorFile.Open(directory);
        try
        {
            FileTime modified = opened.ModifiedAt;
            (DescriptorFile file, bool inMemory) = OpenFile(directory);
            ReservationIndex index = new(opened, file) { _inMemory = inMemory };
            if (!index.TryLoad(modified))
            {
                index.Rebuild(reservations());
            }

            return index;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Notes that an address is taken.</summary>
    public void Add(IPAddress address, ReservationOwner owner) => Change(() =>
    {
        SetBit(address, taken: true);
        if ((_usedSlots + 1) * 2 > _slots)
        {
            Grow();
        }

        Insert(HashOf(owner), KeyOf(address));
    });

    /// <summary>Notes that an address is free.</summary>
    public void Remove(IPAddress address, ReservationOwner owner) => Change(() =>
    {
        SetBit(address, taken: false);
        ulong hash = HashOf(owner);
        UInt128 key = KeyOf(address);
        Span<byte> slot = stackalloc byte[SlotBytes];
        for (int probe = 0; ReadSlot(hash, probe, slot) is not Empty and var occupant; probe++)
        {
            if (occupant == hash && BinaryPrimitives.ReadUInt128BigEndian(slot[16..]) == key)
            {
                WriteSlot(SlotOf(hash, probe), Removed, 0);
                return;
            }
        }
    });

    /// <summary>Makes the index anew from the directory.</summary>
    public void Rebuild(IEnumerable<(IPAddress Address, ReservationOwner Owner)> reservations)
    {
        List<(ulong Hash, UInt128 Key)> owners = [];
        (_blocks, _blockCount) = ([], 0);
        Dictionary<UInt128, int> blocks = [];
        foreach ((IPAddress address, ReservationOwner owner) in reservations)
        {
            UInt128 key = KeyOf(address);
            owners.Add((HashOf(owner), key));
            if (!blocks.TryGetValue(key >> BlockBits, out int block))
            {
                blocks.Add(key >> BlockBits, block = AppendBlock(key));
            }

            Bits(block)[(int)(key & (BlockAddresses - 1)) >> 3] |= (byte)(1 << (int)(key & 7));
        }

        IsFresh = true;
        WriteAll(owners);
    }

    /// <summary>Closes it in step with the directory.</summary>
    public void Dispose()
    {
        try
        {
            if (!_inMemory)
            {
                Seal();
            }
        }
        catch (LinuxException)
        {
            // Without a seal the next call makes the index anew.
        }

        _file.Dispose();
        _directory.Dispose();
    }

    private static UInt128 MappedIPv4 => new(0, 0xffff_0000_0000);

    private long BlocksAt => HeaderBytes + ((long)_slots * SlotBytes);

    private static (DescriptorFile File, bool InMemory) OpenFile(string directory)
    {
        try
        {
            return (DescriptorFile.OpenOrCreate(Path.Combine(directory, FileName), OwnerOnly), false);
        }
        catch (LinuxException)
        {
            return (DescriptorFile.InMemory("host-local index"), true);
        }
    }

    private bool TryLoad(FileTime modified)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        if (_file.Read(header, 0) < HeaderBytes || BinaryPrimitives.ReadUInt64LittleEndian(header) != Magic)
        {
            return false;
        }

        FileTime seal = new(BinaryPrimitives.ReadInt64LittleEndian(header[8..]), BinaryPrimitives.ReadUInt32LittleEndian(header[16..]));
        _slots = BinaryPrimitives.ReadInt32LittleEndian(header[20..]);
        _usedSlots = BinaryPrimitives.ReadInt32LittleEndian(header[24..]);
        _blockCount = BinaryPrimitives.ReadInt32LittleEndian(header[28..]);
        if (seal != modified || BinaryPrimitives.ReadUInt64LittleEndian(header[32..]) != _boot || _slots < FewestSlots || !int.IsPow2(_slots) || _blockCount < 0 || _file.Length != BlocksAt + ((long)_blockCount * BlockBytes))
        {
            return false;
        }

        _blocks = new byte[_blockCount * BlockBytes];
        return _file.Read(_blocks, BlocksAt) == _blocks.Length;
    }

    /// <summary>Nobody else's change leaves just this time behind: ours is random below the second.</summary>
    private void Seal()
    {
        Span<byte> random = stackalloc byte[4];
        KernelRandom.Fill(random);
        FileTime seal = new(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(), BinaryPrimitives.ReadUInt32LittleEndian(random) % 1_000_000_000);
        WriteHeader(seal);
        _directory.SetModifiedAt(seal);
    }

    private void WriteHeader(FileTime seal)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        header.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], seal.Seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], seal.Nanoseconds);
        BinaryPrimitives.WriteInt32LittleEndian(header[20..], _slots);
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], _usedSlots);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], _blockCount);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], _boot);
        _file.Write(header, 0);
    }

    /// <summary>A change that the disk has no room for goes on in memory, from what was known before.</summary>
    private void Change(Action change)
    {
        try
        {
            change();
        }
        catch (LinuxException) when (!_inMemory)
        {
            List<(ulong, UInt128)> owners = Owners();
            MoveToMemory();
            WriteAll(owners);
            change();
        }
    }

    private void MoveToMemory()
    {
        _file.Dispose();
        _file = DescriptorFile.InMemory("host-local index");
        _inMemory = true;
    }

    private void WriteAll(List<(ulong Hash, UInt128 Key)> owners)
    {
        _slots = Math.Max(FewestSlots, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)owners.Count * 4));
        _usedSlots = owners.Count;
        byte[] slots = new byte[_slots * SlotBytes];
        foreach ((ulong hash, UInt128 key) in owners)
        {
            int probe = 0;
            while (BinaryPrimitives.ReadUInt64LittleEndian(slots.AsSpan(SlotOf(hash, probe) * SlotBytes)) != Empty)
            {
                probe++;
            }

            PutSlot(slots.AsSpan(SlotOf(hash, probe) * SlotBytes), hash, key);
        }

        try
        {
            Write();
        }
        catch (LinuxException) when (!_inMemory)
        {
            MoveToMemory();
            Write();
        }

        void Write()
        {
            _file.SetLength(BlocksAt);
            _file.Write(slots, HeaderBytes);
            _file.Write(_blocks.AsSpan(0, _blockCount * BlockBytes), BlocksAt);
        }
    }

    private void Grow() => WriteAll(Owners());
}
