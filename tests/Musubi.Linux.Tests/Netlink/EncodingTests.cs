using System.Net.Sockets;
using System.Runtime.InteropServices;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Routes;

namespace Musubi.Linux.Tests.Netlink;

/// <summary>
/// Messages as bytes, for what this machine's kernel may lack and for what no witness shows. Numbers are little-endian, as on the machines that run this.
/// </summary>
public sealed class EncodingTests
{
    private delegate void Write(ref MessageWriter writer);

    private static string Hex(Write write)
    {
        MessageWriter writer = new(stackalloc byte[64]);
        write(ref writer);
        return Convert.ToHexStringLower(writer.Written);
    }

    private static string Name(string name) =>
        $"{name.Length + 5:x2}000300" + Convert.ToHexStringLower(System.Text.Encoding.ASCII.GetBytes(name)) + new string('0', 2 * (4 - (name.Length % 4)));

    [Fact]
    public void CreateVlan_IsThisMessage()
    {
        string message = Hex((ref MessageWriter w) => LinkMessages.Create(
            ref w, new VlanLink("eth1.100", new LinkIndex(3), new VlanId(100)) { Protocol = VlanProtocol.Dot1AD }));
        Assert.Equal(
            "5c000000" + "1000" + "0506" + "00000000" + "00000000"
            + "00000000" + "00000000" + "00000000" + "00000000"
            + Name("eth1.100")
            + "08000500" + "03000000"
            + "24001280" + "09000100" + "766c616e00000000" + "14000280" + "06000100" + "64000000" + "06000500" + "88a80000",
            message);
    }

    [Fact]
    public void CreateDummy_IsThisMessage() =>
        Assert.Equal(
            "3c000000" + "1000" + "0506" + "00000000" + "00000000"
            + "00000000" + "00000000" + "01000000" + "01000000"
            + Name("d0")
            + "14001280" + "0a000100" + "64756d6d79000000" + "04000280",
            Hex((ref MessageWriter w) => LinkMessages.Create(ref w, new DummyLink("d0") { AdminUp = true })));

    [Fact]
    public void CreateBridge_VlanFiltering_IsThisMessage() =>
        Assert.EndsWith(
            "24001280" + "0b000100" + "6272696467650000" + "14000280"
            + "05000700" + "01000000" + "06002700" + "00000000",
            Hex((ref MessageWriter w) => LinkMessages.Create(ref w, new BridgeLink("br0") { VlanFiltering = true, VlanDefaultPvid = 0 })));

    [Fact]
    public void AddBridgeVlans_RangeAndPvid_IsThisMessage()
    {
        string message = Hex((ref MessageWriter w) => BridgeVlanMessages.Change(
            ref w,
            Rtnl.RTM_SETLINK,
            new LinkIndex(5),
            [new BridgeVlan(new VlanId(10)) { Pvid = true, Untagged = true }, new BridgeVlan(new VlanId(100), new VlanId(199))],
            isBridge: false));
        Assert.Equal(
            "44000000" + "1300" + "0500" + "00000000" + "00000000"
            + "07000000" + "05000000" + "00000000" + "00000000"
            + "24001a80"
            + "06000000" + "01000000"
            + "08000200" + "06000a00"
            + "08000200" + "08006400"
            + "08000200" + "1000c700",
            message);
    }

    [Fact]
    public void BridgeVlans_ReadBack_AreThoseWritten()
    {
        BridgeVlan[] vlans =
        [
            new BridgeVlan(new VlanId(1)) { Pvid = true, Untagged = true },
            new BridgeVlan(new VlanId(100), new VlanId(199)),
            new BridgeVlan(new VlanId(4094)),
        ];
        MessageWriter writer = new(stackalloc byte[256]);
        BridgeVlanMessages.Change(ref writer, Rtnl.RTM_NEWLINK, new LinkIndex(5), vlans, isBridge: true);

        Assert.True(new NetlinkMessageReader(writer.Written).TryRead(out NetlinkMessage message));
        Assert.True(BridgeVlanMessages.TryRead(message, out BridgeVlans? read));

        Assert.Equal(new LinkIndex(5), read.Link);
        Assert.Equal(vlans, read.Vlans);
    }

    [Fact]
    public void ReadLink_Vlan_DetailsAreRead()
    {
        MessageWriter writer = new(stackalloc byte[256]);
        LinkMessages.Create(ref writer, new VlanLink("eth1.100", new LinkIndex(3), new VlanId(100)) { Protocol = VlanProtocol.Dot1AD, MtuBytes = 9000 });

        Assert.True(new NetlinkMessageReader(writer.Written).TryRead(out NetlinkMessage message));
        Assert.True(LinkReader.TryRead(message, out LinkInfo? link));

        Assert.Equal(("eth1.100", "vlan", 9000), (link.Name, link.Kind, link.MtuBytes));
        Assert.Equal(new VlanDetails(100, VlanProtocol.Dot1AD), link.Vlan);
        Assert.Equal(new LinkIndex(3), link.PeerIndex);
    }

    [Fact]
    public void AddRoute_GatewayOfTheOtherFamily_IsAVia()
    {
        Route route = new()
        {
            Family = AddressFamily.InterNetwork,
            Destination = Cidr.Parse("10.0.0.0/8"),
            Gateway = IpText.ParseAddress("fe80::1"),
            Link = new LinkIndex(2),
        };
        MessageWriter writer = new(stackalloc byte[256]);
        RouteMessages.Add(ref writer, route, RouteAddition.Exclusive);
        Assert.Contains("16001200" + "0a00" + "fe800000000000000000000000000001", Convert.ToHexStringLower(writer.Written));

        Assert.True(new NetlinkMessageReader(writer.Written).TryRead(out NetlinkMessage message));
        Assert.True(RouteReader.TryRead(message, out Route? read));
        Assert.Equal((route.Destination, route.Gateway, route.Link), (read.Destination, read.Gateway, read.Link));
    }

    [Fact]
    public void Acknowledgement_WithKernelsWords_IsReadWithAndWithoutTheRequest()
    {
        foreach (bool capped in (bool[])[true, false])
        {
            MessageWriter writer = new(new byte[256]);
            ushort flags = (ushort)(NetlinkProtocol.NLM_F_ACK_TLVS | (capped ? NetlinkProtocol.NLM_F_CAPPED : 0));
            writer.Begin(NetlinkProtocol.NLMSG_ERROR, flags);
            writer.Struct(-(int)Errno.EINVAL);
            writer.Struct(new NetlinkHeader { Length = 24, Type = Rtnl.RTM_NEWLINK });
            if (!capped)
            {
                writer.Struct(0ul);
            }

            writer.Text(NetlinkProtocol.NLMSGERR_ATTR_MSG, "MTU too large");
            writer.UInt32(NetlinkProtocol.NLMSGERR_ATTR_OFFS, 44);
            writer.End();
            Assert.True(new NetlinkMessageReader(writer.Written).TryRead(out NetlinkMessage message));

            NetlinkException e = NetlinkAcknowledgement.Read(message).ToException(NetlinkProtocol.NETLINK_ROUTE, Rtnl.RTM_NEWLINK, "bridge br0", 3);

            Assert.Equal("RTM_NEWLINK bridge br0: EINVAL, Invalid argument: MTU too large (attribute at byte 44)", e.Message);
            Assert.Equal(("RTM_NEWLINK", Errno.EINVAL, "MTU too large", 44, 3), (e.Operation, e.Errno, e.KernelMessage, e.AttributeOffset, e.RequestIndex));
        }
    }

    [Fact]
    public void Writer_BufferTooSmall_Grows()
    {
        MessageWriter writer = new(stackalloc byte[16]);
        writer.Begin(1, 0);
        int nest = writer.BeginNest(2);
        for (uint i = 0; i < 1000; i++)
        {
            writer.UInt32(3, i);
        }

        writer.EndNest(nest);
        writer.End();
        Assert.Equal(16 + 4 + (1000 * 8), writer.Length);
        Assert.Equal((uint)writer.Length, MemoryMarshal.Read<uint>(writer.Written));
    }

    [Fact]
    public void Writer_NestTooLarge_SaysSo()
    {
        Assert.Throws<ArgumentException>(() =>
        {
            MessageWriter writer = new(stackalloc byte[16]);
            int nest = writer.BeginNest(2);
            writer.Bytes(1, new byte[40_000]);
            writer.Bytes(1, new byte[40_000]);
            writer.EndNest(nest);
        });
        Assert.Throws<ArgumentException>(() =>
        {
            MessageWriter writer = new(stackalloc byte[16]);
            writer.Bytes(1, new byte[70_000]);
        });
    }
}
