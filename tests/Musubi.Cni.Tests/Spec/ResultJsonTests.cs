using System.Text;
using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Tests.Spec;

/// <summary>The result's shape in every version of the specification.</summary>
public sealed class ResultJsonTests
{
    private static readonly CniResult _full = new()
    {
        Interfaces = [new("br0") { Mac = "02:00:00:00:00:01" }, new("eth0") { Mac = "02:00:00:00:00:02", Sandbox = "/run/netns/a", MtuBytes = 1400, PciId = "0000:00:01.0", SocketPath = "/s" }],
        Addresses =
        [
            new(Cidr.Parse("10.1.0.5/24")) { Interface = 0, Gateway = IpText.ParseAddress("10.1.0.1") },
            new(Cidr.Parse("10.2.0.5/24")) { Interface = 1 },
            new(Cidr.Parse("fd00::5/64")) { Interface = 1, Gateway = IpText.ParseAddress("fd00::1") },
        ],
        Routes =
        [
            new(Cidr.Parse("10.9.8.7/8")) { Gateway = IpText.ParseAddress("10.1.0.254"), MtuBytes = 1300, AdvMss = 1200, Priority = 5, Table = 100, Scope = 0 },
            new(Cidr.Parse("::/0")),
        ],
        Dns = new CniDns { Nameservers = ["10.1.0.1"], Domain = "example.org", Search = ["a", "b"], Options = ["ndots:2"] },
    };

    private static JsonElement Write(CniResult result, string version) =>
        JsonDocument.Parse(CniResultJson.Write(result, CniVersion.Parse(version))).RootElement;

    private static string[] Keys(JsonElement element) => [.. element.EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal)];

    [Theory]
    [InlineData("0.1.0")]
    [InlineData("0.2.0")]
    public void Write_LegacyVersion_HasFirstAddressOfEachFamilyWithItsRoutes(string version)
    {
        JsonElement json = Write(_full, version);

        Assert.Equal(["cniVersion", "dns", "ip4", "ip6"], Keys(json));
        Assert.Equal(version, json.GetProperty("cniVersion").GetString());
        Assert.Equal("10.1.0.5/24", json.GetProperty("ip4").GetProperty("ip").GetString());
        Assert.Equal("10.1.0.1", json.GetProperty("ip4").GetProperty("gateway").GetString());
        JsonElement route = Assert.Single(json.GetProperty("ip4").GetProperty("routes").EnumerateArray());
        Assert.Equal(["dst", "gw"], Keys(route));
        Assert.Equal("10.9.8.7/8", route.GetProperty("dst").GetString());
        Assert.Equal("::/0", json.GetProperty("ip6").GetProperty("routes")[0].GetProperty("dst").GetString());
    }

    [Theory]
    [InlineData("0.1.0")]
    [InlineData("0.2.0")]
    public void Write_LegacyVersionWithoutAddress_IsRefused(string version)
    {
        CniException error = Assert.Throws<CniException>(() => Write(new CniResult(), version));

        Assert.Equal("cannot convert: no valid IP addresses", error.Message);
    }

    [Theory]
    [InlineData("0.3.0")]
    [InlineData("0.3.1")]
    [InlineData("0.4.0")]
    public void Write_FirstListVersions_NameTheFamilyAndKeepInterfacesShort(string version)
    {
        JsonElement json = Write(_full, version);

        Assert.Equal(["cniVersion", "dns", "interfaces", "ips", "routes"], Keys(json));
        Assert.Equal(["4", "4", "6"], json.GetProperty("ips").EnumerateArray().Select(i => i.GetProperty("version").GetString()));
        Assert.Equal(["mac", "name", "sandbox"], Keys(json.GetProperty("interfaces")[1]));
    }

    [Theory]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void Write_NewVersions_HaveNoFamilyAndTellMore(string version)
    {
        JsonElement json = Write(_full, version);

        Assert.All(json.GetProperty("ips").EnumerateArray(), ip => Assert.False(ip.TryGetProperty("version", out _)));
        Assert.Equal(["mac", "mtu", "name", "pciID", "sandbox", "socketPath"], Keys(json.GetProperty("interfaces")[1]));
        Assert.Equal(["advmss", "dst", "gw", "mtu", "priority", "scope", "table"], Keys(json.GetProperty("routes")[0]));
    }

    [Theory]
    [InlineData("0.3.0", true)]
    [InlineData("0.4.0", true)]
    [InlineData("1.0.0", false)]
    [InlineData("1.1.0", false)]
    public void Write_EmptyResult_HasDnsOnlyBeforeVersionOne(string version, bool dns)
    {
        JsonElement json = Write(new CniResult(), version);

        Assert.Equal(dns ? ["cniVersion", "dns"] : ["cniVersion"], Keys(json));
    }

    [Fact]
    public void Write_InterfaceIndexZero_IsPrinted() =>
        Assert.Equal(0, Write(_full, "1.1.0").GetProperty("ips")[0].GetProperty("interface").GetInt32());

    [Fact]
    public void Write_EmptyValues_AreLeftOut()
    {
        JsonElement json = Write(new CniResult { Interfaces = [new("eth0")], Addresses = [new(Cidr.Parse("10.0.0.1/24"))] }, "1.1.0");

        Assert.Equal(["name"], Keys(json.GetProperty("interfaces")[0]));
        Assert.Equal(["address"], Keys(json.GetProperty("ips")[0]));
    }

    [Fact]
    public void Write_Keys_AreFollowedByColonAtOnce() =>
        Assert.Contains("\"interfaces\": ", Encoding.UTF8.GetString(CniResultJson.Write(_full, CniVersion.V110)), StringComparison.Ordinal);

    [Fact]
    public void Read_LegacyResult_GivesAddressesAndRoutesOfBothFamilies()
    {
        ConfigObject json = ConfigObject.Parse(CniResultJson.Write(_full, CniVersion.Parse("0.2.0")));

        CniResult read = CniResultJson.Read(json, CniVersion.V110);

        Assert.Equal(["10.1.0.5/24", "fd00::5/64"], read.Addresses.Select(a => a.Address.ToString()));
        Assert.Equal(["10.9.8.7/8", "::/0"], read.Routes.Select(r => r.Destination.ToString()));
        Assert.Equal("example.org", read.Dns.Domain);
    }

    [Fact]
    public void Read_WithoutVersion_TakesTheConfigurations()
    {
        ConfigObject json = ConfigObject.Parse("""{"ips":[{"address":"10.0.0.1/24"}]}"""u8.ToArray());

        Assert.Single(CniResultJson.Read(json, CniVersion.V110).Addresses);
    }

    [Fact]
    public void Read_UnknownVersion_IsIncompatible()
    {
        ConfigObject json = ConfigObject.Parse("""{"cniVersion":"9.0.0"}"""u8.ToArray());

        CniException error = Assert.Throws<CniException>(() => CniResultJson.Read(json, CniVersion.V110));

        Assert.Equal(CniErrorCode.IncompatibleVersion, error.Code);
        Assert.StartsWith("config is \"9.0.0\", plugin supports [\"0.1.0\" \"0.2.0\"", error.Details, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NullMembers_CountAsAbsent()
    {
        ConfigObject json = ConfigObject.Parse("""{"cniVersion":"1.0.0","interfaces":null,"ips":null,"routes":null,"dns":{}}"""u8.ToArray());

        CniResult read = CniResultJson.Read(json, CniVersion.V110);

        Assert.Empty(read.Addresses);
        Assert.Empty(read.Routes);
        Assert.True(read.Dns.IsEmpty);
    }

    [Theory]
    [InlineData("010.0.0.1/24")]
    [InlineData("10.1/16")]
    [InlineData("fe80::1%eth0/64")]
    [InlineData("10.0.0.1")]
    [InlineData("10.0.0.1/33")]
    public void Read_LooseAddress_IsRefusedByItsPath(string address)
    {
        ConfigObject json = ConfigObject.Parse(Encoding.UTF8.GetBytes($$"""{"ips":[{"address":"{{address}}"}]}"""));

        CniException error = Assert.Throws<CniException>(() => CniResultJson.Read(json, CniVersion.V110));

        Assert.Contains("ips[0].address", error.Message, StringComparison.Ordinal);
    }
}
