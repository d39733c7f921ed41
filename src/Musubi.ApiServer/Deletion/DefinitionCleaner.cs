using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Kinds;
using Musubi.ApiServer.Operations;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Deletion;

/// <summary>Deletes all objects of a kind whose definition is being deleted, then lets the definition go.</summary>
internal sealed class DefinitionCleaner(ObjectOperations operations)
{
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(1);

    public async Task<TimeSpan?> ProcessAsync(string name, CancellationToken cancellation)
    {
        ServedResource definitions = operations.Registry.Current.Find("apiextensions.k8s.io", "v1", "customresourcedefinitions")!;
        if (definitions.Bucket.Objects.Find(name) is not { Facts.Deleting: true } definition || !definition.Facts.Finalizers.Contains(DefinitionRules.CleanupFinalizer)) return null;
        if (operations.Registry.Current.All.FirstOrDefault(r => r.Custom?.DefinitionName == name) is { } resource)
        {
            foreach (StoredObject obj in resource.Bucket.Objects.Range())
            {
                if (obj.Facts.Deleting) continue;
                try
                {
                    await operations.DeleteAsync(resource, obj.Namespace, obj.Name, new DeleteOptions { PropagationPolicy = "Background" }).ConfigureAwait(false);
                }
                catch (ApiException e) when (e.IsNotFound || e.IsConflict)
                {
                    // Seen again below.
                }
                cancellation.ThrowIfCancellationRequested();
            }
            if (resource.Bucket.Objects.Count > 0) return Recheck;
        }
        if (definitions.Bucket.Objects.Find(name) is not { } current) return null;
        JsonObject tree = current.ToTree();
        Finalizers.Remove(tree, DefinitionRules.CleanupFinalizer);
        return await operations.ReplaceAsync(definitions, current, tree).ConfigureAwait(false) ? null : TimeSpan.Zero;
    }
}
