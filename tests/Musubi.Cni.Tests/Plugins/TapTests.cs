using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The tap plugin in real namespaces.</summary>
public sealed class TapTests : IDisposable
{
    private const string V4 = "\"ipam\":{\"type\":\"host-local\",\"subnet\":\"10.77.0.0/24\"}";

    private readonly PodBench _net = new("tap", cable: false);

    public void Dispose() => _net.Dispose();

    private static string? Text(JsonElement link, string key) => PodBench.Text(link, key);

    [Fact]
    public void Add_AllKeys_MakesWhatTheResultSays()
    {
        string config = _net.Config($"\"multiQueue\":true,\"mtu\":1400,\"mac\":\"02:00:00:00:00:07\",\"owner\":107,\"group\":108,{V4}");

        CniResult result = _net.Add(config);

        CniInterface made = Assert.Single(result.Interfaces);
        Assert.Equal(("eth0", "02:00:00:00:00:07", _net.Pod.Path), (made.Name, made.Mac, made.Sandbox));
        JsonElement link = _net.Pod.Link("eth0");
        JsonElement data = PodBench.Data(link);
        Assert.Equal(("tun", "tap", "True", "True"), (PodBench.Kind(link), Text(data, "type"), Text(data, "multi_queue"), Text(data, "persist")));
        Assert.Equal(("107", "108"), (Text(data, "user"), Text(data, "group")));
        Assert.Equal(("1400", "02:00:00:00:00:07", true), (Text(link, "mtu"), Text(link, "address"), PodBench.IsUp(link)));
        Assert.Equal(["10.77.0.2/24"], _net.Pod.Addresses("eth0"));
        _net.Check(config, result);

        _net.Del(config);
        _net.AssertNothingLeft();
        _net.Del(config);
    }

    [Fact]
    public void Add_Plain_HasNoOwnerAndItsAddressIsReported()
    {
        CniResult result = _net.Add(_net.Config(""));

        JsonElement link = _net.Pod.Link("eth0");
        Assert.Equal(Text(link, "address"), result.Interfaces[0].Mac);
        Assert.Null(Text(PodBench.Data(link), "user"));
        Assert.Equal("False", Text(PodBench.Data(link), "multi_queue"));
        Assert.True(PodBench.IsUp(link));
    }

    [Fact]
    public void Add_Bridge_MakesItAPort()
    {
        _net.Pod.Run("ip link add br1 type bridge");
        string config = _net.Config("\"bridge\":\"br1\"");

        CniResult result = _net.Add(config);

        Assert.Equal("br1", Text(_net.Pod.Link("eth0"), "master"));
        _net.Check(config, result);
        _net.Pod.Run("ip link set eth0 nomaster");
        Assert.Equal("tap eth0 is not a port of bridge br1", _net.CheckFails(config, result).Message);
    }

    [Theory]
    [InlineData("IgnoreUnknown=true;MAC=02:00:00:00:00:02", "", "02:00:00:00:00:02")]
    [InlineData("MAC=02:00:00:00:00:02", ",\"runtimeConfig\":{\"mac\":\"02:00:00:00:00:03\"}", "02:00:00:00:00:03")]
    public void Add_Mac_RuntimeConfigBeatsVariableBeatsKey(string args, string more, string mac) =>
        Assert.Equal(mac, _net.Add(_net.Config($"\"mac\":\"02:00:00:00:00:01\"{more}"), args: args).Interfaces[0].Mac);

    [Theory]
    [InlineData("\"bridge\":\"nope\"", 999, "failed to get bridge nope: the container has no such interface")]
    [InlineData("\"bridge\":\"lo\"", 7, "\"lo\" already exists but is not a bridge")]
    [InlineData("\"owner\":-1", 7, "owner must be a whole number from 0 to 4294967295")]
    [InlineData("\"group\":\"kvm\"", 7, "group must be a whole number from 0 to 4294967295")]
    [InlineData("\"mac\":\"02\"", 7, "invalid args 02 for MAC addr: mac must be six octets of a unicast address, as 02:00:00:00:00:01")]
    public void Add_WrongKey_IsRefused(string keys, int code, string message)
    {
        CniException error = _net.Refused(_net.Config($"{keys},{V4}"));

        Assert.Equal((code, message), (error.Code, error.Message));
        _net.AssertNothingLeft();
    }

    [Fact]
    public void Add_SelinuxContextWithoutSelinux_IsRefusedWithTheReason()
    {
        Assert.SkipWhen(Directory.Exists("/sys/fs/selinux/booleans"), "this machine runs SELinux");

        CniException error = _net.Refused(_net.Config("\"selinuxContext\":\"system_u:system_r:container_t:s0\""));

        Assert.Equal(2, error.Code);
        Assert.StartsWith("selinuxContext \"system_u:system_r:container_t:s0\" cannot be taken on: ", error.Message, StringComparison.Ordinal);
        _net.AssertNothingLeft();
    }

    [Fact]
    public void Add_ContainerHasTheName_IsRefusedAndLeftAlone()
    {
        _net.Add(_net.Config("\"mac\":\"02:00:00:00:00:01\""));

        Assert.Equal("failed to create tap eth0: the container has an interface of this name already", _net.Refused(_net.Config(V4)).Message);
        Assert.Equal("02:00:00:00:00:01", Text(_net.Pod.Link("eth0"), "address"));
    }

    [Fact]
    public void Add_LaterStepFails_LeavesNothing()
    {
        _net.Refused(_net.Config("\"ipam\":{\"type\":\"no-such-plugin\"}"));
        _net.AssertNothingLeft();
        Assert.Equal(7, _net.Refused(_net.Config("\"mtu\":-2")).Code);
        Assert.Contains("failed", _net.Refused(_net.Config("\"mtu\":70000")).Message, StringComparison.Ordinal);
        _net.AssertNothingLeft();
    }
}
