using System.Text.Json.Nodes;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>A way in which our plugins are meant to differ from the reference plugins 1.1.1.</summary>
/// <param name="Row">The name of its row in docs/cni-differences.md.</param>
/// <param name="Concerns">Which scenarios it concerns.</param>
/// <param name="Settle">Takes it out of the two observations, the reference plugins' and ours.</param>
internal sealed record KnownDifference(string Row, Func<Scenario, bool> Concerns, Action<Observation, Observation> Settle)
{
    private const int Unspecified = 999;
    private const int Crash = -1;

    private static readonly string[] _falseAlarms = ["Expected Route", "Failed to find Gateway", "no plugin name provided", "conf/IFNAME/", "could not check ipv6 dnat"];

    /// <summary>All of them, in the order they are settled in.</summary>
    public static IReadOnlyList<KnownDifference> All { get; } =
    [
        new("error codes", Any, (reference, ours) => Pairs(reference, ours, (theirs, own) =>
        {
            if (CodeOf(theirs) is Unspecified or 100 or Crash && CodeOf(own) != 0)
            {
                theirs["code"] = CodeOf(own);
            }
        })),
        new("lenient DEL", Any, (reference, ours) => Pairs(reference, ours, (theirs, own) =>
        {
            if (IsDel(theirs) && CodeOf(theirs) != 0)
            {
                // What it left is not ours to leave.
                theirs["code"] = CodeOf(own);
                Both(reference, ours, o => o.Document["detached"] = null);
            }
        })),
        new("unknown arguments", s => s.Args.Length > 0 && !s.Args.Contains("IgnoreUnknown", StringComparison.Ordinal), Unserved),
        new("negative mtu", s => s.Says("\"mtu\":-1"), (reference, ours) =>
        {
            if (!ours.Attached)
            {
                Both(reference, ours, o => o.Document.Clear());
            }
        }),
        new("host bits of routes", s => s.Says("192.168.7.9/24"), Unserved),
        new("ptp gateways", s => s.Uses("ptp"), Unserved),
        new("scope of routes", Any, (reference, ours) => Both(reference, ours, o => Each(o.Namespaces.SelectMany(n => n["routes"]?.AsArray() ?? []), r =>
        {
            if (r!["gateway"] is null && (string?)r["protocol"] == "boot")
            {
                r.AsObject().Remove("scope");
            }
        }))),
        new("routes of old versions", s => s.Version is "0.1.0" or "0.2.0", (reference, ours) => Both(reference, ours, o => Each(o.Namespaces, n => n.Remove("routes")))),
        new("false alarms of CHECK", Any, (reference, ours) => Pairs(reference, ours, (theirs, own) =>
        {
            if (IsFalseAlarm(theirs) && CodeOf(own) == 0)
            {
                theirs["code"] = 0;
            }
        })),
        new("failed ADD", Any, (reference, ours) =>
        {
            if (!reference.Attached && !ours.Attached)
            {
                Both(reference, ours, o => o.Document["attached"] = null);
                Both(reference, ours, o => Drop(o.Document["detached"]?["host"], "forwarding"));
                Both(reference, ours, o => Each(o.Document["detached"]?["host"]?["links"]?.AsObject().Select(l => l.Key) ?? [], name =>
                {
                    if (name is "cni0" or "br7" or "eth1")
                    {
                        Drop(o.Document["detached"]!["host"]!["links"], name);
                        Drop(o.Document["detached"]!["host"]!["vlans"], name);
                    }
                }));
                Both(reference, ours, o => Drop(o.Document["detached"]?["host"], "routes"));
                Both(reference, ours, o => o.EachFiles(files => Each(files.Select(f => f.Key), name =>
                {
                    if (name.StartsWith("networks/net/l", StringComparison.Ordinal))
                    {
                        files.Remove(name);
                    }
                })));
            }
        }),
        new("host-local index", Any, (_, ours) => ours.EachFiles(f => f.Remove("networks/net/.index"))),
        new("tuning file", s => s.Uses("tuning"), (_, ours) => ours.EachFiles(f => Drop(f["tuning/c1_eth0.json"], "network"))),
        new("IPv6 at once", Any, (reference, ours) => Both(reference, ours, o => Each(o.Addresses(), a => a.Remove("nodad")))),
        new("queue length", Any, (reference, ours) => Both(reference, ours, o => Each(o.Links(), l => l.Remove("txqlen")))),
        new("bridge MAC", Any, (reference, ours) => Both(reference, ours, o => Each(o.Links(l => Kind(l) == "bridge"), l => l.Remove("mac")))),
        new("empty dns", Any, (reference, ours) => Both(reference, ours, o => Each(o.Results(), r => DropEmpty(r, "dns")))),
        new("dns of IPAM", s => s.Uses("bridge"), (reference, ours) => Both(reference, ours, o => Each(o.Results(), r => r.Remove("dns")))),
        new("loopback versions", s => s.Uses("loopback"), (reference, ours) => Both(reference, ours, o => Each(o.Results(), r => r.Clear()))),
        new("ptp prefix routes", s => s.Uses("ptp"), (_, ours) => Each(ours.Addresses(), a => a.Remove("noprefixroute"))),
        new("portmap and firewall rules", s => s.Uses("portmap", "firewall"), (reference, ours) => Both(reference, ours, o => Each(o.Namespaces, n => n.Remove("nftables")))),
        new("nf_tables rules", s => !s.Says("macspoofchk"), (reference, ours) => Both(reference, ours, o => Each(o.Namespaces, n => n["nftables"] = Masqueraded(n["nftables"])))),
        new("host-device alias", s => s.Uses("host-device"), (reference, ours) => Both(reference, ours, o => Each(o.Links(), l => l.Remove("ifalias")))),
        new("passthru MAC", s => s.Says("\"passthru\""), (reference, ours) => Both(reference, ours, o =>
        {
            Each(o.Links(), l => l.Remove("mac"));
            Each(o.Results(), r => r.Remove("interfaces"));
        })),
        new("bandwidth classes", s => s.Uses("bandwidth"), (reference, ours) => Both(reference, ours, o =>
        {
            Each(o.Namespaces, n => n.Remove("disciplines"));
            Each(o.Links(), l => l.Remove("qdisc"));
            Each(o.Links(), l => l.Remove("ifalias"));
        })),
        new("sbr families", s => s.Uses("sbr"), (reference, _) => Each(reference.Namespaces, n =>
        {
            // It gives the first table, which is that of an IPv4 address, the IPv6 networks too.
            foreach (JsonNode route in (n["routes"]?.AsArray() ?? []).Where(r => (string?)r!["table"] == "100" && ((string)r["dst"]!).Contains(':', StringComparison.Ordinal)).ToArray()!)
            {
                n["routes"]!.AsArray().Remove(route);
            }
        })),
        new("vrf routes", s => s.Uses("vrf"), (_, ours) => Each(ours.Namespaces, n =>
        {
            foreach (JsonNode route in (n["routes"]?.AsArray() ?? []).Where(r => (string?)r!["protocol"] == "boot" && (string?)r["dev"] == "eth0").ToArray()!)
            {
                n["routes"]!.AsArray().Remove(route);
            }
        })),
        new("preserveDefaultVlan", s => s.Uses("bridge"), (reference, _) => Each(reference.Namespaces, n =>
        {
            foreach ((string port, JsonNode? vlans) in n["vlans"]?.AsObject() ?? [])
            {
                if (port == "veth#" && vlans!.AsArray() is { Count: > 1 } several)
                {
                    several.Remove(several.First(v => (int)v!["vlan"]! == 1));
                }
            }
        })),
        new("error texts", Any, (reference, ours) => Both(reference, ours, o => Each(o.Answers, a => a.Remove("says")))),
    ];

    private static bool Any(Scenario scenario) => true;

    /// <summary>What one side refuses and the other serves leaves nothing to compare.</summary>
    private static void Unserved(Observation refusing, Observation serving)
    {
        if (!refusing.Attached && serving.Attached)
        {
            Both(refusing, serving, o => o.Document.Clear());
        }
    }

    private static int CodeOf(JsonObject answer) => (int)answer["code"]!;

    private static bool IsFalseAlarm(JsonObject answer) => ((string)answer["call"]!).StartsWith("CHECK", StringComparison.Ordinal)
        && (CodeOf(answer) == Crash || _falseAlarms.Any(a => ((string?)answer["says"])?.Contains(a, StringComparison.Ordinal) == true));

    private static bool IsDel(JsonObject answer) => ((string)answer["call"]!).StartsWith("DEL", StringComparison.Ordinal);

    private static string? Kind(JsonObject link) => (string?)link["kind"];

    private static void Drop(JsonNode? from, string key) => (from as JsonObject)?.Remove(key);

    private static void DropEmpty(JsonObject from, string key)
    {
        if (from[key] is JsonObject { Count: 0 })
        {
            from.Remove(key);
        }
    }

    /// <summary>Of rules only what they mean: whose packets leave with the host's address.</summary>
    private static JsonArray Masqueraded(JsonNode? ruleset)
    {
        if (ruleset is not JsonObject || !ruleset.ToJsonString().Contains("masquerade", StringComparison.OrdinalIgnoreCase))
        {
            return [];
        }

        IEnumerable<string> sources =
            from entry in ruleset["nftables"]!.AsArray()
            from expression in entry?["rule"]?["expr"]?.AsArray() ?? []
            let match = expression["match"]
            where (string?)match?["left"]?["payload"]?["field"] == "saddr" && match!["right"] is JsonValue
            select (string)match!["right"]!;
        return new JsonArray([.. sources.Distinct().Order(StringComparer.Ordinal).Select(s => JsonValue.Create(s))]);
    }

    private static void Pairs(Observation reference, Observation ours, Action<JsonObject, JsonObject> edit)
    {
        foreach ((JsonObject theirs, JsonObject own) in reference.Answers.Zip(ours.Answers))
        {
            edit(theirs, own);
        }
    }

    private static void Both(Observation reference, Observation ours, Action<Observation> edit)
    {
        edit(reference);
        edit(ours);
    }

    private static void Each<T>(IEnumerable<T> items, Action<T> edit)
    {
        foreach (T item in items.ToArray())
        {
            edit(item);
        }
    }
}
