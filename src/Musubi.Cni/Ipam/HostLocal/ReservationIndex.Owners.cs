using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Musubi.Cni.Ipam.HostLocal;

/// <content>The hash table of owners: open addressing, read and written a slot at a time.</content>
internal sealed partial class ReservationIndex
{
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
