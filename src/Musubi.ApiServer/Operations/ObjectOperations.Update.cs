using System.Net;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Kinds;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Operations;

/// <summary>What one update wants.</summary>
/// <param name="Resource">The resource, in the version of the request.</param>
/// <param name="Key">Namespace and name.</param>
/// <param name="Subresource">Empty for the object itself.</param>
/// <param name="Produce">Makes the wanted object from the current one, which it may change and return. Called again when another write came between.</param>
/// <param name="IsPatch">Only what the patch says is the client's; a PUT states the whole object.</param>
internal sealed record UpdateRequest(ServedResource Resource, ObjectKey Key, string Subresource, Func<JsonObject, JsonObject> Produce, bool IsPatch);

internal sealed partial class ObjectOperations
{
    private const string StaleMessage = "the object has been modified; please apply your changes to the latest version and try again";

    public async Task<WriteOutcome> UpdateAsync(UpdateRequest request, WriteOptions options)
    {
        (ServedResource resource, ObjectKey key) = (request.Resource, request.Key);
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            StoredObject stored = Get(resource, key.Namespace, key.Name);
            JsonObject old = resource.Conversion.Read(stored);
            JsonObject obj = request.Produce(resource.Conversion.Read(stored));
            bool versioned = CheckPreconditions(request, stored, obj);
            PrepareUpdate(request, obj, old, options);

            if (IsFinished(resource, obj, old))
            {
                if (options.DryRun) return new WriteOutcome(JsonTree.ToBytes(obj), Gone: true);
                WriteResult removed = await store.DeleteAsync(resource.Bucket, stored.Key, stored.Version).ConfigureAwait(false);
                if (!removed.Refused)
                {
                    resource.Rules.Release(old, next: null);
                    return new WriteOutcome(JsonTree.ToBytes(obj), Gone: true);
                }
            }
            else
            {
                if (JsonTree.Equal(obj, old)) return new WriteOutcome(resource.Conversion.Render(stored));
                if (options.DryRun) return new WriteOutcome(JsonTree.ToBytes(obj));
                if (await PutAsync(resource, stored, obj, old).ConfigureAwait(false) is { } written) return new WriteOutcome(resource.Conversion.Render(written));
            }
            if (versioned) throw Stale(resource, key.Name);
        }
        throw Stale(resource, key.Name);
    }

    /// <returns>Null when another write came between.</returns>
    private async Task<StoredObject?> PutAsync(ServedResource resource, StoredObject stored, JsonObject obj, JsonObject old)
    {
        Action? giveBack = Reserve(resource, obj, old);
        try
        {
            WriteResult result = await store.PutAsync(resource.Bucket, stored.Key, stored.Version, ToDraft(resource, obj)).ConfigureAwait(false);
            if (result.Refused) return null;
            giveBack = null;
            resource.Rules.Release(old, obj);
            return result.Object;
        }
        finally
        {
            giveBack?.Invoke();
        }
    }

    /// <summary>Names, identity and version that the client stated must be those of the stored object.</summary>
    /// <returns>True when the client insists on one version.</returns>
    private static bool CheckPreconditions(UpdateRequest request, StoredObject stored, JsonObject obj)
    {
        (ServedResource resource, string name) = (request.Resource, request.Key.Name);
        CheckType(resource, obj);
        JsonObject metadata = obj.ObjectOrNew("metadata");
        if (metadata.Text("name") is not { Length: > 0 } written) metadata["name"] = name;
        else if (written != name)
        {
            throw new ApiException(ApiStatus.BadRequest(request.IsPatch ? "the name of the object may not be changed by a patch"
                : $"the name of the object ({written}) does not match the name on the URL ({name})"));
        }
        PlaceInNamespace(resource, metadata, request.Key.Namespace);
        if (metadata.Text("uid") is { Length: > 0 } uid && uid != stored.Facts.Uid)
            throw new ApiException(ApiStatus.Conflict(resource.Type, name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {stored.Facts.Uid}"));
        string version = metadata.Text("resourceVersion") ?? "";
        if (version.Length > 0)
        {
            if (version != stored.Version.ToString()) throw Stale(resource, name);
            // A patch carries the version of the object it was applied to, unless it states one itself; then applying it again makes the difference.
            return !request.IsPatch;
        }
        if (resource.Rules.UpdateNeedsVersion && !request.IsPatch)
            throw new ApiException(ApiStatus.Invalid(resource.Type, name, [FieldError.Invalid("metadata.resourceVersion", 0, "must be specified for an update")]));
        return false;
    }

    private void PrepareUpdate(UpdateRequest request, JsonObject obj, JsonObject old, WriteOptions options)
    {
        (ServedResource resource, string sub) = (request.Resource, request.Subresource);
        Decode(resource, obj, options, request.IsPatch ? HttpStatusCode.UnprocessableEntity : HttpStatusCode.BadRequest);
        ObjectMetadata.CarryOver(obj.ObjectOrNew("metadata"), old.ObjectOrNew("metadata"));
        if (sub == "status")
        {
            JsonNode? status = obj["status"].Copy();
            bool keepsMetadata = resource.Rules.StatusKeepsMetadata;
            JsonNode? metadata = keepsMetadata ? null : obj["metadata"].Copy();
            Replace(obj, old);
            if (status is null) obj.Remove("status");
            else obj["status"] = status;
            if (metadata is not null) obj["metadata"] = metadata;
        }
        else if (resource.HasStatus && sub.Length == 0)
        {
            obj.Remove("status");
            if (old["status"] is { } kept) obj["status"] = kept.DeepClone();
        }
        resource.Rules.PrepareUpdate(obj, old, new WriteContext(Now, sub, options.DryRun));
        if (sub.Length == 0) admission.Default(resource, obj, old);
        if (resource.Rules.HasGeneration)
        {
            long generation = old.At("metadata", "generation") is JsonValue v && v.TryInt64(out long n) ? n : 0;
            if (WantedChanged(resource, obj, old)) generation++;
            obj.ObjectOrNew("metadata")["generation"] = generation;
        }
        Validate(resource, obj, old, options, runAdmission: sub.Length == 0);
    }

    private static bool WantedChanged(ServedResource resource, JsonObject obj, JsonObject old)
    {
        bool Counts(string key) => key != "metadata" && (key != "status" || !resource.HasStatus);
        return obj.Count(p => Counts(p.Key)) != old.Count(p => Counts(p.Key))
            || obj.Any(p => Counts(p.Key) && (!old.TryGetPropertyValue(p.Key, out JsonNode? before) || !JsonTree.Equal(p.Value, before)));
    }

    /// <summary>Whether nothing holds a deleted object any longer.</summary>
    private static bool IsFinished(ServedResource resource, JsonObject obj, JsonObject old) =>
        old.At("metadata", "deletionTimestamp") is not null
        && obj.Object("metadata")!.Array("finalizers") is null or { Count: 0 }
        && !resource.Rules.IsHeld(obj)
        && (obj.Object("metadata")!.Integer("deletionGracePeriodSeconds") ?? 0) == 0;

    private static void Replace(JsonObject target, JsonObject content)
    {
        target.Clear();
        foreach ((string key, JsonNode? value) in content) target[key] = value?.DeepClone();
    }

    private static ApiException Stale(ServedResource resource, string name) => new(ApiStatus.Conflict(resource.Type, name, StaleMessage));
}
