using System.Text.Json.Nodes;

namespace Musubi.Bench.Cni;

/// <summary>One configuration that both suites of plugins are measured with.</summary>
/// <param name="Name">As the report calls it.</param>
/// <param name="Type">The plugin that is executed.</param>
/// <param name="Config">The configuration for <c>own</c> or <c>reference</c>: what they share on the host must not clash.</param>
internal sealed record PluginCase(string Name, string Type, Func<Contender, JsonObject> Config)
{
    /// <summary>Our share of the reference's time for ADD that is aimed at.</summary>
    public double? AddGoal { get; init; }

    /// <summary>The same for DEL; null where the kernel's own removal of the link is all there is.</summary>
    public double? DelGoal { get; init; }
}

/// <summary>One of the two suites.</summary>
/// <param name="Name"><c>own</c> or <c>ref</c>, part of names on the host.</param>
/// <param name="Directory">Where its plugins are.</param>
/// <param name="Network">The second byte of its addresses.</param>
/// <param name="DataDirectory">Where host-local keeps its reservations.</param>
internal sealed record Contender(string Name, string Directory, int Network, string DataDirectory)
{
    public JsonObject HostLocal() => new()
    {
        ["type"] = "host-local",
        ["dataDir"] = DataDirectory,
        ["ranges"] = new JsonArray(new JsonArray(new JsonObject { ["subnet"] = $"10.{Network}.0.0/16" })),
    };
}

/// <summary>The cases of <c>bench cni</c>. Those that the machine's kernel may lack are measured under the distribution's kernel.</summary>
internal static class PluginCases
{
    public const string Master = "bench-master";

    public static IReadOnlyList<PluginCase> Everywhere { get; } =
    [
        new("bridge + host-local", "bridge", c => Bridge(c)) { AddGoal = 0.40 },
        new("macvlan + host-local", "macvlan", c => SubInterface(c, "macvlan")) { AddGoal = 0.40 },
        new("ptp + host-local", "ptp", c => With(c, "ptp", o => o["ipam"] = c.HostLocal())) { AddGoal = 0.40 },
        new("bridge + host-local, ipMasq", "bridge", c => Bridge(c, o => o["ipMasq"] = true)) { AddGoal = 0.20, DelGoal = 0.30 },
        new("portmap, one port", "portmap", PortMap) { AddGoal = 0.20, DelGoal = 0.30 },
        new("host-local alone", "host-local", c => With(c, "host-local", o => o["ipam"] = c.HostLocal())),
        new("loopback", "loopback", c => With(c, "loopback", _ => { })),
    ];

    public static IReadOnlyList<PluginCase> DistributionKernel { get; } =
    [
        new("bridge + host-local", "bridge", c => Bridge(c)) { AddGoal = 0.40 },
        new("ipvlan + host-local", "ipvlan", c => SubInterface(c, "ipvlan")) { AddGoal = 0.40 },
        new("bridge + host-local, macspoofchk", "bridge", c => Bridge(c, o => o["macspoofchk"] = true)) { AddGoal = 0.20 },
    ];

    public static JsonObject Bridge(Contender c, Action<JsonObject>? more = null) => With(c, "bridge", o =>
    {
        o["bridge"] = $"bench-{c.Name}";
        o["isGateway"] = true;
        o["ipam"] = c.HostLocal();
        more?.Invoke(o);
    });

    private static JsonObject SubInterface(Contender c, string type) => With(c, type, o =>
    {
        o["master"] = Master;
        o["ipam"] = c.HostLocal();
    });

    private static JsonObject PortMap(Contender c) => With(c, "portmap", o =>
    {
        o["runtimeConfig"] = new JsonObject
        {
            ["portMappings"] = new JsonArray(new JsonObject { ["hostPort"] = 8000 + c.Network, ["containerPort"] = 80, ["protocol"] = "tcp" }),
        };
        o["prevResult"] = new JsonObject
        {
            ["cniVersion"] = "1.0.0",
            ["interfaces"] = new JsonArray(new JsonObject { ["name"] = "eth0", ["sandbox"] = "/run/netns/any" }),
            ["ips"] = new JsonArray(new JsonObject { ["interface"] = 0, ["address"] = $"10.{c.Network}.0.2/16", ["gateway"] = $"10.{c.Network}.0.1" }),
        };
    });

    private static JsonObject With(Contender c, string type, Action<JsonObject> more)
    {
        JsonObject config = new() { ["cniVersion"] = "1.0.0", ["name"] = $"bench-{c.Name}", ["type"] = type };
        more(config);
        return config;
    }
}
