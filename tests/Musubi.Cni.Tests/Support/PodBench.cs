using System.Text.Json;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Tests.Support;

/// <summary>A host and a container for tests of one plugin type. The host has an interface eth1, whose cable ends in a third namespace.</summary>
internal sealed class PodBench : IDisposable
{
    private readonly string _type;

    public PodBench(string type, bool cable = true)
    {
        _type = type;
        Host = new TestNamespace("host");
        Pod = new TestNamespace("pod");
        Outside = new TestNamespace("out");
        Bench = new PluginBench(Host.Network);
        if (cable)
        {
            Host.Run($"ip link add eth1 mtu 1500 type veth peer name out1 netns {Outside.Name}");
            Host.Run("ip link set eth1 up");
            Outside.Run("ip link set out1 up");
        }
    }

    public TestNamespace Host { get; }

    public TestNamespace Pod { get; }

    public TestNamespace Outside { get; }

    public PluginBench Bench { get; }

    public static string? Text(JsonElement link, string key) => link.TryGetProperty(key, out JsonElement value) ? value.ToString() : null;

    /// <summary>The options of a link's kind.</summary>
    public static JsonElement Data(JsonElement link) => link.GetProperty("linkinfo").GetProperty("info_data");

    public static bool IsUp(JsonElement link) => link.GetProperty("flags").EnumerateArray().Any(f => f.GetString() == "UP");

    public static string? Kind(JsonElement link) => Text(link.GetProperty("linkinfo"), "info_kind");

    public string Config(string more, string version = "1.1.0") => $$"""{"cniVersion":"{{version}}","name":"net","type":"{{_type}}"{{(more.Length > 0 ? "," : "")}}{{more}}}""";

    public CniResult Add(string config, string id = "c1", string ifName = "eth0", string? args = null, string? netns = null) =>
        Bench.Add(_type, config, id, netns ?? Pod.Path, ifName, args);

    public void Del(string config, string? netns = null, string id = "c1", string ifName = "eth0") => Bench.Del(_type, config, id, netns ?? Pod.Path, ifName);

    public void Check(string config, CniResult result) => Bench.Check(_type, config, result, netns: Pod.Path);

    public CniException Refused(string config, string? args = null) => Assert.Throws<CniException>(() => Add(config, args: args));

    public CniException CheckFails(string config, CniResult result) => Assert.Throws<CniException>(() => Check(config, result));

    public CniException? StatusOf(string config)
    {
        try
        {
            Bench.Run(CniCommand.Status, _type, config);
            return null;
        }
        catch (CniException e)
        {
            return e;
        }
    }

    public void Gc(string config) => Bench.Run(CniCommand.Gc, _type, config);

    /// <summary>The addresses that host-local has given out on the network.</summary>
    public IReadOnlyList<string> Reservations()
    {
        string directory = Path.Combine(Bench.StateDirectory, "networks", "net");
        return Testing.Reservations.In(directory);
    }

    /// <summary>The container has no interface of its own, and no address is taken.</summary>
    public void AssertNothingLeft()
    {
        Assert.Equal(["lo"], Pod.LinkNames());
        Assert.Empty(Reservations());
    }

    public void Dispose()
    {
        Bench.Dispose();
        Outside.Dispose();
        Pod.Dispose();
        Host.Dispose();
    }
}
