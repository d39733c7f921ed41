using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Operations;

internal sealed partial class ObjectOperations
{
    private const string ForegroundFinalizer = "foregroundDeletion";
    private const string OrphanFinalizer = "orphan";

    public async Task<WriteOutcome> DeleteAsync(ServedResource resource, string ns, string name, DeleteOptions options)
    {
        for (int attempt = 0; attempt < MaxAttempts; attempt++)
        {
            StoredObject stored = Get(resource, ns, name);
            CheckDeletable(resource, stored, options);
            JsonObject obj = stored.ToTree();
            JsonObject metadata = obj.ObjectOrNew("metadata");
            bool deleting = stored.Facts.Deleting;
            if (!deleting) ApplyPolicy(metadata, options.PropagationPolicy);

            long grace = Math.Max(resource.Rules.GracePeriod(obj, options.GracePeriodSeconds) ?? 0, 0);
            long? running = deleting ? metadata.Integer("deletionGracePeriodSeconds") ?? 0 : null;
            if (running is { } left && (grace >= left || resource.Rules.GracePeriod(obj, null) is null) && (left > 0 || IsHeld(resource, obj)))
                return new WriteOutcome(resource.Conversion.Render(stored));

            WriteResult result;
            if (grace == 0 && !IsHeld(resource, obj))
            {
                if (options.DryRun) return new WriteOutcome(resource.Conversion.Render(stored), Gone: true);
                result = await store.DeleteAsync(resource.Bucket, stored.Key, stored.Version).ConfigureAwait(false);
                if (result.Refused) continue;
                resource.Rules.Release(obj, next: null);
                return new WriteOutcome(resource.Conversion.Render(result.Object!), Gone: true);
            }

            metadata["deletionTimestamp"] = KubeTime.Format(Now.AddSeconds(grace));
            metadata["deletionGracePeriodSeconds"] = grace;
            if (!deleting && resource.Rules.HasGeneration && metadata.Integer("generation") is { } generation and > 0) metadata["generation"] = generation + 1;
            if (!deleting) resource.Rules.DeletionBegins(obj);
            if (options.DryRun) return new WriteOutcome(JsonTree.ToBytes(obj));
            result = await store.PutAsync(resource.Bucket, stored.Key, stored.Version, ObjectDraft.From(obj)).ConfigureAwait(false);
            if (!result.Refused) return new WriteOutcome(resource.Conversion.Render(result.Object!));
        }
        throw Stale(resource, name);
    }

    /// <summary>Writes an object of the stored version as the caller changed it, past all rules; for the server's own bookkeeping.</summary>
    /// <returns>False when another write came between.</returns>
    public async Task<bool> ReplaceAsync(ServedResource resource, StoredObject stored, JsonObject changed)
    {
        JsonObject old = stored.ToTree();
        if (IsFinished(resource, changed, old))
        {
            if ((await store.DeleteAsync(resource.Bucket, stored.Key, stored.Version).ConfigureAwait(false)).Refused) return false;
            resource.Rules.Release(old, next: null);
            return true;
        }
        if (JsonTree.Equal(changed, old)) return true;
        return !(await store.PutAsync(resource.Bucket, stored.Key, stored.Version, ObjectDraft.From(changed)).ConfigureAwait(false)).Refused;
    }

    private static void CheckDeletable(ServedResource resource, StoredObject stored, DeleteOptions options)
    {
        if (options.PreconditionUid is { } uid && uid != stored.Facts.Uid) throw new ApiException(ApiStatus.Conflict(resource.Type, stored.Name,
            $"Precondition failed: UID in precondition: {uid}, UID in object meta: {stored.Facts.Uid}"));
        if (options.PreconditionVersion is { } version && version != stored.Version.ToString()) throw new ApiException(ApiStatus.Conflict(resource.Type, stored.Name,
            $"Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {stored.Version}"));
        if (resource.Rules.DeletionForbidden(stored) is { } why) throw new ApiException(ApiStatus.Forbidden(resource.Type, stored.Name, why));
    }

    private static bool IsHeld(ServedResource resource, JsonObject obj) =>
        obj.Object("metadata")?.Array("finalizers") is { Count: > 0 } || resource.Rules.IsHeld(obj);

    /// <summary>The policy becomes a finalizer, on which the garbage collector acts.</summary>
    private static void ApplyPolicy(JsonObject metadata, string? policy)
    {
        if (policy is null) return;
        List<string> finalizers = [.. metadata.Array("finalizers").Texts().Where(f => f is not (ForegroundFinalizer or OrphanFinalizer))];
        if (policy == "Foreground") finalizers.Add(ForegroundFinalizer);
        if (policy == "Orphan") finalizers.Add(OrphanFinalizer);
        if (finalizers.Count == 0) metadata.Remove("finalizers");
        else metadata["finalizers"] = new JsonArray([.. finalizers.Select(f => (JsonNode?)JsonValue.Create(f))]);
    }
}
