using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Musubi.ApiServer.Codecs;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

/// <summary>Reading what clients send.</summary>
internal static class RequestBody
{
    public const int MaxBytes = 3 << 20;
    private const long MaxDrainedBytes = 64 << 20;

    /// <summary>The whole body.</summary>
    /// <exception cref="ApiException">413: it is larger than <see cref="MaxBytes"/>.</exception>
    public static async Task<byte[]> ReadAsync(HttpContext context)
    {
        PipeReader reader = context.Request.BodyReader;
        if (context.Request.ContentLength > MaxBytes) throw await TooLargeAsync(reader, context.RequestAborted).ConfigureAwait(false);
        while (true)
        {
            ReadResult result = await reader.ReadAsync(context.RequestAborted).ConfigureAwait(false);
            if (result.Buffer.Length > MaxBytes)
            {
                reader.AdvanceTo(result.Buffer.End);
                throw await TooLargeAsync(reader, context.RequestAborted).ConfigureAwait(false);
            }
            if (result.IsCompleted)
            {
                byte[] body = result.Buffer.ToArray();
                reader.AdvanceTo(result.Buffer.End);
                return body;
            }
            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>The media type without parameters; absent means JSON.</summary>
    public static string MediaType(HttpContext context)
    {
        string type = context.Request.ContentType ?? "";
        int semicolon = type.IndexOf(';');
        type = (semicolon < 0 ? type : type[..semicolon]).Trim().ToLowerInvariant();
        return type.Length == 0 ? "application/json" : type;
    }

    /// <summary>Reads an object in JSON, YAML or (built-in kinds) protobuf.</summary>
    /// <param name="body">The bytes.</param>
    /// <param name="mediaType">How to read them.</param>
    /// <param name="allowProtobuf">Whether the kind can come in protobuf.</param>
    /// <param name="duplicates">Receives the paths of repeated keys.</param>
    public static JsonObject ParseObject(byte[] body, string mediaType, bool allowProtobuf, ICollection<string>? duplicates)
    {
        try
        {
            JsonNode? parsed = mediaType switch
            {
                "application/json" => JsonTree.Parse(body, duplicates),
                "application/yaml" or "text/yaml" => ParseYaml(body),
                "application/vnd.kubernetes.protobuf" when allowProtobuf => ProtobufReader.Parse(body),
                _ => throw Unsupported(allowProtobuf
                    ? "application/json, application/yaml, application/vnd.kubernetes.protobuf" : "application/json, application/yaml"),
            };
            return parsed as JsonObject ?? throw new ApiException(ApiStatus.BadRequest("the body of the request is not an object"));
        }
        catch (JsonException e)
        {
            throw new ApiException(ApiStatus.BadRequest($"the object provided cannot be read: {e.Message}"));
        }
    }

    /// <summary>The first document, as kubectl would read it.</summary>
    private static JsonNode? ParseYaml(byte[] body)
    {
        try
        {
            return YamlReader.ReadAll(new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(body)).FirstOrDefault();
        }
        catch (Exception e) when (e is ManifestException or DecoderFallbackException)
        {
            throw new JsonException($"yaml: {e.Message}", e);
        }
    }

    public static ApiException Unsupported(string accepted) => new(ApiStatus.Failure(HttpStatusCode.UnsupportedMediaType, "UnsupportedMediaType",
        $"the body of the request was in an unknown format - accepted media types include: {accepted}"));

    /// <summary>Reads on for a while, so that a client that is still writing gets to see the answer rather than a broken connection.</summary>
    private static async Task<ApiException> TooLargeAsync(PipeReader reader, CancellationToken cancellation)
    {
        for (long drained = 0; drained < MaxDrainedBytes;)
        {
            ReadResult result = await reader.ReadAsync(cancellation).ConfigureAwait(false);
            drained += result.Buffer.Length;
            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) break;
        }
        return new ApiException(ApiStatus.Failure(HttpStatusCode.RequestEntityTooLarge, "RequestEntityTooLarge", $"Request entity too large: limit is {MaxBytes}"));
    }
}
