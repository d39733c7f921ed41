using FsCheck;
using FsCheck.Fluent;
using Musubi.Linux.Addresses;
using Musubi.Linux.Conntrack;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Nftables;
using Musubi.Linux.Routes;
using Musubi.Linux.TrafficControl;

namespace Musubi.Linux.Tests.Netlink;

public sealed class ReaderProperties
{
    private static readonly (ushort Type, Action<NetlinkHeader, byte[]> Read)[] Readers =
    [
        (Rtnl.RTM_NEWLINK, static (h, b) => LinkReader.TryRead(new NetlinkMessage(h, b), out _)),
        (Rtnl.RTM_NEWLINK, static (h, b) => LinkReader.TryReadIndex(new NetlinkMessage(h, b), out _)),
        (Rtnl.RTM_NEWLINK, static (h, b) => BridgeVlanMessages.TryRead(new NetlinkMessage(h, b), out _)),
        (Rtnl.RTM_NEWADDR, static (h, b) => AddressMessages.TryRead(new NetlinkMessage(h, b), out _)),
        (Rtnl.RTM_NEWROUTE, static (h, b) => RouteReader.TryRead(new NetlinkMessage(h, b), out _)),
        (Rtnl.RTM_NEWRULE, static (h, b) => RuleMessages.TryRead(new NetlinkMessage(h, b), out _)),
        (Rtnl.RTM_NEWNEIGH, static (h, b) => NeighbourMessages.TryRead(new NetlinkMessage(h, b), out _)),
        (0x0a00 | Nft.NFT_MSG_NEWTABLE, static (h, b) => NftReader.TryReadTable(new NetlinkMessage(h, b), out _)),
        (0x0a00 | Nft.NFT_MSG_NEWCHAIN, static (h, b) => NftReader.TryReadChain(new NetlinkMessage(h, b), out _)),
        (0x0a00 | Nft.NFT_MSG_NEWRULE, static (h, b) => NftReader.TryReadRule(new NetlinkMessage(h, b), out _)),
        (0x0a00 | Nft.NFT_MSG_NEWGEN, static (h, b) => NftReader.TryReadGeneration(new NetlinkMessage(h, b), out _)),
        (0x0a00 | Nft.NFT_MSG_NEWSET, static (h, b) => NftSetReader.TryReadSet(new NetlinkMessage(h, b), out _)),
        (0x0a00 | Nft.NFT_MSG_NEWSETELEM, static (h, b) => NftSetReader.TryReadElements(new NetlinkMessage(h, b), out _)),
        (Rtnl.RTM_NEWQDISC, static (h, b) => TcReader.TryReadQdisc(new NetlinkMessage(h, b), out _)),
        (Rtnl.RTM_NEWTCLASS, static (h, b) => TcReader.TryReadClass(new NetlinkMessage(h, b), out _)),
        (Rtnl.RTM_NEWTFILTER, static (h, b) => TcReader.TryReadFilter(new NetlinkMessage(h, b), out _)),
        (0x0100 | Ctnl.IPCTNL_MSG_CT_NEW, static (h, b) => ConntrackMessages.TryRead(new NetlinkMessage(h, b), out _)),
        (NetlinkProtocol.NLMSG_ERROR, static (h, b) => NetlinkAcknowledgement.Read(new NetlinkMessage(h, b))),
        (NetlinkProtocol.NLMSG_DONE, static (h, b) => NetlinkAcknowledgement.Read(new NetlinkMessage(h, b))),
    ];

    private static bool ThrowsNothingElse(Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (NetlinkException e)
        {
            return e.Errno == Errno.EBADMSG;
        }
    }

    /// <summary>Bytes that are attributes now and then: lengths are small, and often right.</summary>
    private static Gen<byte[]> AlmostAttributes() =>
        from family in Gen.Elements<byte>(0, 2, 7, 10, 1)
        from header in ArbMap.Default.GeneratorFor<byte>().ArrayOf(15)
        from body in Attributes(depth: 3)
        from cut in Gen.Choose(0, 3)
        select (byte[])[family, .. header, .. body[..Math.Max(0, body.Length - cut)]];

    private static Gen<byte[]> Attributes(int depth) =>
        Gen.Sized(_ => Attribute(depth).ListOf().Select(parts => parts.Take(6).SelectMany(p => p).ToArray()));

    private static Gen<byte[]> Attribute(int depth) =>
        from type in Gen.Choose(0, 40)
        from wrong in Gen.Choose(-2, 40)
        from payload in depth == 0
            ? ArbMap.Default.GeneratorFor<byte>().ArrayOf().Select(b => b[..Math.Min(b.Length, 24)])
            : Gen.OneOf(ArbMap.Default.GeneratorFor<byte>().ArrayOf().Select(b => b[..Math.Min(b.Length, 24)]), Attributes(depth - 1))
        let length = 4 + payload.Length + (wrong < 0 ? wrong : 0)
        select (byte[])[(byte)length, (byte)(length >> 8), (byte)type, 0, .. payload, .. new byte[(4 - (payload.Length % 4)) % 4]];

    [Fact]
    public void Readers_RandomBytes_ThrowNothingButTheDocumentedException() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<byte[]>(),
            bytes => Readers.All(reader => ThrowsNothingElse(() => reader.Read(new NetlinkHeader { Type = reader.Type, Flags = 0x300 }, bytes))))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Readers_AlmostRightBytes_ThrowNothingButTheDocumentedException() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(2000),
            Prop.ForAll(
                AlmostAttributes().ToArbitrary(),
                bytes => Readers.All(reader => ThrowsNothingElse(() => reader.Read(new NetlinkHeader { Type = reader.Type, Flags = 0x300 }, bytes)))));

    [Fact]
    public void MessageReader_RandomBytes_ThrowsNothingButTheDocumentedException() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<byte[]>(),
            bytes => ThrowsNothingElse(() =>
            {
                NetlinkMessageReader reader = new(bytes);
                while (reader.TryRead(out _))
                {
                }
            }))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Attributes_WrittenAndRead_AreTheSame() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<(ushort, byte[])[]>(),
            attributes =>
            {
                MessageWriter writer = new(new byte[8]);
                foreach ((ushort type, byte[] value) in attributes)
                {
                    writer.Bytes((ushort)(type & NetlinkProtocol.NLA_TYPE_MASK), value);
                }

                AttributeReader reader = new(writer.Written);
                foreach ((ushort type, byte[] value) in attributes)
                {
                    if (!reader.TryRead(out ushort readType, out Musubi.Linux.Netlink.Attribute readValue)
                        || readType != (type & NetlinkProtocol.NLA_TYPE_MASK)
                        || !readValue.Bytes.SequenceEqual(value))
                    {
                        return false;
                    }
                }

                return !reader.TryRead(out _, out _);
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void UserData_RandomBytes_ThrowNothing() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<byte[]>(),
            bytes =>
            {
                _ = NftUserData.ReadText(bytes);
                return true;
            })
            .QuickCheckThrowOnFailure();
}
