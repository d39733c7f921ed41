using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>Finds out which kinds a server has. Answers are kept; a kind that is not found is looked up afresh.</summary>
public sealed class Discovery(ApiClient api)
{
    private readonly Dictionary<string, IReadOnlyList<ResourceType>> _known = new(StringComparer.Ordinal);

    /// <summary>The type that serves a kind; null when the server has none.</summary>
    public async Task<ResourceType?> FindAsync(string apiVersion, string kind, CancellationToken ct)
    {
        if (_known.TryGetValue(apiVersion, out IReadOnlyList<ResourceType>? types) && types.FirstOrDefault(t => t.Kind == kind) is { } known)
        {
            return known;
        }

        types = await ReadAsync(apiVersion, ct);
        _known[apiVersion] = types;
        return types.FirstOrDefault(t => t.Kind == kind);
    }

    private async Task<IReadOnlyList<ResourceType>> ReadAsync(string apiVersion, CancellationToken ct)
    {
        string path = apiVersion.Contains('/', StringComparison.Ordinal) ? $"/apis/{apiVersion}" : $"/api/{apiVersion}";
        JsonObject list;
        try
        {
            list = await api.SendJsonAsync(HttpMethod.Get, path, body: null, ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return [];
        }

        string[] parts = apiVersion.Split('/', 2);
        (string apiGroup, string version) = parts.Length == 2 ? (parts[0], parts[1]) : ("", parts[0]);
        return
        [
            .. from resource in (list.Array("resources") ?? []).OfType<JsonObject>()
               let name = resource.Text("name")
               where name is not null && !name.Contains('/', StringComparison.Ordinal)
               select new ResourceType(apiGroup, version, name, resource.Text("kind") ?? "", resource.Bool("namespaced") ?? false),
        ];
    }
}
