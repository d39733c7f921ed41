using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api;

/// <summary>Teaches a server the kinds that Musubi brings.</summary>
public static class CustomResourceInstaller
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Creates or updates all definitions, and returns when the server serves them.</summary>
    /// <exception cref="ApiException">The server refused one.</exception>
    /// <exception cref="TimeoutException">The server does not serve one although it took it; says which and why.</exception>
    public static async Task InstallAsync(ApiClient api, CancellationToken ct)
    {
        ManifestApplier applier = new(api);
        foreach (JsonObject definition in CustomResourceDefinitions.All)
        {
            await applier.ApplyAsync(new Manifest(definition, "crds"), ct);
        }

        foreach (JsonObject definition in CustomResourceDefinitions.All)
        {
            await WaitAsync(api, new ObjectKey("", definition.Object("metadata")?.Text("name") ?? ""), ct);
        }
    }

    private static async Task WaitAsync(ApiClient api, ObjectKey key, CancellationToken ct)
    {
        TimeProvider time = TimeProvider.System;
        for (long start = time.GetTimestamp(); ; await Task.Delay(Pause, time, ct))
        {
            CustomResourceDefinition stored = await api.Resource<CustomResourceDefinition>().GetAsync(key, ct);
            JsonObject? status = stored.Status is { ValueKind: JsonValueKind.Object } s ? JsonObject.Create(s) : null;
            JsonObject[] conditions = [.. (status?.Array("conditions") ?? []).OfType<JsonObject>()];
            if (conditions.Any(c => c.Text("type") == "Established" && c.Text("status") == "True"))
            {
                return;
            }

            if (time.GetElapsedTime(start) > Limit)
            {
                string why = string.Join("; ", conditions.Where(c => c.Text("status") == "False").Select(c => $"{c.Text("type")}: {c.Text("message")}"));
                throw new TimeoutException($"the server does not serve {key.Name}: {(why.Length == 0 ? "it says nothing about why" : why)}");
            }
        }
    }
}
