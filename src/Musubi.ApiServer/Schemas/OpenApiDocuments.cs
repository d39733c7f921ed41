using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Http;
using Musubi.ApiServer.Json;

namespace Musubi.ApiServer.Schemas;

/// <summary>
/// OpenAPI v3, one document per group version, from which kubectl learns how to validate, merge and explain. Documents are made when
/// asked for; clients keep them under the hash that the index gives, which changes with the definitions.
/// </summary>
internal sealed class OpenApiDocuments
{
    private static readonly string s_build = typeof(OpenApiDocuments).Assembly.ManifestModule.ModuleVersionId.ToString("N");

    public Task HandleAsync(HttpContext context, ResourceCatalog catalog, string path)
    {
        if (path.Length == 0) return WriteAsync(context, Index(catalog));
        foreach ((_, IReadOnlyList<GroupVersion> versions) in catalog.Groups)
        {
            foreach (GroupVersion version in versions)
            {
                if (PathOf(version) != path) continue;
                string hash = Hash(version);
                string asked = context.Request.Query["hash"].ToString();
                if (asked.Length > 0 && asked != hash)
                {
                    context.Response.Headers.Location = UrlOf(version);
                    context.Response.StatusCode = StatusCodes.Status301MovedPermanently;
                    return Task.CompletedTask;
                }
                context.Response.Headers.ETag = $"\"{hash}\"";
                if (asked.Length > 0) context.Response.Headers.CacheControl = "public, immutable";
                return Responses.WriteJsonAsync(context, 200, OpenApiWriter.Write(version));
            }
        }
        return Responses.WriteNoSuchPathAsync(context);
    }

    private static Task WriteAsync(HttpContext context, JsonObject index)
    {
        byte[] bytes = JsonTree.ToBytes(index);
        string tag = $"\"{Convert.ToHexString(SHA512.HashData(bytes))}\"";
        context.Response.Headers.ETag = tag;
        if (context.Request.Headers.IfNoneMatch != tag) return Responses.WriteAsync(context, 200, bytes, "application/json");
        context.Response.StatusCode = StatusCodes.Status304NotModified;
        return Task.CompletedTask;
    }

    private static JsonObject Index(ResourceCatalog catalog)
    {
        var paths = new JsonObject();
        foreach ((_, IReadOnlyList<GroupVersion> versions) in catalog.Groups)
            foreach (GroupVersion version in versions) paths[PathOf(version)] = new JsonObject { ["serverRelativeURL"] = UrlOf(version) };
        return new JsonObject { ["paths"] = paths };
    }

    private static string PathOf(GroupVersion version) => version.Group.Length == 0 ? $"api/{version.Version}" : $"apis/{version.ApiVersion}";

    private static string UrlOf(GroupVersion version) => $"/openapi/v3/{PathOf(version)}?hash={Hash(version)}";

    private static string Hash(GroupVersion version)
    {
        string identity = s_build + string.Concat(version.Resources.Select(r => $"|{r.Type}|{r.Custom?.DefinitionVersion}"));
        return Convert.ToHexString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(identity)))[..32];
    }
}
