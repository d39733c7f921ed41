using System.Buffers.Binary;
using System.Net;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;

namespace Musubi.Launcher.Tests.Dhcp;

/// <summary>A client's packets, written by hand, and a server's, read by hand.</summary>
internal static class DhcpPacket
{
    public const uint Transaction = 0xdeadbeef;

    public static readonly MacAddress Mac = MacAddress.Parse("02:00:00:00:00:07");

    public static byte[] Of(DhcpMessageType type, params (DhcpOption Option, byte[] Value)[] options) => Of(type, IPAddress.Any, broadcast: false, options);

    public static byte[] Of(DhcpMessageType type, IPAddress client, bool broadcast, params (DhcpOption Option, byte[] Value)[] options)
    {
        List<byte> packet = [1, 1, 6, 0];
        packet.AddRange(BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(Transaction)));
        packet.AddRange([0, 0, broadcast ? (byte)0x80 : (byte)0, 0]);
        packet.AddRange(client.GetAddressBytes());
        packet.AddRange(new byte[12]);
        packet.AddRange(Mac.ToArray());
        packet.AddRange(new byte[10 + 64 + 128]);
        packet.AddRange([0x63, 0x82, 0x53, 0x63, 53, 1, (byte)type]);
        foreach ((DhcpOption option, byte[] value) in options)
        {
            packet.AddRange([(byte)option, (byte)value.Length, .. value]);
        }

        packet.Add(255);
        return [.. packet];
    }

    /// <summary>Options of a packet by number; parts of one option are put together.</summary>
    public static SortedDictionary<DhcpOption, byte[]> Options(byte[] packet)
    {
        SortedDictionary<DhcpOption, byte[]> options = [];
        for (int i = 240; packet[i] != 255;)
        {
            DhcpOption code = (DhcpOption)packet[i];
            int length = packet[i + 1];
            byte[] value = packet[(i + 2)..(i + 2 + length)];
            options[code] = options.TryGetValue(code, out byte[]? before) ? [.. before, .. value] : value;
            i += 2 + length;
        }

        return options;
    }
}
