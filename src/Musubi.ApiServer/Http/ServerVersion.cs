using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;

namespace Musubi.ApiServer.Http;

/// <summary>What the server says it is: the version of the API it speaks, with its own name behind it.</summary>
internal static class ServerVersion
{
    public static byte[] Document { get; } = JsonTree.ToBytes(new JsonObject
    {
        ["major"] = "1",
        ["minor"] = "32",
        ["gitVersion"] = "v1.32.0+musubi",
        ["gitCommit"] = "",
        ["gitTreeState"] = "clean",
        ["buildDate"] = "1970-01-01T00:00:00Z",
        ["goVersion"] = "none",
        ["compiler"] = "roslyn",
        ["platform"] = "linux/amd64",
    });

    /// <summary>The list of paths at the root.</summary>
    public static JsonObject Paths(ResourceCatalog catalog)
    {
        List<string> paths = ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"];
        foreach ((string group, IReadOnlyList<GroupVersion> versions) in catalog.Groups)
            paths.AddRange(versions.Select(v => group.Length == 0 ? $"/api/{v.Version}" : $"/apis/{v.ApiVersion}"));
        return new JsonObject { ["paths"] = new JsonArray([.. paths.Order(StringComparer.Ordinal).Select(p => (JsonNode?)JsonValue.Create(p))]) };
    }
}
