using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Storage;

namespace Musubi.ApiServer.Discovery;

/// <summary>Events have two faces, core/v1 and events.k8s.io/v1, and one store: they are kept in the core form.</summary>
internal sealed class EventConversion : IVersionConversion
{
    public static EventConversion Instance { get; } = new();

    private static readonly (string Stored, string Served)[] s_names =
    [
        ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"), ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"), ("reportingComponent", "reportingController"),
    ];

    public byte[] Render(StoredObject obj) => JsonTree.ToBytes(Read(obj));

    public JsonObject Read(StoredObject obj)
    {
        JsonObject tree = obj.ToTree();
        FromStored(tree);
        return tree;
    }

    public void ToStored(JsonObject obj)
    {
        obj["apiVersion"] = "v1";
        foreach ((string stored, string served) in s_names) Rename(obj, served, stored);
    }

    public void FromStored(JsonObject obj)
    {
        obj["apiVersion"] = "events.k8s.io/v1";
        foreach ((string stored, string served) in s_names) Rename(obj, stored, served);
        if (!obj.ContainsKey("eventTime")) obj["eventTime"] = null;
    }

    private static void Rename(JsonObject obj, string from, string to)
    {
        if (!obj.Remove(from, out JsonNode? value)) return;
        obj[to] = value;
    }
}
