using System.Buffers.Binary;
using System.Net;
using System.Text;
using Musubi.Linux;
using Musubi.Linux.Addresses;
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
internal sealed class ReservationIndex : IDisposable
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

    /// <summary>Addresses that an attachment seems to hold; the files say whether it does.</summary>
    public IReadOnlyList<IPAddress> AddressesOf(ReservationOwner owner)
    {
        List<IPAddress> found = [];
        ulong hash = HashOf(owner);
        Span<byte> slot = stackalloc byte[SlotBytes];
        for (int probe = 0; ReadSlot(hash, probe, slot) is not Empty and var occupant; probe++)
        {
            if (occupant == hash)
            {
                found.Add(AddressOf(slot[16..]));
            }
        }

        return found;
    }

    /// <summary>The first free address between two of one family, both included; null when all are taken.</summary>
    public UInt128? NextFree(UInt128 first, UInt128 last, bool isIPv6)
    {
        UInt128 offset = isIPv6 ? 0 : MappedIPv4;
        (UInt128 n, UInt128 end) = (first + offset, last + offset);
        while (n <= end)
        {
            int block = FindBlock(n);
            if (block < 0)
            {
                return n - offset;
            }

            ReadOnlySpan<byte> bits = Bits(block);
            int bit = (int)(n & (BlockAddresses - 1));
            int free = FirstClear(bits, bit);
            UInt128 candidate = n - (UInt128)bit + (UInt128)free;
            if (free < BlockAddresses)
            {
                return candidate <= end ? candidate - offset : null;
            }

            if (candidate < n)
            {
                return null; // behind the last address there is
            }

            n = candidate;
        }

        return null;
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

    private List<(ulong Hash, UInt128 Key)> Owners()
    {
        List<(ulong, UInt128)> owners = new(_usedSlots + 1);
        byte[] slots = new byte[_slots * SlotBytes];
        _file.Read(slots, HeaderBytes);
        for (int i = 0; i < _slots; i++)
        {
            ReadOnlySpan<byte> slot = slots.AsSpan(i * SlotBytes, SlotBytes);
            if (BinaryPrimitives.ReadUInt64LittleEndian(slot) is not (Empty or Removed) and var hash)
            {
                owners.Add((hash, BinaryPrimitives.ReadUInt128BigEndian(slot[16..])));
            }
        }

        return owners;
    }

    private void Insert(ulong hash, UInt128 key)
    {
        Span<byte> slot = stackalloc byte[SlotBytes];
        int probe = 0;
        ulong occupant;
        while ((occupant = ReadSlot(hash, probe, slot)) is not (Empty or Removed))
        {
            probe++;
        }

        _usedSlots += occupant == Empty ? 1 : 0;
        WriteSlot(SlotOf(hash, probe), hash, key);
    }

    private int SlotOf(ulong hash, int probe) => (int)((hash >> 32) + (ulong)probe) & (_slots - 1);

    /// <summary>The hash in a slot. The table is never more than half full; one that a stranger filled or cut ends the search as an empty slot does.</summary>
    private ulong ReadSlot(ulong hash, int probe, Span<byte> slot) =>
        probe < _slots && _file.Read(slot, HeaderBytes + ((long)SlotOf(hash, probe) * SlotBytes)) == SlotBytes ? BinaryPrimitives.ReadUInt64LittleEndian(slot) : Empty;

    private void WriteSlot(int i, ulong hash, UInt128 key)
    {
        Span<byte> slot = stackalloc byte[SlotBytes];
        PutSlot(slot, hash, key);
        _file.Write(slot, HeaderBytes + ((long)i * SlotBytes));
    }

    private static void PutSlot(Span<byte> slot, ulong hash, UInt128 key)
    {
        slot[..16].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(slot, hash);
        BinaryPrimitives.WriteUInt128BigEndian(slot[16..], key);
    }

    private void SetBit(IPAddress address, bool taken)
    {
        UInt128 key = KeyOf(address);
        int block = FindBlock(key);
        if (block < 0)
        {
            if (!taken)
            {
                return;
            }

            block = AppendBlock(key);
            _file.Write(_blocks.AsSpan(block * BlockBytes, BlockBytes), BlocksAt + ((long)block * BlockBytes));
        }

        int bit = (int)(key & (BlockAddresses - 1));
        Span<byte> at = Bits(block).Slice(bit >> 3, 1);
        at[0] = (byte)(taken ? at[0] | (1 << (bit & 7)) : at[0] & ~(1 << (bit & 7)));
        _file.Write(at, BlocksAt + ((long)block * BlockBytes) + 16 + (bit >> 3));
    }

    private int FindBlock(UInt128 key)
    {
        UInt128 first = key >> BlockBits << BlockBits;
        for (int i = 0; i < _blockCount; i++)
        {
            if (BinaryPrimitives.ReadUInt128BigEndian(_blocks.AsSpan(i * BlockBytes)) == first)
            {
                return i;
            }
        }

        return -1;
    }

    private int AppendBlock(UInt128 key)
    {
        if ((_blockCount + 1) * BlockBytes > _blocks.Length)
        {
            Array.Resize(ref _blocks, Math.Max(2 * _blocks.Length, BlockBytes));
        }

        Span<byte> block = _blocks.AsSpan(_blockCount * BlockBytes, BlockBytes);
        block.Clear();
        BinaryPrimitives.WriteUInt128BigEndian(block, key >> BlockBits << BlockBits);
        return _blockCount++;
    }

    private Span<byte> Bits(int block) => _blocks.AsSpan((block * BlockBytes) + 16, BlockAddresses / 8);

    private static int FirstClear(ReadOnlySpan<byte> bits, int from)
    {
        for (int bit = from; bit < BlockAddresses; bit++)
        {
            byte eight = bits[bit >> 3];
            if (eight == 0xff)
            {
                bit |= 7;
            }
            else if ((eight & (1 << (bit & 7))) == 0)
            {
                return bit;
            }
        }

        return BlockAddresses;
    }

    private static UInt128 KeyOf(IPAddress address) =>
        IpText.ToNumber(address) + (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? 0 : MappedIPv4);

    private static IPAddress AddressOf(ReadOnlySpan<byte> key)
    {
        UInt128 number = BinaryPrimitives.ReadUInt128BigEndian(key);
        return number >> 32 == 0xffff ? IpText.FromNumber(number - MappedIPv4, isIPv6: false) : IpText.FromNumber(number, isIPv6: true);
    }

    /// <summary>A hash that is none of the marks of empty slots.</summary>
    private static ulong HashOf(ReservationOwner owner) =>
        Hash($"{owner.ContainerId}\n{owner.IfName}") is > Removed and var hash ? hash : Removed + 1;

    /// <summary>FNV-1a, 64 bits.</summary>
    private static ulong Hash(string text)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ b) * 0x100000001b3;
        }

        return hash;
    }
}
