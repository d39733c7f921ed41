using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Ipam;

public sealed class StaticTests : IDisposable
{
    private readonly PluginBench _bench = new();

    public void Dispose() => _bench.Dispose();

    private static string Config(string ipam, string more = "", string version = "1.1.0") =>
        $$"""{"cniVersion":"{{version}}","name":"net","ipam":{"type":"static"{{(ipam.Length > 0 ? "," : "")}}{{ipam}}}{{(more.Length > 0 ? "," : "")}}{{more}}}""";

    private string[] Addresses(string config, string? args = null) => [.. _bench.Add("static", config, args: args).Addresses.Select(a => $"{a.Address} {a.Gateway}".Trim())];

    private string Refused(string config, string? args = null) => Assert.Throws<CniException>(() => Addresses(config, args)).Message;

    private const string Written = "\"addresses\":[{\"address\":\"10.0.0.7/24\",\"gateway\":\"10.0.0.1\"},{\"address\":\"fd00::7/64\"}]";

    [Fact]
    public void Add_AddressesOfTheConfiguration_AreGivenInOrder() => Assert.Equal(["10.0.0.7/24 10.0.0.1", "fd00::7/64"], Addresses(Config(Written)));

    [Fact]
    public void Add_CniArgs_AreAppendedWithTheGatewayThatFits() =>
        Assert.Equal(["10.0.0.7/24 10.0.0.1", "fd00::7/64", "10.5.0.2/24 10.5.0.1", "10.6.0.2/24"], Addresses(Config(Written), "IP=10.5.0.2/24,10.6.0.2/24;GATEWAY=10.5.0.1"));

    [Fact]
    public void Add_ArgsCni_ReplacesTheConfiguration() =>
        Assert.Equal(["10.8.0.2/24"], Addresses(Config(Written, "\"args\":{\"cni\":{\"ips\":[\"10.8.0.2/24\"]}}"), "IP=10.5.0.2/24"));

    [Fact]
    public void Add_RuntimeConfig_WinsOverAll() =>
        Assert.Equal(["10.9.0.2/24"], Addresses(Config(Written, "\"args\":{\"cni\":{\"ips\":[\"10.8.0.2/24\"]}},\"runtimeConfig\":{\"ips\":[\"10.9.0.2/24\"]}"), "IP=10.5.0.2/24"));

    [Fact]
    public void Add_RuntimeConfigEmpty_LeavesItToTheArguments() =>
        Assert.Equal(["10.8.0.2/24"], Addresses(Config(Written, "\"args\":{\"cni\":{\"ips\":[\"10.8.0.2/24\"]}},\"runtimeConfig\":{\"ips\":[]}")));

    [Fact]
    public void Add_WithoutAddresses_SucceedsEmpty() => Assert.Empty(Addresses(Config("")));

    [Fact]
    public void Add_RoutesAndDns_AreGivenAsWritten()
    {
        CniResult result = _bench.Add("static", Config("\"routes\":[{\"dst\":\"10.1.2.3/8\",\"gw\":\"10.0.0.9\"},{\"dst\":\"10.1.2.3/8\"}],\"dns\":{\"nameservers\":[\"10.0.0.53\"]}"));

        Assert.Equal(["10.1.2.3/8", "10.1.2.3/8"], result.Routes.Select(r => r.Destination.ToString()));
        Assert.Equal(["10.0.0.53"], result.Dns.Nameservers);
    }

    [Theory]
    [InlineData("\"addresses\":[{\"address\":\"10.0.0.7\"}]", "", null, "the 'address' field is expected to be in CIDR notation, got: '10.0.0.7'")]
    [InlineData("\"addresses\":[{}]", "", null, "the 'address' field is expected to be in CIDR notation, got: ''")]
    [InlineData("", "", "IP=10.0.0.7", "the 'ip' field is expected to be in CIDR notation, got: '10.0.0.7'")]
    [InlineData("", "\"runtimeConfig\":{\"ips\":[\"10.0.0.7/24\"]}", "IP=10.0.0.7", "the 'ip' field is expected to be in CIDR notation, got: '10.0.0.7'")]
    [InlineData("", "", "GATEWAY=x", "invalid gateway address: \"x\" is not an IP address")]
    [InlineData("", "\"runtimeConfig\":{\"ips\":[\"x\"]}", null, "an entry in the 'ips' field is NOT in CIDR notation, got: 'x'")]
    public void Add_BadAddress_IsNamed(string ipam, string more, string? args, string message) => Assert.Equal(message, Refused(Config(ipam, more), args));

    [Fact]
    public void Add_OldVersionWithTwoAddressesOfAFamily_IsRefused() =>
        Assert.Equal("CNI version 0.1.0 does not support more than 1 address per family", Refused(Config("\"addresses\":[{\"address\":\"10.0.0.7/24\"},{\"address\":\"10.0.1.7/24\"}]", version: "0.1.0")));

    [Fact]
    public void Add_WithoutIpam_IsRefused() => Assert.Equal("IPAM config missing 'ipam' key", Refused("""{"cniVersion":"1.1.0","name":"net"}"""));

    [Fact]
    public void Check_OtherGateway_Fails()
    {
        CniResult result = _bench.Add("static", Config(Written));
        _bench.Check("static", Config(Written), result);

        CniException error = Assert.Throws<CniException>(() => _bench.Check("static", Config(Written.Replace("10.0.0.1\"", "10.0.0.2\"", StringComparison.Ordinal)), result));

        Assert.StartsWith("static: Failed to match addr 10.0.0.7/24", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_WithoutPreviousResult_IsRefused() =>
        Assert.Equal("Required prevResult missing", Assert.Throws<CniException>(() => _bench.Run(CniCommand.Check, "static", Config(Written))).Message);

    [Fact]
    public void Del_BrokenConfiguration_Succeeds() => _bench.Del("static", Config("\"addresses\":[{\"address\":\"nonsense\"}]"));
}
