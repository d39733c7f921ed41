using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The bandwidth plugin behind the bridge plugin, with tc(8) as witness.</summary>
public sealed class BandwidthTests : IDisposable
{
    private const string Both = "\"ingressRate\":8000000,\"ingressBurst\":800000,\"egressRate\":16000000,\"egressBurst\":1600000";

    private readonly ChainBench _chain = new();

    private string Port => _chain.Result.Interfaces[1].Name;

    public void Dispose() => _chain.Dispose();

    private static string Config(string more, string version = "1.1.0", string name = "net") =>
        $$"""{"cniVersion":"{{version}}","name":"{{name}}","type":"bandwidth"{{(more.Length > 0 ? "," : "")}}{{more}}}""";

    private static string Runtime(string more) => Config($"\"runtimeConfig\":{{\"bandwidth\":{{{more}}}}}");

    private string? Device() => _chain.Host.LinkNames().FirstOrDefault(n => n.StartsWith("bwp", StringComparison.Ordinal));

    private string Tc(string what, string device) => _chain.Host.Run($"tc {what} show dev {device}");

    /// <summary>Packets that a class has sent.</summary>
    private long Sent(string device, string shape)
    {
        string[] words = _chain.Host.Run($"tc -s class show dev {device}").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        int at = Array.FindIndex(words, i => i == shape);
        return long.Parse(words[Array.IndexOf(words, "pkt", at) - 1], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Theory]
    [InlineData("0.3.0")]
    [InlineData("0.4.0")]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void Add_BothDirections_DisciplinesAreTheReferencePlugins(string version)
    {
        string config = Config(Both, version);

        CniResult result = _chain.Add("bandwidth", config);

        string device = Assert.IsType<string>(Device());
        JsonElement link = _chain.Host.Link(device);
        Assert.Equal(_chain.Result.Interfaces.Count + 1, result.Interfaces.Count);
        Assert.Equal((device, link.GetProperty("address").GetString(), null), (result.Interfaces[^1].Name, result.Interfaces[^1].Mac, result.Interfaces[^1].Sandbox));
        Assert.Equal((15, "ifb", "1500", "1000"), (device.Length, link.GetProperty("linkinfo").GetProperty("info_kind").GetString(), link.GetProperty("mtu").ToString(), link.GetProperty("txqlen").ToString()));
        Assert.Matches("qdisc htb 1: root refcnt [0-9]+ r2q 10 default 0x30 ", Tc("qdisc", Port));
        Assert.Contains("class htb 1:30 root prio 0 rate 8Mbit ceil 8Mbit burst 100000b", Tc("class", Port), StringComparison.Ordinal);
        Assert.Contains("class htb 1:30 root prio 0 rate 16Mbit ceil 16Mbit burst 200000b", Tc("class", device), StringComparison.Ordinal);
        Assert.Contains($"Egress Redirect to device {device}", _chain.Host.Run($"tc filter show dev {Port} ingress"), StringComparison.Ordinal);
        if (CniVersion.Parse(version) >= CniVersion.V040)
        {
            _chain.Check("bandwidth", config, result);
        }
    }

    [Fact]
    public void Add_DeviceName_IsTheReferencePlugins()
    {
        // bwp and the beginning of sha512("netc1")
        _chain.Add("bandwidth", Config(Both));
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA512.HashData("netc1"u8));

        Assert.Equal($"bwp{hash[..12]}", Device());
    }

    [Fact]
    public void Packets_OfBothDirections_PassTheirLimits()
    {
        _chain.Add("bandwidth", Runtime(Both));

        _chain.Pod.Run($"ping -c2 -i0.01 -W2 {_chain.Gateway}");

        Assert.True(Sent(Port, "1:30") >= 2);
        Assert.True(Sent(Device()!, "1:30") >= 2);
        Assert.Equal(0, Sent(Port, "1:1"));
    }

    [Theory]
    [InlineData("\"unshapedSubnets\":[\"10.88.0.0/16\",\"fd88::/64\"]", "1:1", "1:30")]
    [InlineData("\"shapedSubnets\":[\"10.88.0.0/16\"]", "1:30", "1:1")]
    [InlineData("\"shapedSubnets\":[\"192.0.2.0/24\"]", "1:1", "1:30")]
    public void Subnets_TellWhichPacketsAreLimited(string subnets, string used, string unused)
    {
        string config = Config($"{Both},{subnets}");
        CniResult result = _chain.Add("bandwidth", config);

        const int Pings = 50;
        _chain.Pod.Run($"ping -c{Pings} -i0.01 -W2 {_chain.Gateway}");

        // Address resolution is for no network: it has the class of what no filter knows.
        Assert.InRange(Sent(Port, used), Pings, long.MaxValue);
        Assert.InRange(Sent(Device()!, used), Pings, long.MaxValue);
        Assert.InRange(Sent(Port, unused), 0, Pings - 1);
        Assert.InRange(Sent(Device()!, unused), 0, Pings - 1);
        _chain.Check("bandwidth", config, result);
    }

    [Fact]
    public void Add_OneDirection_LeavesTheOtherAlone()
    {
        _chain.Add("bandwidth", Config("\"ingressRate\":8000,\"ingressBurst\":80000"));
        Assert.Null(Device());
        Assert.DoesNotContain("ingress", Tc("qdisc", Port), StringComparison.Ordinal);

        _chain.Host.Run($"tc qdisc del dev {Port} root");
        _chain.Add("bandwidth", Config("\"egressRate\":8000,\"egressBurst\":80000"));
        Assert.NotNull(Device());
        Assert.DoesNotContain("htb", Tc("qdisc", Port), StringComparison.Ordinal);
    }

    [Fact]
    public void Add_StaticKeys_WinOverRuntimeConfig()
    {
        _chain.Add("bandwidth", Config("\"ingressRate\":8000,\"ingressBurst\":80000,\"runtimeConfig\":{\"bandwidth\":{\"ingressRate\":16000,\"ingressBurst\":80000}}"));

        Assert.Contains("rate 8Kbit", Tc("class", Port), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\"ingressRate\":0,\"ingressBurst\":0")]
    [InlineData("\"runtimeConfig\":{}")]
    public void Add_NoLimit_ChangesNothing(string more)
    {
        CniResult result = _chain.Add("bandwidth", Config(more));

        Assert.Equal(_chain.Result.Interfaces.Count, result.Interfaces.Count);
        Assert.Null(Device());
        _chain.Check("bandwidth", Config(more));
    }

    [Theory]
    [InlineData("\"ingressRate\":8000", "if rate is set, burst must also be set: ingressRate is 8000, ingressBurst is not set")]
    [InlineData("\"egressBurst\":8000", "if burst is set, rate must also be set: egressBurst is 8000, egressRate is not set")]
    [InlineData("\"egressRate\":7,\"egressBurst\":8000", "egressRate must be at least 8 bits per second, not 7")]
    [InlineData("\"egressRate\":8000,\"egressBurst\":34359738368", "burst cannot be more than 4GB: egressBurst is 34359738368 bits")]
    [InlineData("\"egressRate\":-1,\"egressBurst\":8000", "egressRate must be a whole number from 0 to 2^64-1, not -1")]
    [InlineData("\"egressRate\":8000,\"egressBurst\":8000,\"shapedSubnets\":[\"10.0.0.0\"]", "bad subnet \"10.0.0.0\" provided: shapedSubnets takes networks such as 10.0.0.0/8 or fd00::/8")]
    [InlineData("\"egressRate\":8000,\"egressBurst\":8000,\"shapedSubnets\":[\"10.0.0.0/8\"],\"unshapedSubnets\":[\"11.0.0.0/8\"]", "unshapedSubnets and shapedSubnets cannot be both specified, one of them should be discarded")]
    public void Add_BadConfiguration_IsRefused(string more, string message)
    {
        CniException refused = _chain.Refused("bandwidth", Config(more));

        Assert.Equal((CniErrorCode.InvalidNetworkConfig, message), (refused.Code, refused.Message));
    }

    [Fact]
    public void Add_NoCable_IsRefused()
    {
        Assert.Contains("prevResult does not name", Assert.Throws<CniException>(() => _chain.Add("bandwidth", Config(Both), previous: new CniResult())).Message, StringComparison.Ordinal);
        _chain.Pod.Run("ip link del eth0");
        Assert.Contains("has no veth peer", _chain.Refused("bandwidth", Config(Both)).Message, StringComparison.Ordinal);
        Assert.Null(Device());
    }

    [Fact]
    public void Add_SomethingIsThereAlready_EverythingIsTakenBack()
    {
        _chain.Host.Run($"tc qdisc add dev {Port} ingress");

        CniException refused = _chain.Refused("bandwidth", Config(Both));

        Assert.Contains($"failed to shape \"{Port}\"", refused.Message, StringComparison.Ordinal);
        Assert.Null(Device());
        Assert.DoesNotContain("htb", Tc("qdisc", Port), StringComparison.Ordinal);
    }

    [Fact]
    public void Del_RemovesTheDevice_AndMayBeRepeatedWithoutAnything()
    {
        _chain.Add("bandwidth", Config(Both));

        _chain.Del("bandwidth", Config("\"ingressRate\":\"x\""), netns: "");

        Assert.Null(Device());
        _chain.Del("bandwidth", Config(Both));
    }

    [Theory]
    [InlineData("tc qdisc del dev PORT root", "Failed to find qdisc of PORT")]
    [InlineData("tc class change dev PORT classid 1:30 htb rate 1mbit", "Rate of PORT does not match: 125000 bytes per second, expected 1000000")]
    [InlineData("tc filter del dev PORT ingress", "what PORT receives is not redirected to DEVICE")]
    [InlineData("ip link del DEVICE", "get ifb device: DEVICE is missing")]
    [InlineData("tc filter del dev DEVICE", "Number of filters of DEVICE does not match: 0, expected 1")]
    public void Check_SomethingChanged_SaysWhat(string command, string message)
    {
        string config = Config($"{Both},\"unshapedSubnets\":[\"10.0.0.0/8\"]");
        CniResult result = _chain.Add("bandwidth", config);
        string device = Device()!;
        string Named(string text) => text.Replace("PORT", Port, StringComparison.Ordinal).Replace("DEVICE", device, StringComparison.Ordinal);

        _chain.Host.Run(Named(command));

        Assert.Equal(Named(message), Assert.Throws<CniException>(() => _chain.Check("bandwidth", config, result)).Message);
    }

    [Fact]
    public void Gc_RemovesDevicesOfThisNetworksLostAttachmentsOnly()
    {
        (TestNamespace second, CniResult secondResult) = _chain.AttachAnother("c2");
        (TestNamespace third, CniResult thirdResult) = _chain.AttachAnother("c3");
        _chain.Add("bandwidth", Config(Both));
        string gone = Device()!;
        CniResult kept = _chain.Add("bandwidth", Config(Both), "c2", secondResult, second);
        CniResult other = _chain.Add("bandwidth", Config(Both, name: "net2"), "c3", thirdResult, third);
        _chain.Host.Run("ip link add bwpforeign type ifb");

        _chain.Gc("bandwidth", Config(Both), ("c2", "eth0"));

        Assert.DoesNotContain(gone, _chain.Host.LinkNames());
        Assert.Subset(_chain.Host.LinkNames().ToHashSet(), new HashSet<string> { kept.Interfaces[^1].Name, other.Interfaces[^1].Name, "bwpforeign" });
    }
}
