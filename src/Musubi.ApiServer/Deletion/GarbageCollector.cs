using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Operations;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Deletion;

/// <summary>What there is to look at: an object that has owners, or an object whose deletion waits for its dependents.</summary>
internal readonly record struct CollectionItem(Bucket Bucket, string Key, bool AsOwner)
{
    public override string ToString() => $"{Bucket.Name} {Key}";
}

/// <summary>
/// Deletes objects whose owners are gone, and carries out foreground and orphaning deletions. Nothing is deleted on a guess: an owner of
/// an unknown kind counts as alive.
/// </summary>
internal sealed class GarbageCollector
{
    private const string Foreground = "foregroundDeletion", Orphan = "orphan";

    private readonly ObjectOperations _operations;
    private readonly WorkLoop<CollectionItem> _loop;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HashSet<(Bucket Bucket, string Key)>> _dependents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (Bucket Bucket, string Key)> _waiting = new(StringComparer.Ordinal);

    public GarbageCollector(ObjectOperations operations, Func<Func<CollectionItem, CancellationToken, Task<TimeSpan?>>, WorkLoop<CollectionItem>> loop)
    {
        _operations = operations;
        _loop = loop(ProcessAsync);
    }

    /// <summary>Learns the graph from what is stored.</summary>
    public void Restore(ObjectStore store)
    {
        foreach (Bucket bucket in store.Buckets)
            foreach (StoredObject obj in bucket.Objects.Range()) Note(bucket, obj, previous: null);
    }

    /// <summary>Called for every committed change.</summary>
    public void OnCommitted(Bucket bucket, Change change)
    {
        if (change.Type != ChangeType.Deleted)
        {
            Note(bucket, change.Object, change.Previous);
            return;
        }
        ObjectFacts facts = change.Object.Facts;
        List<(Bucket, string)> orphans = [];
        List<(Bucket, string)> unblocked = [];
        lock (_gate)
        {
            _waiting.Remove(facts.Uid);
            if (_dependents.Remove(facts.Uid, out var dependents)) orphans.AddRange(dependents);
            foreach (OwnerLink owner in facts.Owners)
            {
                if (_dependents.TryGetValue(owner.Uid, out var siblings) && siblings.Remove((bucket, change.Object.Key)) && siblings.Count == 0) _dependents.Remove(owner.Uid);
                if (_waiting.TryGetValue(owner.Uid, out var waiting)) unblocked.Add(waiting);
            }
            // Whoever still names the owner that is gone stays known as its dependent until it is dealt with.
            if (orphans.Count > 0) _dependents[facts.Uid] = [.. orphans];
        }
        foreach ((Bucket b, string k) in orphans) _loop.Add(new CollectionItem(b, k, AsOwner: false));
        foreach ((Bucket b, string k) in unblocked) _loop.Add(new CollectionItem(b, k, AsOwner: true));
    }

    private void Note(Bucket bucket, StoredObject obj, StoredObject? previous)
    {
        ObjectFacts facts = obj.Facts;
        bool waits = facts.Deleting && facts.Finalizers.Any(f => f is Foreground or Orphan);
        if (facts.Owners.Length == 0 && previous?.Facts.Owners is null or { Length: 0 } && !waits) return;
        List<(Bucket, string)> unblocked = [];
        lock (_gate)
        {
            foreach (OwnerLink owner in previous?.Facts.Owners ?? [])
            {
                if (facts.Owners.Any(o => o.Uid == owner.Uid)) continue;
                if (_dependents.TryGetValue(owner.Uid, out var siblings) && siblings.Remove((bucket, obj.Key)) && siblings.Count == 0) _dependents.Remove(owner.Uid);
                if (_waiting.TryGetValue(owner.Uid, out var waiting)) unblocked.Add(waiting);
            }
            foreach (OwnerLink owner in facts.Owners)
            {
                if (!_dependents.TryGetValue(owner.Uid, out var siblings)) _dependents[owner.Uid] = siblings = [];
                siblings.Add((bucket, obj.Key));
            }
            if (waits) _waiting[facts.Uid] = (bucket, obj.Key);
        }
        foreach ((Bucket b, string k) in unblocked) _loop.Add(new CollectionItem(b, k, AsOwner: true));
        bool ownersChanged = previous is null || !previous.Facts.Owners.SequenceEqual(facts.Owners);
        if (facts.Owners.Length > 0 && ownersChanged) _loop.Add(new CollectionItem(bucket, obj.Key, AsOwner: false));
        if (waits) _loop.Add(new CollectionItem(bucket, obj.Key, AsOwner: true));
    }

    private async Task<TimeSpan?> ProcessAsync(CollectionItem item, CancellationToken cancellation)
    {
        ServedResource? resource = _operations.Registry.Current.ForBucket(item.Bucket);
        StoredObject? obj = item.Bucket.Objects.Find(item.Key);
        if (resource is null || obj is null) return null;
        try
        {
            if (item.AsOwner) await FinishOwnerAsync(resource, obj).ConfigureAwait(false);
            else await JudgeDependentAsync(resource, obj).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // It changed meanwhile; the change brings it back here if there is still something to do.
        }
        return null;
    }

    /// <summary>Decides by its owners whether an object lives on.</summary>
    private async Task JudgeDependentAsync(ServedResource resource, StoredObject obj)
    {
        if (obj.Facts.Owners.Length == 0 || obj.Facts.Deleting) return;
        var gone = new HashSet<string>(StringComparer.Ordinal);
        bool alive = false, waiting = false;
        foreach (OwnerLink owner in obj.Facts.Owners)
        {
            (string group, _) = BuiltInResources.SplitApiVersion(owner.ApiVersion);
            ServedResource? kind = _operations.Registry.Current.FindKind(group, owner.Kind);
            if (kind is null || (kind.Type.Namespaced && !resource.Type.Namespaced))
            {
                alive = true;
                continue;
            }
            StoredObject? found = ObjectOperations.Find(kind, kind.Type.Namespaced ? obj.Namespace : "", owner.Name);
            if (found is null || found.Facts.Uid != owner.Uid) gone.Add(owner.Uid);
            else if (found.Facts.Deleting && found.Facts.Finalizers.Contains(Foreground))
            {
                waiting = true;
                gone.Add(owner.Uid);
            }
            else alive = true;
        }
        if (alive)
        {
            if (gone.Count > 0) await RemoveOwnersAsync(resource, obj, gone).ConfigureAwait(false);
            return;
        }
        string policy = obj.Facts.Finalizers.Contains(Orphan) ? "Orphan"
            : obj.Facts.Finalizers.Contains(Foreground) || (waiting && HasDependents(obj.Facts.Uid)) ? "Foreground" : "Background";
        await _operations.DeleteAsync(resource, obj.Namespace, obj.Name, new DeleteOptions { PropagationPolicy = policy, PreconditionUid = obj.Facts.Uid }).ConfigureAwait(false);
    }

    /// <summary>Takes its dependents away from an object that is being deleted, as its finalizer says, then the finalizer.</summary>
    private async Task FinishOwnerAsync(ServedResource resource, StoredObject owner)
    {
        if (!owner.Facts.Deleting) return;
        List<(Bucket Bucket, StoredObject Object)> dependents = Dependents(owner.Facts.Uid);
        if (owner.Facts.Finalizers.Contains(Orphan))
        {
            foreach ((Bucket bucket, StoredObject dependent) in dependents)
            {
                if (_operations.Registry.Current.ForBucket(bucket) is { } kind) await RemoveOwnersAsync(kind, dependent, [owner.Facts.Uid]).ConfigureAwait(false);
            }
            await RemoveFinalizerAsync(resource, owner, Orphan).ConfigureAwait(false);
            return;
        }
        if (!owner.Facts.Finalizers.Contains(Foreground)) return;
        bool blocked = false;
        foreach ((Bucket bucket, StoredObject dependent) in dependents)
        {
            if (!dependent.Facts.Owners.Any(o => o.Uid == owner.Facts.Uid && o.BlockDeletion)) continue;
            blocked = true;
            if (!dependent.Facts.Deleting) _loop.Add(new CollectionItem(bucket, dependent.Key, AsOwner: false));
        }
        if (!blocked) await RemoveFinalizerAsync(resource, owner, Foreground).ConfigureAwait(false);
    }

    private bool HasDependents(string uid)
    {
        lock (_gate) return _dependents.ContainsKey(uid);
    }

    private List<(Bucket Bucket, StoredObject Object)> Dependents(string uid)
    {
        List<(Bucket Bucket, string Key)> keys;
        lock (_gate) keys = _dependents.TryGetValue(uid, out var known) ? [.. known] : [];
        return [.. keys.Select(k => (k.Bucket, Object: k.Bucket.Objects.Find(k.Key)))
            .Where(d => d.Object is not null && d.Object.Facts.Owners.Any(o => o.Uid == uid)).Select(d => (d.Bucket, d.Object!))];
    }

    private async Task RemoveOwnersAsync(ServedResource resource, StoredObject obj, HashSet<string> uids)
    {
        for (StoredObject? current = obj; current is not null; current = resource.Bucket.Objects.Find(obj.Key))
        {
            JsonObject tree = current.ToTree();
            JsonObject metadata = tree.ObjectOrNew("metadata");
            JsonArray kept = new([.. metadata.Array("ownerReferences").Objects().Where(o => !uids.Contains(o.Text("uid") ?? "")).Select(o => o.Copy())]);
            if (kept.Count == 0) metadata.Remove("ownerReferences");
            else metadata["ownerReferences"] = kept;
            if (await _operations.ReplaceAsync(resource, current, tree).ConfigureAwait(false)) return;
        }
    }

    private async Task RemoveFinalizerAsync(ServedResource resource, StoredObject obj, string finalizer)
    {
        for (StoredObject? current = obj; current is not null; current = resource.Bucket.Objects.Find(obj.Key))
        {
            JsonObject tree = current.ToTree();
            if (Finalizers.Remove(tree, finalizer) && !await _operations.ReplaceAsync(resource, current, tree).ConfigureAwait(false)) continue;
            return;
        }
    }
}

/// <summary>The list of those who must agree before an object goes.</summary>
internal static class Finalizers
{
    /// <returns>False when it was not there.</returns>
    public static bool Remove(JsonObject obj, string finalizer)
    {
        JsonObject metadata = obj.ObjectOrNew("metadata");
        List<string> present = [.. metadata.Array("finalizers").Texts()];
        if (!present.Remove(finalizer)) return false;
        if (present.Count == 0) metadata.Remove("finalizers");
        else metadata["finalizers"] = new JsonArray([.. present.Select(f => (JsonNode?)JsonValue.Create(f))]);
        return true;
    }
}
