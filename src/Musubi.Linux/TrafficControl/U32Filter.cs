using System.Buffers.Binary;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;

namespace Musubi.Linux.TrafficControl;

/// <summary>A filter that compares words of a packet, and gives it a class or sends it by another interface; tc-u32(8).</summary>
/// <param name="Link">The interface.</param>
/// <param name="Parent">The discipline whose packets it sees.</param>
/// <param name="Priority">Filters are tried in this order; those of one priority are for one protocol.</param>
public sealed record U32Filter(LinkIndex Link, TcHandle Parent, ushort Priority)
{
    /// <summary>The <see cref="Protocol"/> of all packets.</summary>
    public const ushort AllProtocols = 3;

    private const ushort IPv4 = 0x0800;
    private const ushort IPv6 = 0x86dd;
    private const int IPv4DestinationOffset = 16;
    private const int IPv6DestinationOffset = 24;

    /// <summary>The Ethernet type of the packets it sees.</summary>
    public ushort Protocol { get; init; } = AllProtocols;

    /// <summary>What must be equal; nothing holds for every packet.</summary>
    public IReadOnlyList<U32Key> Keys { get; init; } = [];

    /// <summary>The class that packets get.</summary>
    public TcHandle? Class { get; init; }

    /// <summary>The interface that packets are sent by instead; <c>action mirred egress redirect</c>.</summary>
    public LinkIndex? RedirectTo { get; init; }

    /// <summary>Packets to a network; <c>u32 match ip dst NETWORK</c>.</summary>
    public U32Filter To(Cidr network)
    {
        List<U32Key> keys = [];
        byte[] mask = network.Mask.GetAddressBytes();
        byte[] value = network.Network.Address.GetAddressBytes();
        int start = network.IsIPv6 ? IPv6DestinationOffset : IPv4DestinationOffset;
        for (int i = 0; i < mask.Length; i += sizeof(uint))
        {
            if (BinaryPrimitives.ReadUInt32BigEndian(mask.AsSpan(i)) is not 0 and uint bits)
            {
                keys.Add(new U32Key(bits, BinaryPrimitives.ReadUInt32BigEndian(value.AsSpan(i)), start + i));
            }
        }

        return this with { Protocol = network.IsIPv6 ? IPv6 : IPv4, Keys = keys };
    }
}

/// <summary>A word of a packet that must have a value.</summary>
/// <param name="Mask">The bits that count.</param>
/// <param name="Value">Their value.</param>
/// <param name="Offset">Where the word is, in bytes from the network header.</param>
public readonly record struct U32Key(uint Mask, uint Value, int Offset);
