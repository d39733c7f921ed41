using System.Net;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Launcher.Dhcp;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;
using Musubi.Machines;

namespace Musubi.Launcher.Tests.Dhcp;

public sealed class DhcpTests
{
    private static readonly DhcpLease _lease = new()
    {
        Address = Cidr.Parse("10.0.2.2/24"),
        ServerId = IpText.ParseAddress("10.0.2.1"),
        Router = IpText.ParseAddress("10.0.2.1"),
        MtuBytes = 1450,
        HostName = "vm-a",
        Dns = new MachineDns { Nameservers = ["10.96.0.10", "fd00::a", "10.96.0.11"], Searches = ["default.svc.cluster.local", "svc.cluster.local"] },
    };

    private static DhcpAnswer? Answer(byte[] packet, DhcpLease? lease = null) => new DhcpResponder(lease ?? _lease).Answer(packet);

    private static byte[] Four(string address) => IpText.ParseAddress(address).GetAddressBytes();

    private static DhcpMessageType TypeOf(DhcpAnswer? answer) => (DhcpMessageType)DhcpPacket.Options(answer!.Value.Packet)[DhcpOption.MessageType][0];

    [Fact]
    public void Discover_IsOfferedTheOneAddress()
    {
        DhcpAnswer answer = Answer(DhcpPacket.Of(DhcpMessageType.Discover))!.Value;

        Assert.Equal(DhcpMessageType.Offer, TypeOf(answer));
        Assert.Equal(IPAddress.Broadcast, answer.Destination);
        Assert.Equal(2, answer.Packet[0]);
        Assert.Equal([0xde, 0xad, 0xbe, 0xef], answer.Packet[4..8]);
        Assert.Equal(Four("10.0.2.2"), answer.Packet[16..20]);
        Assert.Equal(DhcpPacket.Mac.ToArray(), answer.Packet[28..34]);
        Assert.True(answer.Packet.Length >= 300);
    }

    [Fact]
    public void Offer_Options_AreEncodedAsTheirRfcsSay()
    {
        SortedDictionary<DhcpOption, byte[]> options = DhcpPacket.Options(Answer(DhcpPacket.Of(DhcpMessageType.Discover))!.Value.Packet);

        Assert.Equal(Four("255.255.255.0"), options[DhcpOption.SubnetMask]);
        Assert.Equal(Four("10.0.2.1"), options[DhcpOption.Router]);
        Assert.Equal(Four("10.0.2.1"), options[DhcpOption.ServerId]);
        Assert.Equal([.. Four("10.96.0.10"), .. Four("10.96.0.11")], options[DhcpOption.DnsServers]);
        Assert.Equal("vm-a"u8.ToArray(), options[DhcpOption.HostName]);
        Assert.Equal("default.svc.cluster.local"u8.ToArray(), options[DhcpOption.DomainName]);
        Assert.Equal([0x05, 0xaa], options[DhcpOption.InterfaceMtu]);
        Assert.Equal([0x05, 0x25, 0x0a, 0x80], options[DhcpOption.LeaseTime]); // 999 days
        Assert.Equal("\u0007default\u0003svc\u0007cluster\u0005local\0\u0003svc\u0007cluster\u0005local\0", Encoding.ASCII.GetString(options[DhcpOption.DomainSearch]));
    }

    [Fact]
    public void Options_AreInAscendingOrder()
    {
        IReadOnlyList<DhcpOption> order = [.. _lease.Options().Select(o => o.Key)];

        Assert.Equal(order.Order(), order);
    }

    [Theory]
    [InlineData("0.0.0.0/0", "10.0.0.1", new byte[] { 0, 10, 0, 0, 1 })]
    [InlineData("10.0.0.0/8", "10.0.0.1", new byte[] { 8, 10, 10, 0, 0, 1 })]
    [InlineData("10.229.0.128/25", "10.229.0.1", new byte[] { 25, 10, 229, 0, 128, 10, 229, 0, 1 })]
    [InlineData("10.198.122.47/32", "0.0.0.0", new byte[] { 32, 10, 198, 122, 47, 0, 0, 0, 0 })]
    [InlineData("10.17.99.5/17", "10.0.0.1", new byte[] { 17, 10, 17, 0, 10, 0, 0, 1 })]
    public void ClasslessRoute_HasOnlySignificantOctets(string destination, string gateway, byte[] expected) =>
        Assert.Equal(expected, DhcpRoute.WriteClassless([new DhcpRoute(Cidr.Parse(destination), IpText.ParseAddress(gateway))]));

    [Theory]
    [InlineData("")]
    [InlineData("a..b")]
    [InlineData("ex ample.org")]
    [InlineData("this-label-is-much-longer-than-the-sixty-three-octets-that-a-label-may-have.org")]
    public void DomainSearch_NotADnsName_IsLeftOut(string name) =>
        Assert.Equal(new byte[] { 1, (byte)'a', 0 }, DhcpDomainSearch.Write([name, "A."]));

    [Fact]
    public void LongOption_IsSplitAndComesOutWhole()
    {
        string[] searches = [.. Enumerable.Range(0, 20).Select(i => $"namespace-{i:00}.svc.cluster.local")];
        DhcpLease lease = _lease with { Dns = new MachineDns { Searches = searches } };

        byte[] value = DhcpPacket.Options(Answer(DhcpPacket.Of(DhcpMessageType.Discover), lease)!.Value.Packet)[DhcpOption.DomainSearch];

        Assert.True(value.Length > 255);
        Assert.Equal(DhcpDomainSearch.Write(searches), value);
    }

    [Fact]
    public void ExtraOptions_AreTold_AndOnlyPrivateNumbersByNumber()
    {
        DhcpLease lease = _lease with
        {
            Extra = new MachineDhcpOptions
            {
                BootFileName = "boot.img",
                TftpServerName = "tftp",
                NtpServers = ["10.0.0.9", "not-an-address"],
                PrivateOptions = new Dictionary<int, string> { [224] = "a", [254] = "b", [3] = "no", [255] = "no" },
            },
        };

        SortedDictionary<DhcpOption, byte[]> options = DhcpPacket.Options(Answer(DhcpPacket.Of(DhcpMessageType.Discover), lease)!.Value.Packet);

        Assert.Equal("boot.img"u8.ToArray(), options[DhcpOption.BootFileName]);
        Assert.Equal("tftp"u8.ToArray(), options[DhcpOption.TftpServerName]);
        Assert.Equal(Four("10.0.0.9"), options[DhcpOption.NtpServers]);
        Assert.Equal(("a", "b"), (Encoding.ASCII.GetString(options[(DhcpOption)224]), Encoding.ASCII.GetString(options[(DhcpOption)254])));
        Assert.Equal(Four("10.0.2.1"), options[DhcpOption.Router]);
    }

    [Fact]
    public void Lease_WithoutRouter_TellsNone() =>
        Assert.DoesNotContain(DhcpOption.Router, DhcpPacket.Options(Answer(DhcpPacket.Of(DhcpMessageType.Discover), _lease with { Router = null })!.Value.Packet).Keys);

    [Theory]
    [InlineData("10.0.2.2", (byte)DhcpMessageType.Ack)]
    [InlineData("192.168.1.5", (byte)DhcpMessageType.Nak)]
    public void Request_OfAnAddress_IsGrantedOnlyIfItIsTheClients(string wanted, byte expected) =>
        Assert.Equal((DhcpMessageType)expected, TypeOf(Answer(DhcpPacket.Of(DhcpMessageType.Request, (DhcpOption.RequestedAddress, Four(wanted))))));

    [Fact]
    public void Request_Renewing_IsAnsweredDirectly()
    {
        DhcpAnswer answer = Answer(DhcpPacket.Of(DhcpMessageType.Request, IpText.ParseAddress("10.0.2.2"), broadcast: false))!.Value;

        Assert.Equal(DhcpMessageType.Ack, TypeOf(answer));
        Assert.Equal(IpText.ParseAddress("10.0.2.2"), answer.Destination);
        Assert.Equal(Four("10.0.2.2"), answer.Packet[12..16]);
    }

    [Fact]
    public void Request_RenewingAForeignAddress_IsRefusedByBroadcastWithoutOptions()
    {
        DhcpAnswer answer = Answer(DhcpPacket.Of(DhcpMessageType.Request, IpText.ParseAddress("192.168.1.5"), broadcast: false))!.Value;

        Assert.Equal(DhcpMessageType.Nak, TypeOf(answer));
        Assert.Equal(IPAddress.Broadcast, answer.Destination);
        Assert.Equal(new byte[4], answer.Packet[16..20]);
        Assert.Equal([DhcpOption.MessageType, DhcpOption.ServerId], DhcpPacket.Options(answer.Packet).Keys);
    }

    [Fact]
    public void Request_BroadcastFlag_IsHonouredAndRepeated()
    {
        DhcpAnswer answer = Answer(DhcpPacket.Of(DhcpMessageType.Request, IpText.ParseAddress("10.0.2.2"), broadcast: true))!.Value;

        Assert.Equal(IPAddress.Broadcast, answer.Destination);
        Assert.Equal(0x80, answer.Packet[10]);
    }

    [Fact]
    public void Request_OfAnotherServer_IsNotAnswered() =>
        Assert.Null(Answer(DhcpPacket.Of(DhcpMessageType.Request, (DhcpOption.ServerId, Four("10.0.2.99")), (DhcpOption.RequestedAddress, Four("10.0.2.2")))));

    [Fact]
    public void Inform_GetsOptionsButNoAddressAndNoLease()
    {
        DhcpAnswer answer = Answer(DhcpPacket.Of(DhcpMessageType.Inform, IpText.ParseAddress("10.0.2.2"), broadcast: false))!.Value;

        Assert.Equal(DhcpMessageType.Ack, TypeOf(answer));
        Assert.Equal(new byte[4], answer.Packet[16..20]);
        SortedDictionary<DhcpOption, byte[]> options = DhcpPacket.Options(answer.Packet);
        Assert.DoesNotContain(DhcpOption.LeaseTime, options.Keys);
        Assert.Contains(DhcpOption.DnsServers, options.Keys);
    }

    [Theory]
    [InlineData((byte)DhcpMessageType.Release)]
    [InlineData((byte)DhcpMessageType.Decline)]
    [InlineData((byte)DhcpMessageType.Offer)]
    [InlineData((byte)99)]
    public void OtherMessage_IsNotAnswered(byte type) => Assert.Null(Answer(DhcpPacket.Of((DhcpMessageType)type)));

    [Fact]
    public void ParameterList_LimitsWhatIsTold()
    {
        SortedDictionary<DhcpOption, byte[]> options = DhcpPacket.Options(
            Answer(DhcpPacket.Of(DhcpMessageType.Discover, (DhcpOption.ParameterList, [(byte)DhcpOption.DnsServers])))!.Value.Packet);

        Assert.Contains(DhcpOption.DnsServers, options.Keys);
        Assert.Contains(DhcpOption.SubnetMask, options.Keys);
        Assert.Contains(DhcpOption.LeaseTime, options.Keys);
        Assert.DoesNotContain(DhcpOption.HostName, options.Keys);
        Assert.DoesNotContain(DhcpOption.DomainSearch, options.Keys);
    }

    [Fact]
    public void ClientId_IsRepeated() =>
        Assert.Equal([1, 2, 3], DhcpPacket.Options(Answer(DhcpPacket.Of(DhcpMessageType.Discover, (DhcpOption.ClientId, [1, 2, 3])))!.Value.Packet)[DhcpOption.ClientId]);

    [Fact]
    public void OtherClient_OfALeaseForOne_IsNotServed()
    {
        Assert.Null(Answer(DhcpPacket.Of(DhcpMessageType.Discover), _lease with { OnlyClient = MacAddress.Parse("02:00:00:00:00:08") }));
        Assert.NotNull(Answer(DhcpPacket.Of(DhcpMessageType.Discover), _lease with { OnlyClient = DhcpPacket.Mac }));
    }

    [Fact]
    public void Parse_OptionLongerThanThePacket_IsNoRequest()
    {
        byte[] packet = DhcpPacket.Of(DhcpMessageType.Discover, (DhcpOption.ClientId, [1, 2, 3]));

        for (int length = 0; length < packet.Length; length++)
        {
            DhcpMessage? request = DhcpMessage.Parse(packet.AsSpan(0, length));
            Assert.True(request is null || length >= 243);
        }

        packet[^5] = 200;
        Assert.Null(DhcpMessage.Parse(packet));
    }

    [Fact]
    public void AnyBytes_AreAnsweredOrIgnored_NeverThrow()
    {
        Gen<byte[]> noise = ArbMap.Default.GeneratorFor<byte>().ArrayOf();
        Gen<byte[]> options = from tail in noise
                              from type in Gen.Choose(0, 9)
                              select (byte[])[.. DhcpPacket.Of((DhcpMessageType)type)[..^1], .. tail];
        Prop.ForAll(Gen.OneOf(noise, options).ToArbitrary(), packet =>
        {
            if (Answer(packet) is { } answer)
            {
                Assert.True(answer.Packet.Length >= 300);
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
    }
}
