using System.Text.Json.Nodes;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>What became of an applied manifest.</summary>
public enum ApplyOutcome
{
    /// <summary>It was not there.</summary>
    Created,

    /// <summary>It was there and differed.</summary>
    Configured,

    /// <summary>It was there as written.</summary>
    Unchanged,
}

/// <summary>One applied manifest.</summary>
/// <param name="Manifest">What was applied.</param>
/// <param name="Type">Where it lives.</param>
/// <param name="Outcome">What had to be done.</param>
/// <param name="Object">The object as stored.</param>
public sealed record Applied(Manifest Manifest, ResourceType Type, ApplyOutcome Outcome, JsonObject Object);

/// <summary>
/// Makes manifests true with the same calls that <c>kubectl apply</c> makes on the client's side: GET, then POST with the
/// last-applied annotation, or a patch with three sides (last applied, live, wanted).
/// </summary>
/// <remarks>
/// Built-in kinds get a strategic merge patch, whose lists are merged by key (see <see cref="StrategicPatch"/>), custom resources a JSON
/// merge patch, whose lists are replaced whole.
/// </remarks>
public sealed class ManifestApplier(ApiClient api)
{
    /// <summary>The annotation that holds what was last applied.</summary>
    public const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    private const int Tries = 5;
    private readonly Discovery _discovery = new(api);

    /// <summary>Applies one manifest.</summary>
    /// <exception cref="ApiException">The server refused it, or knows no such kind.</exception>
    public async Task<Applied> ApplyAsync(Manifest manifest, CancellationToken ct)
    {
        ResourceType type = await FindTypeAsync(manifest, ct);
        JsonObject wanted = Wanted(manifest, type);
        ObjectKey key = new(wanted.Object("metadata")?.Text("namespace") ?? "", manifest.Name);
        for (int attempt = 1; ; attempt++)
        {
            JsonObject? live = await FindAsync(type, key, ct);
            try
            {
                return live is null ? await CreateAsync(manifest, type, key, wanted, ct) : await ChangeAsync(manifest, type, key, wanted, live, ct);
            }
            catch (ApiException e) when ((e.IsConflict || e.IsAlreadyExists || e.IsNotFound) && attempt < Tries)
            {
                // Someone else created, changed or deleted it between our read and our write: look again.
            }
        }
    }

    /// <summary>Asks for the deletion of what a manifest describes. False when there was nothing.</summary>
    /// <exception cref="ApiException">The server refused, or knows no such kind.</exception>
    public async Task<bool> DeleteAsync(Manifest manifest, CancellationToken ct, DeleteOptions? options = null)
    {
        ResourceType type = await FindTypeAsync(manifest, ct);
        ObjectKey key = new(type.Namespaced ? manifest.Namespace ?? api.Options.Namespace : "", manifest.Name);
        try
        {
            RequestBody? body = options is null ? null : RequestBody.Json(options.ToJson());
            await api.SendAsync(HttpMethod.Delete, type.ItemPath(key), body, ct);
            return true;
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return false;
        }
    }

    private async Task<ResourceType> FindTypeAsync(Manifest manifest, CancellationToken ct) =>
        await _discovery.FindAsync(manifest.ApiVersion, manifest.Kind, ct) ?? throw new ApiException(ApiStatus.Failure(
            System.Net.HttpStatusCode.NotFound,
            "NotFound",
            $"{manifest.Source}: the server has no kind \"{manifest.Kind}\" in version \"{manifest.ApiVersion}\""));

    private async Task<JsonObject?> FindAsync(ResourceType type, ObjectKey key, CancellationToken ct)
    {
        try
        {
            return await api.SendJsonAsync(HttpMethod.Get, type.ItemPath(key), body: null, ct);
        }
        catch (ApiException e) when (e.IsNotFound)
        {
            return null;
        }
    }

    private async Task<Applied> CreateAsync(Manifest manifest, ResourceType type, ObjectKey key, JsonObject wanted, CancellationToken ct)
    {
        QueryText path = new(type.CollectionPath(key.Namespace));
        new WriteOptions { FieldManager = "kubectl-client-side-apply", FieldValidation = "Strict" }.AddTo(path);
        JsonObject created = await api.SendJsonAsync(HttpMethod.Post, path.ToString(), RequestBody.Json(wanted), ct);
        return new Applied(manifest, type, ApplyOutcome.Created, created);
    }

    private async Task<Applied> ChangeAsync(
        Manifest manifest, ResourceType type, ObjectKey key, JsonObject wanted, JsonObject live, CancellationToken ct)
    {
        JsonObject? last = live.Object("metadata")?.Object("annotations")?.Text(LastApplied) is { } text ? JsonNode.Parse(text) as JsonObject : null;
        bool builtIn = StrategicPatch.IsKnown(type);
        JsonObject patch = builtIn ? StrategicPatch.ThreeWay(last, live, wanted) : MergePatch.ThreeWay(last, live, wanted);
        if (patch.Count == 0)
        {
            return new Applied(manifest, type, ApplyOutcome.Unchanged, live);
        }

        QueryText path = new(type.ItemPath(key));
        new WriteOptions { FieldManager = "kubectl-client-side-apply", FieldValidation = "Strict" }.AddTo(path);
        Patch body = builtIn ? Patch.Strategic(patch) : Patch.Merge(patch);
        JsonObject changed = await api.SendJsonAsync(HttpMethod.Patch, path.ToString(), body.Body, ct);
        bool same = changed.Object("metadata")?.Text("resourceVersion") == live.Object("metadata")?.Text("resourceVersion");
        return new Applied(manifest, type, same ? ApplyOutcome.Unchanged : ApplyOutcome.Configured, changed);
    }

    /// <summary>The manifest with its namespace filled in and itself, as text, in the last-applied annotation.</summary>
    private JsonObject Wanted(Manifest manifest, ResourceType type)
    {
        JsonObject wanted = manifest.Object.DeepClone().AsObject();
        JsonObject metadata = wanted.ObjectOrNew("metadata");
        if (type.Namespaced)
        {
            metadata["namespace"] ??= api.Options.Namespace;
        }

        JsonObject annotations = metadata.ObjectOrNew("annotations");
        annotations.Remove(LastApplied);
        annotations[LastApplied] = System.Text.Encoding.UTF8.GetString(RequestBody.Json(wanted.Sorted()!).Bytes) + "\n";
        return wanted;
    }
}
