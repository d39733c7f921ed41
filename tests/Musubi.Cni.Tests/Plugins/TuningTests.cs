using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The tuning plugin on an interface that is there, with ip(8) and /proc as witnesses.</summary>
public sealed class TuningTests : IDisposable
{
    private const string Mac = "02:00:00:00:00:07";
    private const string OldMac = "02:00:00:00:00:01";

    private static readonly CniResult _previous = new()
    {
        Interfaces = [new CniInterface("veth7") { Mac = "02:00:00:00:00:02" }, new CniInterface("eth0") { Mac = OldMac, Sandbox = "/run/netns/x" }],
    };

    private readonly TestNamespace _host = new("host");
    private readonly TestNamespace _pod = new("pod");
    private readonly TemporaryDirectory _data = new();
    private readonly PluginBench _bench;

    public TuningTests()
    {
        _bench = new PluginBench(_host.Network);
        MakeInterface("eth0");
    }

    private string Backup => _data.File("c1_eth0.json");

    public void Dispose()
    {
        _bench.Dispose();
        _data.Dispose();
        _pod.Dispose();
        _host.Dispose();
    }

    private void MakeInterface(string name) =>
        _pod.Run($"ip link add {name} mtu 1500 txqueuelen 1000 address {OldMac} type veth peer name p-{name}");

    private string Config(string more, string version = "1.1.0", string name = "net") =>
        $$"""{"cniVersion":"{{version}}","name":"{{name}}","type":"tuning","dataDir":"{{_data.Path}}"{{(more.Length > 0 ? "," : "")}}{{more}}}""";

    private CniResult Add(string more, string ifName = "eth0", string version = "1.1.0", string? args = null, string id = "c1") =>
        _bench.Add("tuning", PluginBench.WithPrevious(Config(more, version), _previous), id, _pod.Path, ifName, args);

    private void Del(string more = "", string? netns = null) => _bench.Del("tuning", Config(more), "c1", netns ?? _pod.Path);

    private void Check(string more) => _bench.Check("tuning", Config(more), _previous, "c1", _pod.Path);

    private CniException Refused(string more) => Assert.Throws<CniException>(() => Add(more));

    private string[] Attributes(string name = "eth0")
    {
        JsonElement link = _pod.Link(name);
        HashSet<string> flags = [.. link.GetProperty("flags").EnumerateArray().Select(f => f.GetString()!)];
        return
        [
            link.GetProperty("address").GetString()!,
            link.GetProperty("mtu").ToString(),
            link.GetProperty("txqlen").ToString(),
            flags.Contains("PROMISC") ? "promisc" : "",
            flags.Contains("ALLMULTI") ? "allmulti" : "",
        ];
    }

    [Theory]
    [InlineData("0.3.0")]
    [InlineData("0.4.0")]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void AddAndDel_EveryAttribute_AppliedAndRestored(string version)
    {
        string more = $"\"mac\":\"{Mac}\",\"promisc\":true,\"mtu\":1400,\"txQLen\":500,\"allmulti\":true";

        CniResult result = Add(more, version: version);

        Assert.Equal([Mac, "1400", "500", "promisc", "allmulti"], Attributes());
        Assert.Equal(["02:00:00:00:00:02", Mac], result.Interfaces.Select(i => i.Mac));
        JsonElement saved = JsonDocument.Parse(File.ReadAllText(Backup)).RootElement;
        Assert.Equal(
            (OldMac, false, 1500, 1000, false),
            (saved.GetProperty("mac").GetString(), saved.GetProperty("promisc").GetBoolean(), saved.GetProperty("mtu").GetInt32(),
                saved.GetProperty("txQLen").GetInt32(), saved.GetProperty("allmulti").GetBoolean()));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Backup));
        Check(more);

        Del(more);
        Assert.Equal([OldMac, "1500", "1000", "", ""], Attributes());
        Assert.False(File.Exists(Backup));
        Del(more);
    }

    [Fact]
    public void Add_OneAttribute_OnlyThatIsWrittenDownAndRestored()
    {
        Add("\"mtu\":1400");
        _pod.Run("ip link set eth0 txqueuelen 7");

        Assert.Equal(["network", "mtu"], JsonDocument.Parse(File.ReadAllText(Backup)).RootElement.EnumerateObject().Select(p => p.Name));
        Del();

        Assert.Equal([OldMac, "1500", "7", "", ""], Attributes());
    }

    [Theory]
    [InlineData("MAC=02:00:00:00:00:03", "\"mac\":\"02:00:00:00:00:04\"", "02:00:00:00:00:03")]
    [InlineData("IgnoreUnknown=1;MAC=02:00:00:00:00:03", "\"mac\":\"02:00:00:00:00:04\",\"RuntimeConfig\":{\"mac\":\"02:00:00:00:00:05\"}", "02:00:00:00:00:05")]
    [InlineData("MAC=02:00:00:00:00:03", "\"args\":{\"cni\":{\"mac\":\"02:00:00:00:00:06\"}},\"runtimeConfig\":{\"mac\":\"02:00:00:00:00:05\"}", "02:00:00:00:00:06")]
    public void Add_Mac_ArgsBeatRuntimeConfigBeatsVariableBeatsKey(string args, string more, string mac)
    {
        CniResult result = Add(more, args: args);

        Assert.Equal((mac, mac), (Attributes()[0], result.Interfaces[1].Mac));
    }

    [Fact]
    public void Add_Args_WinOverEveryKey()
    {
        Add("\"mtu\":1400,\"txQLen\":500,\"sysctl\":{\"net.ipv4.conf.eth0.rp_filter\":\"1\",\"net.core.somaxconn\":\"600\"},"
            + "\"args\":{\"cni\":{\"mtu\":1300,\"txQLen\":400,\"promisc\":true,\"allmulti\":true,\"sysctl\":{\"net/ipv4/conf/IFNAME/rp_filter\":\"2\"}}}");

        Assert.Equal([OldMac, "1300", "400", "promisc", "allmulti"], Attributes());
        Assert.Equal(("2", "600"), (_pod.Sysctl("net/ipv4/conf/eth0/rp_filter"), _pod.Sysctl("net/core/somaxconn")));
    }

    [Fact]
    public void Add_ArgsSysctlAlone_NeedsNoSysctlKey()
    {
        Add("\"args\":{\"cni\":{\"sysctl\":{\"net.core.somaxconn\":\"500\"}}}");

        Assert.Equal("500", _pod.Sysctl("net/core/somaxconn"));
    }

    [Fact]
    public void Add_SysctlOnly_LeavesNoBackupAndStaysAfterDel()
    {
        string before = _host.Sysctl("net/core/somaxconn");
        Add("\"sysctl\":{\"net.core.somaxconn\":\"500\"}");

        Assert.False(File.Exists(Backup));
        Del();
        Assert.Equal(("500", before), (_pod.Sysctl("net/core/somaxconn"), _host.Sysctl("net/core/somaxconn")));
    }

    [Theory]
    [InlineData("eth0.100", "net.ipv4.conf.IFNAME.rp_filter")]
    [InlineData("eth0.100", "net/ipv4/conf/eth0.100/rp_filter")]
    [InlineData("eth0.100", "net/ipv4/conf/IFNAME/rp_filter")]
    public void Add_InterfaceNameWithDots_IsFound(string ifName, string key)
    {
        MakeInterface(ifName);

        Add($"\"sysctl\":{{\"{key}\":\"2\"}}", ifName);

        Assert.Equal("2", _pod.Sysctl($"net/ipv4/conf/{ifName}/rp_filter"));
    }

    [Theory]
    [InlineData("\"sysctl\":{\"kernel.hostname\":\"x\"}", "invalid net sysctl key: \"kernel.hostname\"")]
    [InlineData("\"sysctl\":{\"net/../kernel/hostname\":\"x\"}", "invalid net sysctl key: \"net/../kernel/hostname\"")]
    [InlineData("\"sysctl\":{\"net..ipv4\":\"x\"}", "invalid net sysctl key: \"net..ipv4\"")]
    [InlineData("\"sysctl\":{\"net.core.somaxconn\":\"1\",\"net.core.somaxconn\":\"1\"}", "duplicated sysctl keys are not allowed: net.core.somaxconn")]
    [InlineData("\"sysctl\":{\"net.core.somaxconn\":\"1\",\"net/core/somaxconn\":\"1\"}", "duplicated sysctl keys are not allowed: net/core/somaxconn")]
    [InlineData("\"sysctl\":{\"net.core.somaxconn\":1}", "sysctl.net.core.somaxconn must be a string, not 1")]
    [InlineData("\"mac\":\"1:2\"", "invalid args 1:2 for MAC addr: expected six octets of a unicast address, as 02:00:00:00:00:01")]
    [InlineData("\"mtu\":-1", "mtu must not be negative: -1")]
    [InlineData("\"txQLen\":-1", "txQLen must not be negative: -1")]
    public void Add_BadConfiguration_IsRefused(string more, string message)
    {
        CniException refused = Refused(more);

        Assert.Equal((CniErrorCode.InvalidNetworkConfig, message), (refused.Code, refused.Message));
    }

    [Fact]
    public void Add_InterfaceNameWithSlash_IsRefused() =>
        Assert.Equal("Interface name (a/b) contains an invalid character /", Assert.Throws<CniException>(() => Add("", "a/b")).Message);

    [Theory]
    [InlineData("\"sysctl\":{\"net.core.somaxconn\":\"500\",\"net.core.nonsense\":\"1\"},\"mtu\":1400", "failed to set sysctl net.core.nonsense to \"1\"")]
    [InlineData("\"sysctl\":{\"net.core.somaxconn\":\"500\"},\"promisc\":true,\"mtu\":1", "failed to change \"eth0\" (promisc True, mtu 1)")]
    [InlineData("\"sysctl\":{\"net.core.somaxconn\":\"500\"},\"txQLen\":400,\"mtu\":2000000000", "failed to change \"eth0\" (mtu 2000000000, txQLen 400)")]
    public void Add_FailsHalfWay_EverythingIsTakenBack(string more, string message)
    {
        string before = _pod.Sysctl("net/core/somaxconn");

        Assert.StartsWith(message, Refused(more).Message, StringComparison.Ordinal);

        Assert.Equal(before, _pod.Sysctl("net/core/somaxconn"));
        Assert.Equal([OldMac, "1500", "1000", "", ""], Attributes());
        Assert.Empty(Directory.EnumerateFiles(_data.Path));
    }

    [Fact]
    public void Add_InterfaceMissing_IsNamed() =>
        Assert.Contains("failed to get \"eth9\"", Assert.Throws<CniException>(() => Add("\"mtu\":1400", "eth9")).Message, StringComparison.Ordinal);

    [Fact]
    public void Add_NotInAChain_IsRefused() =>
        Assert.StartsWith("Required prevResult missing", Assert.Throws<CniException>(() => _bench.Add("tuning", Config(""), "c1", _pod.Path)).Message, StringComparison.Ordinal);

    [Fact]
    public void Allowlist_AllowsWhatALineMatchesAndNothingElse()
    {
        Directory.CreateDirectory(Path.Combine(_bench.Environment.PolicyDirectory, "tuning"));
        File.WriteAllText(Path.Combine(_bench.Environment.PolicyDirectory, "tuning", "allowlist.conf"), "\n^net\\.core\\.so[a-z]+$\nconf.IFNAME.rp_filter\n");

        Add("\"sysctl\":{\"net.core.somaxconn\":\"500\",\"net.ipv4.conf.IFNAME.rp_filter\":\"2\"}");

        Assert.Equal(
            "Sysctl net.ipv4.ip_forward is not allowed. Only the following sysctls are allowed: [^net\\.core\\.so[a-z]+$ conf.IFNAME.rp_filter]",
            Refused("\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}").Message);
        Assert.Equal("0", _pod.Sysctl("net/ipv4/ip_forward"));
    }

    [Fact]
    public void Allowlist_LineThatIsNoExpression_IsNamed()
    {
        Directory.CreateDirectory(Path.Combine(_bench.Environment.PolicyDirectory, "tuning"));
        File.WriteAllText(Path.Combine(_bench.Environment.PolicyDirectory, "tuning", "allowlist.conf"), "net.(core\n");

        Assert.Contains("allowlist.conf: \"net.(core\" is not a usable regular expression", Refused("\"sysctl\":{\"net.core.somaxconn\":\"1\"}").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cat /dev/null", "\"sysctl\":{\"net.ipv4.ping_group_range\":\"1 0\"}", null)]
    [InlineData("sysctl -qw net.core.somaxconn=77", "\"sysctl\":{\"net.core.somaxconn\":\"500\"}", "Error: Tuning configured value of net/core/somaxconn is 500, current value is 77")]
    [InlineData("ip link set eth0 address 02:00:00:00:00:09", "\"mac\":\"02:00:00:00:00:07\"", "Error: Tuning configured Ethernet of eth0 is 02:00:00:00:00:07, current value is 02:00:00:00:00:09")]
    [InlineData("ip link set eth0 promisc off", "\"promisc\":true", "Error: Tuning configured promisc of eth0 is True, current value is False")]
    [InlineData("ip link set eth0 promisc on", "\"mtu\":1400", "Error: Tuning configured promisc of eth0 is False, current value is True")]
    [InlineData("ip link set eth0 mtu 1401", "\"mtu\":1400", "Error: Tuning configured MTU of eth0 is 1400, current value is 1401")]
    [InlineData("ip link set eth0 allmulticast on", "\"allmulti\":false", "Error: Tuning configured all-multicast mode of eth0 is False, current value is True")]
    [InlineData("ip link set eth0 txqueuelen 9", "\"txQLen\":500", "Error: Tuning configured txQLen of eth0 is 500, current value is 9")]
    [InlineData("ip link del eth0", "\"mtu\":1400", "Cannot find container link eth0")]
    public void Check_SomethingChanged_SaysWhat(string command, string more, string? message)
    {
        Add(more);
        Check(more);
        _pod.Run(command);

        if (message is null)
        {
            Check(more);
        }
        else
        {
            Assert.Equal(message, Assert.Throws<CniException>(() => Check(more)).Message);
        }
    }

    [Fact]
    public void Del_NamespaceInterfaceOrFileGone_Succeeds()
    {
        Add("\"mtu\":1400");
        Del(netns: "/run/netns/long-gone");
        Assert.False(File.Exists(Backup));

        Add("\"mtu\":1300");
        _pod.Run("ip link del eth0");
        Del();
        Assert.False(File.Exists(Backup));

        _data.Write("c1_eth0.json", "not JSON");
        Del();
        Assert.False(File.Exists(Backup));
    }

    [Fact]
    public void Del_ConfigurationBroken_RestoresAllTheSame()
    {
        Add("\"mtu\":1400");

        Del("\"mtu\":\"x\",\"sysctl\":{\"kernel.x\":\"1\"}");

        Assert.Equal("1500", Attributes()[1]);
    }

    [Fact]
    public void Del_FileOfTheReferencePlugin_IsRead()
    {
        _data.Write("c1_eth0.json", $$"""{"mac":"{{Mac}}","promisc":true,"mtu":1280,"allmulti":true,"txQLen":77}""");

        Del();

        Assert.Equal([Mac, "1280", "77", "promisc", "allmulti"], Attributes());
    }

    [Fact]
    public void Gc_RemovesFilesOfThisNetworksLostAttachmentsOnly()
    {
        Add("\"mtu\":1400");
        Add("\"mtu\":1400", id: "c2");
        _data.Write("foreign_eth0.json", "{\"mtu\":1500}");
        _data.Write("other_eth0.json", "{\"network\":\"net2\"}");
        _data.Write("broken_eth0.json", "{");

        _bench.Run(CniCommand.Gc, "tuning", Config("\"cni.dev/valid-attachments\":[{\"containerID\":\"c2\",\"ifname\":\"eth0\"}]"));

        Assert.Equal(
            ["broken_eth0.json", "c2_eth0.json", "foreign_eth0.json", "other_eth0.json"],
            Directory.EnumerateFiles(_data.Path).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Add_DataDirectoryCannotBeWritten_NothingIsChanged()
    {
        string config = PluginBench.WithPrevious("""{"cniVersion":"1.1.0","name":"net","type":"tuning","mtu":1400,"dataDir":"/proc/nowhere"}""", _previous);

        Assert.Throws<CniException>(() => _bench.Add("tuning", config, "c1", _pod.Path));

        Assert.Equal("1500", Attributes()[1]);
    }

    [Fact]
    public void DataDir_NotGiven_IsTheRuntimeDirectorys()
    {
        string config = PluginBench.WithPrevious("""{"cniVersion":"1.1.0","name":"net","type":"tuning","mtu":1400}""", _previous);

        _bench.Add("tuning", config, "c1", _pod.Path);

        Assert.True(File.Exists(Path.Combine(_bench.Environment.RuntimeDirectory, "tuning", "c1_eth0.json")));
    }
}
