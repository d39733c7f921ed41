using System.Text;
using Musubi.Cni.Execution;
using Musubi.Cni.Ipam.Dhcp;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;
using Musubi.Linux.Links;

namespace Musubi.Cni.Tests.Ipam.Dhcp;

/// <summary>Configuration, flags and records: what needs no network.</summary>
public sealed class DhcpSettingsTests : IDisposable
{
    private readonly PluginBench _bench = new();
    private readonly TemporaryDirectory _directory = new();

    public void Dispose()
    {
        _bench.Dispose();
        _directory.Dispose();
    }

    private string Config(string ipam) =>
        $$$"""{"cniVersion":"1.1.0","name":"net","ipam":{"type":"dhcp","daemonSocketPath":"{{{_directory.File("none.sock")}}}"{{{(ipam.Length > 0 ? "," : "")}}}{{{ipam}}}}}""";

    private ClientSettings Read(string ipam, string args = "", string id = "c1")
    {
        CniInvocation invocation = new() { Command = CniCommand.Add, ContainerId = id, IfName = "eth0", Args = args, Config = Encoding.UTF8.GetBytes(Config(ipam)) };
        using PluginCall call = new(invocation, _bench.Environment);
        return ClientSettings.Read(call, call.Config.Object("ipam")!.Value);
    }

    private CniException Fails(CniCommand command, string ipam = "") => Assert.Throws<CniException>(() => _bench.Run(command, "dhcp", Config(ipam)));

    [Fact]
    public void Identifier_IsTheReferencePlugins()
    {
        Assert.Equal("\0c1/net/eth0"u8.ToArray(), Read("").Options.Single(o => o.Key == DhcpOption.ClientId).Value);
        Assert.Equal(255, Read("", id: new string('a', 300)).Options.Single(o => o.Key == DhcpOption.ClientId).Value.Length);
    }

    [Theory]
    [InlineData("", new byte[] { 1, 3, 6, 15, 119 })]
    [InlineData("\"request\":[{\"option\":\"121\"}]", new byte[] { 121, 1, 3, 6, 15, 119 })]
    [InlineData("\"request\":[{\"option\":\"routers\"},{\"option\":\"121\",\"skipDefault\":true}]", new byte[] { 3, 121 })]
    public void Request_AddsToTheDefaultsUnlessTheyAreSkipped(string ipam, byte[] codes) => Assert.Equal(codes, Read(ipam).ParameterList);

    [Fact]
    public void Provide_ValueOfAnArgument_WinsOverTheConfigurations()
    {
        const string Provide = "\"provide\":[{\"option\":\"host-name\",\"value\":\"a\",\"fromArg\":\"NAME\"},{\"option\":\"dhcp-client-identifier\",\"value\":\"me\"}]";

        Assert.Equal("b", Encoding.UTF8.GetString(Read(Provide, "NAME=b").Options.Single(o => o.Key == DhcpOption.HostName).Value));
        Assert.Equal("a", Encoding.UTF8.GetString(Read(Provide).Options.Single(o => o.Key == DhcpOption.HostName).Value));
        Assert.Equal("me", Encoding.UTF8.GetString(Read(Provide).Options.Single(o => o.Key == DhcpOption.ClientId).Value));
    }

    [Theory]
    [InlineData("\"request\":[{\"option\":\"nonsense\"}]", "Can not parse option \"nonsense\" of ipam.request[0].option")]
    [InlineData("\"request\":[{\"option\":\"256\"}]", "Can not parse option \"256\"")]
    [InlineData("\"provide\":[{}]", "Can not parse option \"\" of ipam.provide[0].option")]
    [InlineData("\"provide\":[{\"option\":\"53\",\"value\":\"x\"}]", "option \"53\" of ipam.provide[0].option is the protocol's own")]
    [InlineData("\"priority\":\"1\"", "ipam.priority must be a whole number")]
    public void WrongOption_IsNamed(string ipam, string message)
    {
        CniException error = Fails(CniCommand.Add, ipam);

        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(CniErrorCode.InvalidNetworkConfig, error.Code);
    }

    [Fact]
    public void ValueTooLong_IsNamed() =>
        Assert.StartsWith("value too long for option \"77\"", Fails(CniCommand.Add, $"\"provide\":[{{\"option\":\"77\",\"value\":\"{new string('x', 256)}\"}}]").Message, StringComparison.Ordinal);

    [Fact]
    public void IPv6_IsRefused() => Assert.Equal(CniErrorCode.UnsupportedField, Fails(CniCommand.Add, "\"dhcpv6\":true").Code);

    [Fact]
    public void Daemon_NotThere_IsSaid_AndHoldsUpNoDel()
    {
        Assert.StartsWith("error dialing DHCP daemon: connect to ", Fails(CniCommand.Add).Message, StringComparison.Ordinal);
        Assert.Equal(CniErrorCode.TryAgainLater, Fails(CniCommand.Add).Code);
        Assert.Equal(CniErrorCode.PluginNotAvailable, Fails(CniCommand.Status).Code);
        _bench.Run(CniCommand.Del, "dhcp", Config(""));
        Assert.Contains("the lease is not given back", _bench.Log.ToString(), StringComparison.Ordinal);
        _bench.Run(CniCommand.Del, "dhcp", """{"cniVersion":"1.1.0","name":"net","ipam":"broken"}""");
    }

    [Theory]
    [InlineData("2s", 2)]
    [InlineData("1m30s", 90)]
    [InlineData("1.5h", 5400)]
    [InlineData("300ms", 0.3)]
    [InlineData("1h2m3s4ms", 3723.004)]
    [InlineData("0", 0)]
    public void Duration_OfGo_IsRead(string text, double seconds)
    {
        Assert.True(GoDuration.TryParse(text, out TimeSpan duration));
        Assert.Equal(seconds, duration.TotalSeconds, 6);
    }

    [Theory]
    [InlineData("")]
    [InlineData("2")]
    [InlineData("s")]
    [InlineData("-1s")]
    [InlineData("1d")]
    [InlineData("1..5s")]
    [InlineData("99999999h")]
    public void Duration_NotOfGo_IsNone(string text) => Assert.False(GoDuration.TryParse(text, out _));

    [Fact]
    public void Flags_HaveOneDashOrTwo_AndAValueEitherWay()
    {
        DaemonOptions options = DaemonOptions.Parse(
            ["-socketpath", "/a/b.sock", "--timeout=2s", "-resendmax=8s", "--resendtimeout", "10s", "-broadcast", "-hostprefix", "/host/", "--pidfile", "/p"]);

        Assert.Equal(("/host/a/b.sock", "/host/a/b.leases", "/p", true), (options.Socket, options.StateDirectory, options.PidFile, options.Broadcast));
        Assert.Equal((2.0, 8.0, 10.0), (options.Timing.Answer.TotalSeconds, options.Timing.LongestPause.TotalSeconds, options.Timing.Limit.TotalSeconds));
        Assert.False(DaemonOptions.Parse(["-broadcast=false"]).Broadcast);
        Assert.Equal("/run/cni/dhcp.sock", DaemonOptions.Parse([]).Socket);
    }

    [Theory]
    [InlineData("-nonsense", "unknown flag -nonsense")]
    [InlineData("nonsense", "unexpected argument \"nonsense\"")]
    [InlineData("-timeout", "flag -timeout needs a value")]
    [InlineData("-timeout=2", "flag -timeout: \"2\" is not a length of time such as 10s or 1m30s")]
    [InlineData("-pidfile=p", "flag -pidfile: \"p\" is not an absolute path")]
    [InlineData("-broadcast=maybe", "flag -broadcast: \"maybe\" is neither true nor false")]
    public void WrongFlag_IsNamed(string flag, string message) => Assert.Equal(message, Assert.Throws<FormatException>(() => DaemonOptions.Parse([flag])).Message);

    private static LeaseRecord Record(string id = "c1") => new(
        new LeaseKey(id, "net", "eth0"),
        new LeasePlace("/run/netns/x", 4, ulong.MaxValue, new LinkIndex(3)),
        new ClientSettings { Options = [new(DhcpOption.HostName, [65])], ParameterList = [1, 3], Priority = 9 },
        new GrantedLease(
            new DhcpMessage { Type = DhcpMessageType.Ack, IsReply = true, TransactionId = 1, ClientMac = MacAddress.Parse("02:00:00:00:00:07"), YourAddress = IpText.ParseAddress("10.0.0.5") },
            MacAddress.Parse("02:00:00:00:00:01"),
            TimeSpan.FromSeconds(77)));

    [Fact]
    public void Store_GivesBackWhatWasSaved_ReadableByItsOwnerOnly()
    {
        string directory = _directory.File("leases");
        using (LeaseStore store = LeaseStore.Open(directory))
        {
            store.Save(Record("c1"));
            store.Save(Record("c2"));
            store.Save(Record("c2"));
            store.Remove(new LeaseKey("c1", "net", "eth0"));
            store.Remove(new LeaseKey("c1", "net", "eth0"));
        }

        using LeaseStore again = LeaseStore.Open(directory);
        LeaseRecord read = Assert.Single(again.Load());
        Assert.Equal((Record("c2").Key, Record().Place, TimeSpan.FromSeconds(77)), (read.Key, read.Place, read.Lease!.GrantedAt));
        Assert.Equal((9, "0103", 65), (read.Settings.Priority, Convert.ToHexString(read.Settings.ParameterList), read.Settings.Options[0].Value[0]));
        Assert.Equal("10.0.0.5", IpText.Format(read.Lease.Acknowledgement.YourAddress));
        Assert.All(Directory.GetFiles(directory), f => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(f)));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
    }

    [Fact]
    public void Store_FilesThatAreNoLeases_AreRemoved()
    {
        string directory = _directory.File("leases");
        using LeaseStore store = LeaseStore.Open(directory);
        File.WriteAllText(Path.Combine(directory, "half.json"), "{\"version\":1,");
        File.WriteAllText(Path.Combine(directory, "x.json.new"), "");
        File.WriteAllBytes(Path.Combine(directory, "old.json"), Record().Write("another start of the machine"));

        Assert.Empty(store.Load());
        Assert.Equal(["lock"], Directory.GetFiles(directory).Select(Path.GetFileName));
    }

    [Fact]
    public void Store_OfAnotherDaemon_IsRefused()
    {
        using LeaseStore first = LeaseStore.Open(_directory.File("leases"));

        Assert.Throws<TimeoutException>(() => LeaseStore.Open(_directory.File("leases")));
    }
}
