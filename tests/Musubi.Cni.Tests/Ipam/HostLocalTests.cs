using Musubi.Cni.Spec;

namespace Musubi.Cni.Tests.Ipam;

/// <summary>What host-local gives out, and what it writes down.</summary>
public sealed class HostLocalTests : IDisposable
{
    private const string Small = "\"subnet\":\"10.0.0.0/29\""; // .1 is the gateway, .2 to .6 are given out

    private readonly HostLocalBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Add_WritesReservationTheReferencePluginsWay()
    {
        _bench.Add(_bench.Config(Small));

        Assert.Equal("c1\r\neth0", _bench.Read("10.0.0.2"));
        Assert.Equal("10.0.0.2", _bench.Read("last_reserved_ip.0"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_bench.Directory, "10.0.0.2")));
        Assert.Equal([".index", "10.0.0.2", "last_reserved_ip.0", "lock"], Directory.EnumerateFiles(_bench.Directory).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Add_IPv6_FileIsNamedByCanonicalText()
    {
        _bench.Add(_bench.Config("\"subnet\":\"2001:db8:0:01::/64\""));

        Assert.Equal(["2001:db8:0:1::2"], _bench.Reserved());
    }

    [Fact]
    public void Add_Result_HasPrefixGatewayRoutesAndDns()
    {
        using TemporaryDirectory files = new();
        string resolv = files.Write("resolv.conf", "# x\n; y\nnameserver 10.0.0.53\nnameserver 10.0.0.54\ndomain a.b\ndomain c.d\nsearch one two\noptions ndots:5\n\n");

        CniResult result = _bench.Add(_bench.Config($"{Small},\"routes\":[{{\"dst\":\"0.0.0.0/0\"}},{{\"dst\":\"10.9.9.9/8\",\"gw\":\"10.0.0.3\"}}],\"resolvConf\":\"{resolv}\""));

        CniAddress address = Assert.Single(result.Addresses);
        Assert.Equal("10.0.0.2/29", address.Address.ToString());
        Assert.Equal("10.0.0.1", address.Gateway!.ToString());
        Assert.Null(address.Interface);
        Assert.Equal(["0.0.0.0/0", "10.9.9.9/8"], result.Routes.Select(r => r.Destination.ToString()));
        Assert.Equal(["10.0.0.53", "10.0.0.54"], result.Dns.Nameservers);
        Assert.Equal("c.d", result.Dns.Domain);
        Assert.Equal(["one", "two"], result.Dns.Search);
        Assert.Equal(["ndots:5"], result.Dns.Options);
    }

    [Fact]
    public void Add_ResolvConfMissing_IsNamedAndNothingIsTaken()
    {
        CniException error = _bench.Refused(_bench.Config($"{Small},\"resolvConf\":\"/nowhere/resolv.conf\""));

        Assert.Contains("/nowhere/resolv.conf", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_bench.Directory));
    }

    [Fact]
    public void Add_ManyContainers_GoesRoundAndSkipsGateway()
    {
        string config = _bench.Config(Small);

        Assert.Equal(["10.0.0.2/29", "10.0.0.3/29", "10.0.0.4/29"], new[] { "a", "b", "c" }.Select(id => _bench.Allocate(config, id)));
        _bench.Del(config, "a");
        Assert.Equal(["10.0.0.5/29", "10.0.0.6/29", "10.0.0.2/29"], new[] { "d", "e", "f" }.Select(id => _bench.Allocate(config, id)));
    }

    [Fact]
    public void Add_ReleasedAddress_IsGivenOutLast()
    {
        string config = _bench.Config(Small);
        _bench.Allocate(config, "a");
        _bench.Del(config, "a");

        Assert.Equal("10.0.0.3/29", _bench.Allocate(config, "a"));
    }

    [Fact]
    public void Add_GatewayInsideTheRange_IsSkipped()
    {
        string config = _bench.Config(Small + ",\"gateway\":\"10.0.0.3\"");

        Assert.Equal(["10.0.0.1/29", "10.0.0.2/29", "10.0.0.4/29"], new[] { "a", "b", "c" }.Select(id => _bench.Allocate(config, id)));
    }

    [Fact]
    public void Add_Exhausted_SaysWhichRangesAndAsksToTryLater()
    {
        string config = _bench.Config("\"ranges\":[[{\"subnet\":\"10.0.0.0/30\"},{\"subnet\":\"10.0.1.0/30\"}]]");
        Assert.Equal(["10.0.0.2/30", "10.0.1.2/30"], new[] { "a", "b" }.Select(id => _bench.Allocate(config, id)));

        CniException error = _bench.Refused(config, "c");

        Assert.Equal(CniErrorCode.TryAgainLater, error.Code);
        Assert.Equal("failed to allocate for range 0: no IP addresses available in range set: 10.0.0.1-10.0.0.2,10.0.1.1-10.0.1.2", error.Message);
    }

    [Fact]
    public void Add_LastReservedOutsideTheSet_StartsAtTheFirst()
    {
        _bench.Write("last_reserved_ip.0", "192.168.0.9");

        Assert.Equal("10.0.0.2/29", _bench.Allocate(_bench.Config(Small), "a"));
    }

    [Fact]
    public void Add_SeveralSets_GivesOneAddressOfEach()
    {
        CniResult result = _bench.Add(_bench.Config("\"subnet\":\"10.0.0.0/24\",\"ranges\":[[{\"subnet\":\"fd00::/64\"}]]", "\"runtimeConfig\":{\"ipRanges\":[[{\"subnet\":\"10.5.0.0/24\",\"rangeStart\":\"10.5.0.9\",\"rangeEnd\":\"10.5.0.9\"}]]}"));

        Assert.Equal(["10.5.0.9/24", "10.0.0.2/24", "fd00::2/64"], result.Addresses.Select(a => a.Address.ToString()));
        Assert.Equal(("10.5.0.9", "10.0.0.2", "fd00::2"), (_bench.Read("last_reserved_ip.0"), _bench.Read("last_reserved_ip.1"), _bench.Read("last_reserved_ip.2")));
    }

    [Fact]
    public void Add_LaterSetExhausted_GivesBackTheEarlier()
    {
        string config = _bench.Config("\"ranges\":[[{\"subnet\":\"10.0.0.0/24\"}],[{\"subnet\":\"10.1.0.0/30\"}]]");
        _bench.Add(config, "a");

        CniException error = _bench.Refused(config, "b");

        Assert.StartsWith("failed to allocate for range 1: ", error.Message, StringComparison.Ordinal);
        Assert.Equal(["10.0.0.2", "10.1.0.2"], _bench.Reserved());
    }

    [Fact]
    public void Add_Twice_IsRefusedAndKeepsTheFirst()
    {
        string config = _bench.Config(Small);
        _bench.Add(config);

        CniException error = _bench.Refused(config);

        Assert.Equal("failed to allocate for range 0: 10.0.0.2 has been allocated to c1, duplicate allocation is not allowed", error.Message);
        Assert.Equal(["10.0.0.2"], _bench.Reserved());
    }

    [Fact]
    public void Add_SecondInterfaceOfOneContainer_GetsItsOwn()
    {
        string config = _bench.Config(Small);
        _bench.Add(config, ifName: "eth0");
        _bench.Add(config, ifName: "eth1");

        Assert.Equal(("c1\r\neth0", "c1\r\neth1"), (_bench.Read("10.0.0.2"), _bench.Read("10.0.0.3")));
    }

    [Theory]
    [InlineData("IgnoreUnknown=1;IP=10.0.0.4", "")]
    [InlineData("IP=10.0.0.4/29", "")]
    [InlineData("", "\"args\":{\"cni\":{\"ips\":[\"10.0.0.4\"]}}")]
    [InlineData("", "\"RuntimeConfig\":{\"ips\":[\"10.0.0.4/24\"]}")]
    [InlineData("IP=10.0.0.4", "\"runtimeConfig\":{\"ips\":[\"10.0.0.4\"]}")]
    public void Add_AddressAskedFor_IsGiven(string args, string more)
    {
        Assert.Equal("10.0.0.4/29", _bench.Allocate(_bench.Config(Small, more), "c1", args));
        Assert.Equal("10.0.0.4", _bench.Read("last_reserved_ip.0"));
    }

    [Theory]
    [InlineData("IP=10.0.0.1", "failed to allocate for range 0: requested ip 10.0.0.1 is subnet's gateway")]
    [InlineData("IP=10.0.0.2", "failed to allocate for range 0: requested IP address 10.0.0.2 is not available in range set 10.0.0.1-10.0.0.6")]
    [InlineData("IP=10.9.0.1,10.9.0.2", "failed to allocate all requested IPs: 10.9.0.1 10.9.0.2")]
    [InlineData("IP=10.0.0.5,10.0.0.6", "failed to allocate all requested IPs: 10.0.0.6")]
    [InlineData("IP=10.0.0.05", "invalid requested IP: \"10.0.0.05\" is not an IP address")]
    public void Add_AddressAskedForNotToBeHad_IsNamedAndNothingIsKept(string args, string message)
    {
        string config = _bench.Config(Small);
        _bench.Add(config, "other");

        Assert.Equal(message, _bench.Refused(config, args: args).Message);
        Assert.Equal(["10.0.0.2"], _bench.Reserved());
    }

    [Fact]
    public void Add_EmptyReservationLeftByACrash_CountsAsFree()
    {
        _bench.Write("10.0.0.2", "");

        Assert.Equal("10.0.0.2/29", _bench.Allocate(_bench.Config(Small), "c1"));
        Assert.Equal("c1\r\neth0", _bench.Read("10.0.0.2"));
    }

    [Theory]
    [InlineData("\"ranges\":[[{\"subnet\":\"10.0.0.0/24\"}],[{\"subnet\":\"10.1.0.0/24\"}]]")]
    [InlineData("\"ranges\":[[{\"subnet\":\"fd00::/64\"}],[{\"subnet\":\"fd01::/64\"}]]")]
    public void Add_OldVersionWithTwoAddressesOfAFamily_IsRefused(string ipam) =>
        Assert.Equal("CNI version 0.2.0 does not support more than 1 address per family", _bench.Refused(_bench.Config(ipam, version: "0.2.0")).Message);

    [Fact]
    public void Add_Concurrently_EveryAddressIsUnique()
    {
        string config = _bench.Config("\"subnet\":\"10.0.0.0/24\"");
        string[] given = new string[64];

        Parallel.For(0, given.Length, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i => given[i] = _bench.Allocate(config, $"c{i}"));

        Assert.Equal(given.Length, given.Distinct().Count());
        Assert.Equal(given.Length, _bench.Reserved().Count);
    }

    [Fact]
    public void AddAndDel_Concurrently_NothingIsLostOrLeft()
    {
        string config = _bench.Config("\"subnet\":\"10.0.0.0/26\"");

        Parallel.For(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
        {
            _bench.Allocate(config, $"c{i}");
            _bench.Del(config, $"c{i}");
        });

        Assert.Empty(_bench.Reserved());
    }

    [Fact]
    public void Del_OnlyItsOwnAttachment_IsReleased()
    {
        string config = _bench.Config(Small);
        _bench.Add(config, ifName: "eth0");
        _bench.Add(config, ifName: "eth1");
        _bench.Add(config, "c2");

        _bench.Del(config, ifName: "eth1");

        Assert.Equal(["10.0.0.2", "10.0.0.4"], _bench.Reserved());
    }

    [Fact]
    public void Del_Unknown_Succeeds()
    {
        string config = _bench.Config(Small);

        _bench.Del(config, "never");
        _bench.Add(config);
        _bench.Del(config);
        _bench.Del(config);

        Assert.Empty(_bench.Reserved());
    }

    [Fact]
    public void Del_AfterRangesBroke_StillReleases()
    {
        _bench.Add(_bench.Config(Small));

        _bench.Del(_bench.Config("\"subnet\":\"nonsense\",\"ranges\":[[]]"));

        Assert.Empty(_bench.Reserved());
    }

    [Theory]
    [InlineData("c1")]
    [InlineData("c1\n")]
    [InlineData(" c1 \r\n")]
    public void Del_LegacyFileWithoutInterface_IsReleased(string content)
    {
        _bench.Write("10.0.0.3", content);

        _bench.Check(_bench.Config(Small));
        _bench.Del(_bench.Config(Small));

        Assert.Empty(_bench.Reserved());
    }

    [Fact]
    public void Del_LegacyAndExactFile_OnlyTheExactIsReleased()
    {
        _bench.Write("10.0.0.3", "c1");
        _bench.Write("10.0.0.4", "c1\r\neth0");

        _bench.Del(_bench.Config(Small));

        Assert.Equal(["10.0.0.3"], _bench.Reserved());
    }

    [Fact]
    public void Check_WithoutReservation_Fails()
    {
        string config = _bench.Config(Small);
        _bench.Add(config);
        _bench.Check(config);
        _bench.Del(config);

        Assert.Equal("host-local: Failed to find address added by container c1", Assert.Throws<CniException>(() => _bench.Check(config)).Message);
    }

    [Fact]
    public void Gc_InvalidAttachments_AreReleased()
    {
        string config = _bench.Config("\"subnet\":\"10.0.0.0/24\"");
        _bench.Add(config, "keep");
        _bench.Add(config, "gone");
        _bench.Add(config, "keep", ifName: "old");
        _bench.Write("10.0.0.9", "keep");
        _bench.Write("10.0.0.10", "gone");

        _bench.Gc(_bench.Config("", "\"cni.dev/valid-attachments\":[{\"containerID\":\"keep\",\"ifname\":\"eth0\"}]"));

        Assert.Equal(["10.0.0.2", "10.0.0.9"], _bench.Reserved());
    }

    [Fact]
    public void Gc_NothingValid_ReleasesAllButKeepsTheBooks()
    {
        _bench.Add(_bench.Config(Small));

        _bench.Gc(_bench.Config("", "\"cni.dev/valid-attachments\":[]"));

        Assert.Empty(_bench.Reserved());
        Assert.Equal("10.0.0.2", _bench.Read("last_reserved_ip.0"));
    }

    [Theory]
    [InlineData("", "no IP ranges specified")]
    [InlineData("\"ranges\":[[]]", "invalid range set 0: empty range set")]
    [InlineData("\"subnet\":\"10.0.0.0/31\"", "invalid range set 0: Network 10.0.0.0/31 too small to allocate from")]
    [InlineData("\"subnet\":\"fd00::/127\"", "invalid range set 0: Network fd00::/127 too small to allocate from")]
    [InlineData("\"subnet\":\"10.0.0.5/24\"", "invalid range set 0: Network has host bits set. For a subnet mask of length 24 the network address is 10.0.0.0")]
    [InlineData("\"subnet\":\"10.0.0.0/24\",\"rangeStart\":\"10.0.1.1\"", "invalid range set 0: RangeStart 10.0.1.1 not in network 10.0.0.0/24")]
    [InlineData("\"subnet\":\"10.0.0.0/24\",\"rangeEnd\":\"10.0.1.1\"", "invalid range set 0: RangeEnd 10.0.1.1 not in network 10.0.0.0/24")]
    [InlineData("\"subnet\":\"10.0.0.0/24\",\"rangeStart\":\"10.0.0.9\",\"rangeEnd\":\"10.0.0.3\"", "invalid range set 0: RangeStart 10.0.0.9 is behind RangeEnd 10.0.0.3 in network 10.0.0.0/24")]
    [InlineData("\"ranges\":[[{\"subnet\":\"10.0.0.0/24\"},{\"subnet\":\"fd00::/64\"}]]", "invalid range set 0: mixed address families")]
    [InlineData("\"ranges\":[[{\"subnet\":\"10.0.0.0/24\"},{\"subnet\":\"10.0.0.0/25\"}]]", "invalid range set 0: subnets 10.0.0.1-10.0.0.254 and 10.0.0.1-10.0.0.126 overlap")]
    [InlineData("\"ranges\":[[{\"subnet\":\"10.0.0.0/24\"}],[{\"subnet\":\"10.0.0.0/25\"}]]", "range set 0 overlaps with 1")]
    [InlineData("\"ranges\":[{\"subnet\":\"10.0.0.0/24\"}]", "ipam.ranges[0] must be a list of ranges")]
    [InlineData("\"ranges\":[[5]]", "ipam.ranges[0][0] must be an object")]
    public void Add_BadRanges_SaysWhatAndWhere(string ipam, string message)
    {
        CniException error = _bench.Refused(_bench.Config(ipam));

        Assert.Equal(CniErrorCode.InvalidNetworkConfig, error.Code);
        Assert.Equal(message, error.Message);
    }

    [Fact]
    public void Add_WithoutIpam_IsRefused() =>
        Assert.Equal("IPAM config missing 'ipam' key", _bench.Refused("""{"cniVersion":"1.1.0","name":"net"}""").Message);
}
