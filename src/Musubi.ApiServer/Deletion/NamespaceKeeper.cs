using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Operations;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Deletion;

/// <summary>Gives every namespace what pods expect to find in it, and empties those that are being deleted.</summary>
internal sealed class NamespaceKeeper(ObjectOperations operations, string authorityPem, TimeProvider time)
{
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(1);

    public async Task<TimeSpan?> ProcessAsync(string name, CancellationToken cancellation)
    {
        ServedResource namespaces = operations.Registry.Current.Find("", "v1", "namespaces")!;
        if (namespaces.Bucket.Objects.Find(name) is not { } ns) return null;
        if (!ns.Facts.Deleting)
        {
            await FurnishAsync(name).ConfigureAwait(false);
            return null;
        }
        List<(ServedResource Resource, StoredObject Object)> content = Content(name);
        foreach ((ServedResource resource, StoredObject obj) in content)
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
        content = Content(name);
        if (namespaces.Bucket.Objects.Find(name) is not { } current) return null;
        JsonObject tree = current.ToTree();
        if (content.Count > 0)
        {
            if (Report(tree, content)) await operations.ReplaceAsync(namespaces, current, tree).ConfigureAwait(false);
            return Recheck;
        }
        tree.ObjectOrNew("spec").Remove("finalizers");
        return await operations.ReplaceAsync(namespaces, current, tree).ConfigureAwait(false) ? null : TimeSpan.Zero;
    }

    private List<(ServedResource, StoredObject)> Content(string ns)
    {
        var content = new List<(ServedResource, StoredObject)>();
        var seen = new HashSet<Bucket>();
        foreach (ServedResource resource in operations.Registry.Current.All)
        {
            if (!resource.Type.Namespaced || !seen.Add(resource.Bucket)) continue;
            content.AddRange(resource.Bucket.Objects.Range(ns + "/").Select(o => (resource, o)));
        }
        return content;
    }

    /// <summary>Says in the namespace's status what holds its deletion up.</summary>
    private bool Report(JsonObject ns, List<(ServedResource Resource, StoredObject Object)> content)
    {
        string remaining = string.Join(", ", content.GroupBy(c => c.Resource.Type.QualifiedName).Select(g => $"{g.Key} has {g.Count()} resource instances"));
        string finalizers = string.Join(", ", content.SelectMany(c => c.Object.Facts.Finalizers).GroupBy(f => f).Select(g => $"{g.Key} in {g.Count()} resource instances"));
        JsonArray conditions = new(
            Condition("NamespaceContentRemaining", "True", "SomeResourcesRemain", "Some resources are remaining: " + remaining),
            finalizers.Length > 0
                ? Condition("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: " + finalizers)
                : Condition("NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished"));
        JsonObject status = ns.ObjectOrNew("status");
        bool same = status.Array("conditions") is { } before && before.Objects().Select(c => c.Text("message")).SequenceEqual(conditions.Objects().Select(c => c.Text("message")));
        if (same) return false;
        status["conditions"] = conditions;
        return true;
    }

    private JsonObject Condition(string type, string status, string reason, string message) => new()
    {
        ["type"] = type,
        ["status"] = status,
        ["lastTransitionTime"] = KubeTime.Format(time.GetUtcNow()),
        ["reason"] = reason,
        ["message"] = message,
    };

    private async Task FurnishAsync(string ns)
    {
        await EnsureAsync("serviceaccounts", ns, new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ServiceAccount",
            ["metadata"] = new JsonObject { ["name"] = "default" },
        }).ConfigureAwait(false);
        await EnsureAsync("configmaps", ns, new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject { ["name"] = "kube-root-ca.crt" },
            ["data"] = new JsonObject { ["ca.crt"] = authorityPem },
        }).ConfigureAwait(false);
    }

    public async Task EnsureAsync(string plural, string ns, JsonObject obj)
    {
        ServedResource resource = operations.Registry.Current.Find("", "v1", plural)!;
        if (ObjectOperations.Find(resource, ns, obj.At("metadata", "name").AsText()!) is not null) return;
        try
        {
            await operations.CreateAsync(resource, ns, obj, WriteOptions.Internal).ConfigureAwait(false);
        }
        catch (ApiException e) when (e.IsAlreadyExists || e.IsNotFound || e.Status.Code == 403)
        {
            // Made by somebody else, or the namespace is already on its way out.
        }
    }
}
