using System.Net;
using System.Net.Sockets;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Linux.Addresses;

namespace Musubi.Linux.Tests.Addresses;

public sealed class TextProperties
{
    private static Arbitrary<IPAddress> Addresses() =>
        Gen.OneOf(
            ArbMap.Default.GeneratorFor<byte>().ArrayOf(4),
            ArbMap.Default.GeneratorFor<byte>().ArrayOf(16),
            Gen.Elements<byte>(0, 0, 0, 1, 0xff).ArrayOf(16))
            .Select(bytes => new IPAddress(bytes))
            .ToArbitrary();

    [Fact]
    public void Address_FormattedAndParsed_IsTheSame() =>
        Prop.ForAll(Addresses(), address => IpText.ParseAddress(IpText.Format(address)).Equals(IpText.Normalize(address))).QuickCheckThrowOnFailure();

    [Fact]
    public void Address_Formatted_IsReadBySystemAsTheSame() =>
        Prop.ForAll(
            Addresses(),
            address => IPAddress.TryParse(IpText.Format(address).AsSpan(), out IPAddress? read) && read.Equals(address))
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Cidr_FormattedAndParsed_IsTheSame() =>
        Prop.ForAll(
            Addresses(),
            Gen.Choose(0, 128).ToArbitrary(),
            (address, length) =>
            {
                IPAddress normal = IpText.Normalize(address);
                Cidr cidr = new(normal, normal.AddressFamily == AddressFamily.InterNetwork ? length % 33 : length);
                return Cidr.Parse(cidr.ToString()) == cidr
                    && cidr.Contains(cidr.Network.Address)
                    && cidr.Contains(cidr.Broadcast)
                    && cidr.Network.IsNetwork
                    && cidr.Overlaps(cidr.Network)
                    && IpText.ToNumber(cidr.Network.Address) == (IpText.ToNumber(cidr.Address) & IpText.ToNumber(cidr.Mask));
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Mac_FormattedAndParsed_IsTheSame() =>
        Prop.ForAll(
            ArbMap.Default.GeneratorFor<byte>().ArrayOf(6).ToArbitrary(),
            bytes =>
            {
                MacAddress mac = new(bytes);
                string text = mac.ToString();
                return MacAddress.Parse(text) == mac
                    && MacAddress.Parse(text.Replace(':', '-').ToUpperInvariant()) == mac
                    && mac.ToArray().AsSpan().SequenceEqual(bytes);
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Parsers_AnyText_DoNotThrow() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<string>(),
            text =>
            {
                _ = IpText.TryParseAddress(text, out _);
                _ = Cidr.TryParse(text, out _);
                _ = MacAddress.TryParse(text, out _);
                return true;
            })
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Parser_TextMadeOfAddressCharacters_AgreesWithTheSystemOnIPv6() =>
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(5000),
            Prop.ForAll(
                Gen.Elements("0", "1", "f", "ab", "ffff", "12345", ":", ":", "::", ".").ArrayOf().Select(string.Concat).ToArbitrary(),
                text => !IpText.TryParseAddress(text, out IPAddress? address)
                    || (IPAddress.TryParse(text.AsSpan(), out IPAddress? system) && IpText.Normalize(system).Equals(address))));

    [Theory]
    [InlineData("1.2.3")]
    [InlineData("1.2.3.4.5")]
    [InlineData("01.2.3.4")]
    [InlineData("0x1.2.3.4")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.")]
    [InlineData(" 1.2.3.4")]
    [InlineData("")]
    [InlineData(":")]
    [InlineData(":::")]
    [InlineData("1::2::3")]
    [InlineData("1:2:3:4:5:6:7")]
    [InlineData("1:2:3:4:5:6:7:8:9")]
    [InlineData("1:2:3:4:5:6:7::8")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1]")]
    [InlineData("12345::")]
    [InlineData("::1.2.3")]
    [InlineData("1.2.3.4::")]
    public void ParseAddress_NotStrictlyAnAddress_IsRefused(string text) => Assert.False(IpText.TryParseAddress(text, out _));

    [Theory]
    [InlineData("3ffe:ffff:0:01ff::1", "3ffe:ffff:0:1ff::1")]
    [InlineData("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1")]
    [InlineData("::", "::")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    [InlineData("64:ff9b::192.0.2.1", "64:ff9b::c000:201")]
    [InlineData("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7")]
    [InlineData("fe80::5efe:10.0.0.1", "fe80::5efe:a00:1")]
    [InlineData("1::", "1::")]
    public void ParseAddress_WrittenInOtherWays_HasOneForm(string text, string form) => Assert.Equal(form, IpText.Format(IpText.ParseAddress(text)));

    [Theory]
    [InlineData("10.0.0.0")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/08")]
    [InlineData("10.0.0.0/+8")]
    [InlineData("::/129")]
    [InlineData("::ffff:10.0.0.0/24")]
    public void ParseCidr_NotStrictlyACidr_IsRefused(string text) => Assert.False(Cidr.TryParse(text, out _));

    [Fact]
    public void Cidr_HostBitsAreKept()
    {
        Cidr cidr = Cidr.Parse("10.1.2.3/24");
        Assert.Equal("10.1.2.3/24", cidr.ToString());
        Assert.Equal("10.1.2.0/24", cidr.Network.ToString());
        Assert.Equal("10.1.2.255", cidr.Broadcast.ToString());
        Assert.Equal("255.255.255.0", cidr.Mask.ToString());
        Assert.False(cidr.IsNetwork);
        Assert.False(cidr.Contains(IpText.ParseAddress("10.1.3.1")));
        Assert.False(cidr.Contains(IpText.ParseAddress("::1")));
        Assert.True(cidr.Contains(cidr.Address.MapToIPv6()));
        Assert.True(Cidr.Parse("::/80").Contains(Cidr.Parse("::/80").Broadcast));
        Assert.Equal(Cidr.Parse("192.0.2.0/24"), Cidr.Parse("::ffff:192.0.2.0/120"));
        Assert.Equal("", default(Cidr).ToString());
    }

    [Fact]
    public void Add_AcrossOctets_AndBeyondTheEnd()
    {
        Assert.Equal("10.0.1.0", IpText.Add(IpText.ParseAddress("10.0.0.255"), 1).ToString());
        Assert.Equal("9.255.255.255", IpText.Add(IpText.ParseAddress("10.0.0.0"), -1).ToString());
        Assert.Equal("fd00::1:0", IpText.Format(IpText.Add(IpText.ParseAddress("fd00::ffff"), 1)));
        Assert.Throws<OverflowException>(() => IpText.Add(IPAddress.Broadcast, 1));
        Assert.Throws<OverflowException>(() => IpText.Add(IPAddress.Any, -1));
        Assert.Throws<OverflowException>(() => IpText.Add(IpText.ParseAddress("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 1));
    }

    [Theory]
    [InlineData("0200.0000.0001", "02:00:00:00:00:01")]
    [InlineData("AA-BB-CC-DD-EE-FF", "aa:bb:cc:dd:ee:ff")]
    public void ParseMac_OtherForms_AreRead(string text, string form) => Assert.Equal(form, MacAddress.Parse(text).ToString());

    [Theory]
    [InlineData("02:00:00:00:00")]
    [InlineData("02:00:00:00:00:0g")]
    [InlineData("02:00:00-00:00:01")]
    [InlineData("020000000001")]
    [InlineData("2:0:0:0:0:1")]
    [InlineData("0200:0000:0001")]
    public void ParseMac_NoMac_IsRefused(string text)
    {
        Assert.False(MacAddress.TryParse(text, out _));
        Assert.Contains(text, Assert.Throws<FormatException>(() => MacAddress.Parse(text)).Message);
    }

    [Fact]
    public void RandomMac_IsLocalAndUnicast()
    {
        for (int i = 0; i < 100; i++)
        {
            MacAddress mac = MacAddress.Random();
            Assert.True(mac.IsLocallyAdministered);
            Assert.False(mac.IsMulticast);
        }

        Assert.True(MacAddress.Broadcast.IsMulticast);
    }
}
