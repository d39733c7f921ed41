using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

/// <summary>Writing answers.</summary>
internal static class Responses
{
    public static Task WriteAsync(HttpContext context, int code, ReadOnlyMemory<byte> body, string contentType)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    /// <summary>Writes JSON that is already text, indented when a person is looking.</summary>
    public static Task WriteJsonAsync(HttpContext context, int code, byte[] json, in Accepted accepted)
    {
        if (!accepted.Pretty) return WriteAsync(context, code, json, accepted.ContentType);
        var buffer = new ArrayBufferWriter<byte>(json.Length * 2);
        JsonTree.Write(JsonTree.Parse(json), buffer, indented: true);
        buffer.Write("\n"u8);
        return WriteAsync(context, code, buffer.WrittenMemory, accepted.ContentType);
    }

    public static Task WriteJsonAsync(HttpContext context, int code, JsonNode json) => WriteAsync(context, code, JsonTree.ToBytes(json), "application/json");

    public static Task WriteTextAsync(HttpContext context, int code, string text) =>
        WriteAsync(context, code, System.Text.Encoding.UTF8.GetBytes(text), "text/plain; charset=utf-8");

    public static Task WriteStatusAsync(HttpContext context, ApiStatus status)
    {
        int code = status.Code == 0 ? 200 : status.Code;
        if (status.Details?.RetryAfterSeconds is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString();
        if (code is 401 or 403) context.Response.Headers.XContentTypeOptions = "nosniff";
        return WriteAsync(context, code, ToBytes(status), "application/json");
    }

    public static byte[] ToBytes(ApiStatus status) => JsonSerializer.SerializeToUtf8Bytes(status, KubeJson.Default.ApiStatus);

    /// <summary>The answer for a path that leads nowhere, as distinct from an object that does not exist.</summary>
    public static Task WriteNoSuchPathAsync(HttpContext context)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return WriteTextAsync(context, 404, "404 page not found\n");
    }

    public static void AddWarning(HttpContext context, string text)
    {
        string safe = new([.. text.Select(c => c is < ' ' or > '~' ? '?' : c)]);
        context.Response.Headers.Append("Warning", $"299 - \"{safe.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"");
    }
}
