using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>What a plugin answered.</summary>
internal sealed record Answer(string Command, string Plugin, bool Succeeded, string Output);

/// <summary>What a scenario did on one side, as a document that can be held against the other side's.</summary>
/// <remarks>Only chance is taken out here (see "What chance decides" in docs/cni-differences.md); differences are <see cref="KnownDifference"/>s.</remarks>
internal sealed partial class Observation
{
    /// <summary>What is looked at in each namespace.</summary>
    public static IReadOnlyList<string> Views { get; } = ["links", "routes", "rules4", "rules6", "vlans", "disciplines", "nftables", "forwarding"];

    private static readonly string[] _ofLink = ["mtu", "master", "link", "promiscuity", "allmulti", "group", "txqlen", "min_mtu", "qdisc", "ifalias", "num_tx_queues"];
    private static readonly string[] _ofAddress = ["local", "prefixlen", "broadcast", "scope", "label", "noprefixroute", "dynamic", "secondary", "nodad"];
    private static readonly string[] _ofRoute = ["dst", "gateway", "dev", "scope", "metric", "table", "prefsrc", "type", "protocol", "nexthops", "metrics", "src"];

    private static readonly string[] _sides = ["host", "pod"];

    public Observation(bool attached, IReadOnlyList<Answer> answers, JsonObject after, JsonObject end)
    {
        Attached = attached;
        Complaints = [.. answers.Where(a => !a.Succeeded).Select(a => $"{a.Command} {a.Plugin}: {a.Output.ReplaceLineEndings(" ")}")];
        JsonArray said = [];
        foreach (Answer answer in answers)
        {
            JsonNode? output = answer.Output.Length > 0 ? JsonNode.Parse(answer.Output) : null;
            said.Add((JsonNode)new JsonObject
            {
                ["call"] = $"{answer.Command} {answer.Plugin}",
                ["code"] = answer.Succeeded ? 0 : (int?)output?["code"] ?? -1,
                ["says"] = answer.Succeeded ? null : (string?)output?["msg"],
                ["result"] = answer.Succeeded ? Result(output, after) : null,
            });
        }

        Document = new JsonObject { ["answers"] = said, ["attached"] = State(after), ["detached"] = State(end) };
    }

    /// <summary>Whether every ADD succeeded.</summary>
    public bool Attached { get; }

    /// <summary>What was said of failures, for the people who read why two sides differ.</summary>
    public IReadOnlyList<string> Complaints { get; }

    /// <summary><c>answers</c> of the plugins; what was there when <c>attached</c> and when <c>detached</c>: <c>host</c>, <c>pod</c> and <c>files</c>.</summary>
    public JsonObject Document { get; }

    public IEnumerable<JsonObject> Answers => (Document["answers"]?.AsArray() ?? []).Select(a => a!.AsObject());

    /// <summary>The results that were printed.</summary>
    public IEnumerable<JsonObject> Results() => Answers.Select(a => a["result"]).OfType<JsonObject>();

    /// <summary>What was seen of both namespaces, in both states.</summary>
    public IEnumerable<JsonObject> Namespaces => from state in States from side in _sides select state[side]!.AsObject();

    /// <summary>Links of both namespaces, in both states.</summary>
    public IEnumerable<JsonObject> Links(Func<JsonObject, bool>? only = null) =>
        from seen in Namespaces
        from link in seen["links"]!.AsObject()
        let value = link.Value!.AsObject()
        where only is null || only(value)
        select value;

    /// <summary>Addresses of all links.</summary>
    public IEnumerable<JsonObject> Addresses() => Links().SelectMany(l => l["addresses"]!.AsArray()).Select(a => a!.AsObject());

    /// <summary>Edits the files of both states, by their paths.</summary>
    public void EachFiles(Action<JsonObject> edit)
    {
        foreach (JsonObject state in States)
        {
            edit(state["files"]!.AsObject());
        }
    }

    private IEnumerable<JsonObject> States => new[] { Document["attached"], Document["detached"] }.OfType<JsonObject>();

    /// <summary>The places where two documents differ.</summary>
    public static IEnumerable<string> Compare(JsonNode? reference, JsonNode? ours, string path = "")
    {
        if (reference is JsonObject a && ours is JsonObject b)
        {
            return a.Select(p => p.Key).Union(b.Select(p => p.Key)).SelectMany(key => Compare(a[key], b[key], $"{path}/{key}"));
        }

        if (reference is JsonArray x && ours is JsonArray y && x.Count == y.Count)
        {
            return Enumerable.Range(0, x.Count).SelectMany(i => Compare(x[i], y[i], $"{path}/{i}"));
        }

        return JsonNode.DeepEquals(reference, ours) ? [] : [$"{path}: reference {reference?.ToJsonString() ?? "nothing"}, ours {ours?.ToJsonString() ?? "nothing"}"];
    }

    /// <summary>A result; hardware addresses that chance chose are held against the kernel's.</summary>
    private static JsonNode? Result(JsonNode? result, JsonObject state)
    {
        foreach (JsonNode? entry in result?["interfaces"]?.AsArray() ?? [])
        {
            if ((string?)entry!["mac"] is { } mac && !IsGiven(mac))
            {
                string side = entry["sandbox"] is null ? "host" : "pod";
                bool isKernels = state[side]!["links"]!.AsArray().Any(l => (string?)l!["ifname"] == (string?)entry["name"] && (string?)l!["address"] == mac);
                entry["mac"] = isKernels ? "the interface's own" : "not the interface's own";
            }
        }

        return result is null ? null : Plain(result);
    }

    private static JsonObject State(JsonObject seen)
    {
        JsonObject state = new() { ["files"] = new JsonObject(seen["files"]!.AsObject().Select(f => KeyValuePair.Create(f.Key, f.Key.EndsWith(".json", StringComparison.Ordinal) ? Saved((string)f.Value!) : f.Value?.DeepClone()))) };
        foreach (string side in _sides)
        {
            JsonObject view = seen[side]!.AsObject();
            state[side] = Plain(new JsonObject
            {
                ["links"] = Keyed(view["links"], l => (string)l["ifname"]!, Link),
                ["routes"] = Listed(view["routes"]!.AsArray(), IsConfigured, r => Only(r, _ofRoute)),
                ["rules"] = Listed(view["rules4"]!.AsArray().Concat(view["rules6"]!.AsArray()), r => (int)r["priority"]! is > 0 and < 32766, r => r),
                ["vlans"] = Keyed(view["vlans"], v => (string)v["ifname"]!, v => v["vlans"]!),
                ["disciplines"] = Listed(view["disciplines"]!.AsArray(), d => (string?)d["kind"] is not ("noqueue" or "mq"), d => Only(d, "kind", "dev", "root", "parent", "options")),
                ["nftables"] = view["nftables"]!.DeepClone(),
                ["forwarding"] = view["forwarding"]!.DeepClone(),
            });
        }

        return state;
    }

    /// <summary>A file that a plugin saved; hardware addresses that chance chose are as good as any.</summary>
    private static JsonNode Saved(string text)
    {
        JsonNode file = JsonNode.Parse(text)!;
        if (file["mac"] is { } mac && !IsGiven((string?)mac))
        {
            file["mac"] = "any";
        }

        return file;
    }

    private static JsonObject Link(JsonObject link)
    {
        JsonObject kept = Only(link, _ofLink);
        kept["mac"] = IsGiven((string?)link["address"]) ? (string?)link["address"] : "any";
        kept["flags"] = new JsonArray([.. link["flags"]!.AsArray().Select(f => (string)f!).Where(f => f is not ("LOWER_UP" or "NO-CARRIER" or "M-DOWN")).Order().Select(f => JsonValue.Create(f))]);
        kept["kind"] = link["linkinfo"]?["info_kind"]?.DeepClone();
        kept["data"] = Steady(link["linkinfo"]?["info_data"]);
        kept["port"] = Steady(link["linkinfo"]?["info_slave_data"]);
        kept["addresses"] = Listed(link["addr_info"]!.AsArray(), a => (string?)a["scope"] != "link" || (string?)a["family"] == "inet", a => Only(a, _ofAddress));
        return kept;
    }

    /// <summary>What the kernel does by itself for every address and every IPv6 link follows from those; link-local addresses come when they come.</summary>
    private static bool IsConfigured(JsonObject route) =>
        (string?)route["table"] != "local" && (string?)route["type"] is not ("multicast" or "local" or "anycast" or "broadcast") && (string?)route["dst"] is not ("fe80::/64" or "ff00::/8");

    /// <summary>Options of a link without clocks, counters and what the spanning tree elects.</summary>
    private static JsonNode? Steady(JsonNode? options) => options is not JsonObject all
        ? null
        : new JsonObject(all.Where(p => !Passing().IsMatch(p.Key)).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));

    private static JsonObject Only(JsonObject from, params string[] keys) =>
        new(from.Where(p => keys.Contains(p.Key)).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));

    private static JsonObject Keyed(JsonNode? list, Func<JsonObject, string> key, Func<JsonObject, JsonNode> value) =>
        new(list!.AsArray().Select(e => e!.AsObject()).Where(e => e.Count > 0).DistinctBy(key).Select(e => KeyValuePair.Create(key(e), (JsonNode?)value(e).DeepClone())));

    private static JsonArray Listed(IEnumerable<JsonNode?> list, Func<JsonObject, bool> wanted, Func<JsonObject, JsonObject> what) =>
        new([.. list.Select(e => e!.AsObject()).Where(e => e.Count > 0 && wanted(e)).Select(e => what(e).DeepClone()).OrderBy(e => e.ToJsonString(), StringComparer.Ordinal)]);

    /// <summary>Without random names.</summary>
    private static JsonNode Plain(JsonNode node) => JsonNode.Parse(RandomName().Replace(node.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }), "veth#"))!;

    /// <summary>Whether a hardware address is one that configurations and hosts of these tests name.</summary>
    private static bool IsGiven(string? mac) => mac is null or "00:00:00:00:00:00" || mac.StartsWith("02:00:00:00:0", StringComparison.Ordinal);

    [GeneratedRegex("veth[0-9a-f]{8}")]
    private static partial Regex RandomName();

    [GeneratedRegex("timer$|^(bridge_id|root_id|root_port|root_path_cost|id|no|designated_.*|topology_.*|state|config_pending|hash_.*|fdb_.*|used.*)$")]
    private static partial Regex Passing();
}
