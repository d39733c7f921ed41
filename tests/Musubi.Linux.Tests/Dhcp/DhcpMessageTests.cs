using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;
using Musubi.Linux.Packets;

namespace Musubi.Linux.Tests.Dhcp;

public sealed class DhcpMessageTests
{
    private static readonly DhcpMessage _sample = new()
    {
        Type = DhcpMessageType.Ack,
        IsReply = true,
        TransactionId = 0xdeadbeef,
        Seconds = 7,
        Broadcast = true,
        ClientAddress = IpText.ParseAddress("10.0.0.1"),
        YourAddress = IpText.ParseAddress("10.0.0.2"),
        RelayAddress = IpText.ParseAddress("10.0.0.3"),
        ClientMac = MacAddress.Parse("02:00:00:00:00:07"),
    };

    [Fact]
    public void AnyMessage_IsReadAsItWasWritten()
    {
        Gen<KeyValuePair<DhcpOption, byte[]>> option = from code in Gen.Choose(1, 254).Where(c => c is not (52 or 53))
                                                       from value in ArbMap.Default.GeneratorFor<byte>().ArrayOf()
                                                       select new KeyValuePair<DhcpOption, byte[]>((DhcpOption)code, value);
        Prop.ForAll(option.ArrayOf().ToArbitrary(), options =>
        {
            DhcpMessage message = _sample with { Options = [.. options.DistinctBy(o => o.Key)] };

            DhcpMessage read = DhcpMessage.Parse(message.Write())!;

            Assert.Equal(message with { Options = [] }, read with { Options = [] });
            Assert.Equal(message.Options.Select(o => (o.Key, Convert.ToHexString(o.Value))), read.Options.Select(o => (o.Key, Convert.ToHexString(o.Value))));
        }).Check(Config.QuickThrowOnFailure);
    }

    [Fact]
    public void LongOption_ComesInPartsAndIsPutTogether()
    {
        byte[] value = [.. Enumerable.Range(0, 600).Select(i => (byte)i)];

        Assert.Equal(value, DhcpMessage.Parse((_sample with { Options = [new(DhcpOption.DomainSearch, value)] }).Write())!.Find(DhcpOption.DomainSearch));
    }

    [Fact]
    public void OptionsInFileAndServerName_AreRead()
    {
        byte[] packet = (_sample with { Options = [new(DhcpOption.Overload, [3])] }).Write();
        new byte[] { 12, 2, 65, 66, 255 }.CopyTo(packet, 108);
        new byte[] { 15, 1, 67, 255 }.CopyTo(packet, 44);

        DhcpMessage read = DhcpMessage.Parse(packet)!;

        Assert.Equal("AB"u8.ToArray(), read.Find(DhcpOption.HostName));
        Assert.Equal("C"u8.ToArray(), read.Find(DhcpOption.DomainName));
    }

    [Fact]
    public void AnyBytes_AreAMessageOrNone_NeverThrow() =>
        Prop.ForAll(ArbMap.Default.GeneratorFor<byte>().ArrayOf().ToArbitrary(), tail =>
        {
            byte[] packet = [.. _sample.Write()[..243], .. tail];
            DhcpMessage.Parse(packet);
            DhcpMessage.Parse(tail);
            DhcpRoute.TryReadClassless(tail, out _);
            DhcpRoute.TryReadClassful(tail, out _);
            DhcpDomainSearch.Read(tail);
            UdpFrame.TryRead(tail, out _, out _);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void ClasslessRoutes_AreReadAsTheyWereWritten()
    {
        DhcpRoute[] routes =
        [
            new(Cidr.Parse("0.0.0.0/0"), IpText.ParseAddress("10.0.0.1")),
            new(Cidr.Parse("10.17.0.0/17"), IpText.ParseAddress("10.0.0.1")),
            new(Cidr.Parse("10.198.122.47/32"), IPAddress.Any),
        ];

        Assert.True(DhcpRoute.TryReadClassless(DhcpRoute.WriteClassless(routes), out IReadOnlyList<DhcpRoute>? read));
        Assert.Equal(routes, read);
        Assert.False(DhcpRoute.TryReadClassless([33, 1, 2, 3, 4, 5, 6, 7, 8, 9], out _));
    }

    [Fact]
    public void ClassfulRoutes_HaveThePrefixOfTheirClass()
    {
        byte[] value = [10, 1, 2, 3, 10, 0, 0, 1, 172, 16, 5, 0, 10, 0, 0, 2, 192, 168, 7, 9, 10, 0, 0, 3, 0, 0, 0, 0, 10, 0, 0, 4, 224, 0, 0, 1, 10, 0, 0, 5];

        Assert.True(DhcpRoute.TryReadClassful(value, out IReadOnlyList<DhcpRoute>? read));
        Assert.Equal(["10.0.0.0/8 10.0.0.1", "172.16.0.0/16 10.0.0.2", "192.168.7.0/24 10.0.0.3"], read.Select(r => $"{r.Destination} {IpText.Format(r.Gateway)}"));
    }

    [Theory]
    [InlineData(new byte[] { 1, (byte)'a', 2, (byte)'b', (byte)'c', 0, 1, (byte)'d', 0xc0, 2 }, new[] { "a.bc", "d.bc" })]
    [InlineData(new byte[] { 1, (byte)'a', 0, 1, (byte)'\n', 0 }, new[] { "a" })]
    [InlineData(new byte[] { 1, (byte)'a', 0xc0, 0 }, new string[0])]
    [InlineData(new byte[] { 0xc0, 0 }, new string[0])]
    public void DomainSearch_IsRead_AndWhatIsNoNameIsNot(byte[] value, string[] names) => Assert.Equal(names, DhcpDomainSearch.Read(value));

    [Fact]
    public void Frame_IsReadAsItWasWritten_AndADamagedHeaderIsNot()
    {
        UdpFrame frame = new(new IPEndPoint(IPAddress.Any, 68), new IPEndPoint(IPAddress.Broadcast, 67));
        byte[] packet = new byte[UdpFrame.HeaderSize + 5];

        frame.Write("hello"u8, packet);

        Assert.True(UdpFrame.TryRead(packet, out UdpFrame? read, out ReadOnlySpan<byte> payload));
        Assert.Equal(frame, read);
        Assert.Equal("hello"u8, payload);
        packet[8]--;
        Assert.False(UdpFrame.TryRead(packet, out _, out _));
    }
}
