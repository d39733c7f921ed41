using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>Bytes to send and what they are.</summary>
public readonly record struct RequestBody(byte[] Bytes, string MediaType)
{
    /// <summary>JSON of an untyped value.</summary>
    public static RequestBody Json(JsonNode node, string mediaType = "application/json")
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, KubeJson.Writer))
        {
            node.WriteTo(writer);
        }

        return new RequestBody(stream.ToArray(), mediaType);
    }

    /// <summary>JSON of a typed object.</summary>
    public static RequestBody Json<T>(T obj)
        where T : KubeObject, IKubeObject<T>
    {
        T complete = obj.Kind is null || obj.ApiVersion is null ? obj with { ApiVersion = T.Resource.ApiVersion, Kind = T.Resource.Kind } : obj;
        return new RequestBody(JsonSerializer.SerializeToUtf8Bytes(complete, T.JsonType), "application/json");
    }
}
