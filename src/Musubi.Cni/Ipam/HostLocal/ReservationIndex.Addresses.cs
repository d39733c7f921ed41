using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Ipam.HostLocal;

/// <content>The bitmaps of taken addresses, in blocks; IPv4 addresses as IPv6-mapped ones.</content>
internal sealed partial class ReservationIndex
{
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
        IpText.ToNumber(address) + (address.AddressFamily == AddressFamily.InterNetworkV6 ? 0 : MappedIPv4);

    private static IPAddress AddressOf(ReadOnlySpan<byte> key)
    {
        UInt128 number = BinaryPrimitives.ReadUInt128BigEndian(key);
        return number >> 32 == 0xffff ? IpText.FromNumber(number - MappedIPv4, isIPv6: false) : IpText.FromNumber(number, isIPv6: true);
    }
}
