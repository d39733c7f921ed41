using System.Buffers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Storage;
using Musubi.ApiServer.Tables;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

/// <summary>Turns objects into what the client asked for: themselves, a table, or their metadata.</summary>
internal sealed class ObjectOutput
{
    private readonly ServedResource _resource;
    private readonly TimeProvider _time;
    private readonly string _includeObject;

    private ObjectOutput(ServedResource resource, Accepted accepted, string includeObject, TimeProvider time)
    {
        (_resource, Accepted, _includeObject, _time) = (resource, accepted, includeObject, time);
    }

    public Accepted Accepted { get; }

    public static ObjectOutput For(HttpContext context, ServedResource resource, TimeProvider time)
    {
        Accepted accepted = ContentNegotiation.Choose(context.Request.Headers.Accept.ToString(), offersTransformations: true)
            ?? throw new ApiException(ApiStatus.Failure(System.Net.HttpStatusCode.NotAcceptable, "NotAcceptable",
                "only the following media types are accepted: application/json, application/yaml"));
        string agent = context.Request.Headers.UserAgent.ToString();
        bool person = agent.StartsWith("curl", StringComparison.Ordinal) || agent.StartsWith("Wget", StringComparison.Ordinal)
            || agent.StartsWith("Mozilla/5.0", StringComparison.Ordinal);
        accepted = accepted with { Pretty = Query.OptionalFlag(context.Request.Query, "pretty") ?? (accepted.Pretty || person) };
        string includeObject = context.Request.Query["includeObject"].FirstOrDefault() ?? "Metadata";
        return new ObjectOutput(resource, accepted, includeObject, time);
    }

    /// <summary>One object.</summary>
    public byte[] Single(byte[] json) => Accepted.Form switch
    {
        Representation.Table => JsonTree.ToBytes(Table([json], new JsonObject
        {
            ["resourceVersion"] = JsonTree.ParseObject(json).At("metadata", "resourceVersion").AsText() ?? "",
        }, withColumns: true)),
        Representation.Metadata => JsonTree.ToBytes(PartialMetadata(JsonTree.ParseObject(json))),
        _ => json,
    };

    /// <summary>One object of a watch; only the first table of a stream has column definitions.</summary>
    public byte[] WatchItem(StoredObject obj, bool first) => Accepted.Form switch
    {
        Representation.Table => JsonTree.ToBytes(Table([_resource.Conversion.Render(obj)], new JsonObject { ["resourceVersion"] = obj.Version.ToString() }, first)),
        Representation.Metadata => JsonTree.ToBytes(PartialMetadata(JsonTree.ParseObject(obj.Json))),
        _ => _resource.Conversion.Render(obj),
    };

    /// <summary>A list, written piece by piece: the items are the stored bytes.</summary>
    public async Task WriteListAsync(HttpContext context, IReadOnlyList<StoredObject> items, long version, string? continueToken, long? remaining)
    {
        var metadata = new JsonObject { ["resourceVersion"] = version.ToString() };
        if (continueToken is not null) metadata["continue"] = continueToken;
        if (remaining is not null) metadata["remainingItemCount"] = remaining.Value;
        if (Accepted.Form == Representation.Table)
        {
            await Responses.WriteJsonAsync(context, 200, JsonTree.ToBytes(Table(items.Select(_resource.Conversion.Render), metadata, withColumns: true)), Accepted).ConfigureAwait(false);
            return;
        }
        bool partial = Accepted.Form == Representation.Metadata;
        byte[] head = JsonTree.ToBytes(new JsonObject
        {
            ["kind"] = partial ? "PartialObjectMetadataList" : _resource.ListKind,
            ["apiVersion"] = partial ? "meta.k8s.io/" + Accepted.Version : _resource.Type.ApiVersion,
            ["metadata"] = metadata,
            ["items"] = new JsonArray(),
        });
        var pieces = new List<byte[]>(items.Count);
        long length = head.Length + Math.Max(items.Count - 1, 0);
        foreach (StoredObject item in items)
        {
            byte[] piece = partial ? JsonTree.ToBytes(PartialMetadata(item.ToTree())) : _resource.Conversion.Render(item);
            pieces.Add(piece);
            length += piece.Length;
        }
        if (Accepted.Pretty)
        {
            byte[] whole = new byte[length];
            int at = 0;
            foreach (ReadOnlyMemory<byte> part in Parts(head, pieces))
            {
                part.CopyTo(whole.AsMemory(at));
                at += part.Length;
            }
            await Responses.WriteJsonAsync(context, 200, whole, Accepted).ConfigureAwait(false);
            return;
        }
        context.Response.StatusCode = 200;
        context.Response.ContentType = Accepted.ContentType;
        context.Response.ContentLength = length;
        int unflushed = 0;
        foreach (ReadOnlyMemory<byte> part in Parts(head, pieces))
        {
            context.Response.BodyWriter.Write(part.Span);
            unflushed += part.Length;
            if (unflushed < 256 << 10) continue;
            unflushed = 0;
            await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        }
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Parts(byte[] head, List<byte[]> pieces)
    {
        yield return head.AsMemory(0, head.Length - 2);
        for (int i = 0; i < pieces.Count; i++)
        {
            if (i > 0) yield return ","u8.ToArray();
            yield return pieces[i];
        }
        yield return head.AsMemory(head.Length - 2);
    }

    private JsonObject Table(IEnumerable<byte[]> objects, JsonObject metadata, bool withColumns)
    {
        TableFormat format = _resource.Table;
        DateTimeOffset now = _time.GetUtcNow();
        var rows = new JsonArray();
        foreach (byte[] json in objects)
        {
            JsonObject obj = JsonTree.ParseObject(json);
            var row = new JsonObject { ["cells"] = format.Cells(obj, now) };
            if (_includeObject == "Object") row["object"] = obj;
            else if (_includeObject != "None") row["object"] = PartialMetadata(obj);
            rows.Add(row);
        }
        JsonArray? columns = withColumns ? new JsonArray([.. format.Columns.Select(c => (JsonNode?)new JsonObject
        {
            ["name"] = c.Name, ["type"] = c.Type, ["format"] = c.Format, ["description"] = c.Description, ["priority"] = c.Priority,
        })]) : null;
        return new JsonObject
        {
            ["kind"] = "Table",
            ["apiVersion"] = "meta.k8s.io/" + (Accepted.Version.Length == 0 ? "v1" : Accepted.Version),
            ["metadata"] = metadata,
            ["columnDefinitions"] = columns,
            ["rows"] = rows,
        };
    }

    private static JsonObject PartialMetadata(JsonObject obj) => new()
    {
        ["kind"] = "PartialObjectMetadata",
        ["apiVersion"] = "meta.k8s.io/v1",
        ["metadata"] = obj["metadata"].Copy(),
    };
}
