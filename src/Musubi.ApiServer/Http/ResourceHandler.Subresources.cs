using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Operations;
using Musubi.ApiServer.Patching;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

internal sealed partial class ResourceHandler
{
    private Task HandleSubresourceAsync(ResourceRequest request) => (request.Subresource!.Name, request.Verb) switch
    {
        ("scale", Verbs.Get or Verbs.Update or Verbs.Patch) => ScaleAsync(request),
        ("binding", Verbs.Create) => BindAsync(request),
        ("eviction", Verbs.Create) => EvictAsync(request),
        ("finalize", Verbs.Update) => UpdateAsync(request),
        ("ephemeralcontainers" or "resize", Verbs.Get) => GetAsync(request),
        ("ephemeralcontainers" or "resize", Verbs.Update) => UpdateAsync(request),
        ("ephemeralcontainers" or "resize", Verbs.Patch) => PatchAsync(request),
        _ => throw new ApiException(MethodNotAllowed()),
    };

    /// <summary>Places a pod on a node.</summary>
    private async Task BindAsync(ResourceRequest request)
    {
        WriteOptions options = Query.Write(request.Query, "CreateOptions");
        JsonObject binding = await ReadObjectAsync(request, options).ConfigureAwait(false);
        string node = binding.At("target", "name").AsText() ?? "";
        if (node.Length == 0) throw new ApiException(ApiStatus.Invalid(new ResourceType("", "v1", "bindings", "Binding"), request.Name, [FieldError.Required("target.name", "")]));
        StoredObject pod = ObjectOperations.Get(request.Resource, request.Namespace, request.Name);
        if (binding.At("metadata", "uid").AsText() is { Length: > 0 } uid && uid != pod.Facts.Uid)
            throw new ApiException(ApiStatus.Conflict(request.Resource.Type, request.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {pod.Facts.Uid}"));
        while (true)
        {
            JsonObject obj = pod.ToTree();
            JsonObject spec = obj.ObjectOrNew("spec"), status = obj.ObjectOrNew("status");
            if (spec.Text("nodeName") is { Length: > 0 } assigned)
                throw new ApiException(ApiStatus.Conflict(request.Resource.Type, request.Name, $"pod {request.Name} is already assigned to node \"{assigned}\""));
            if (pod.Facts.Deleting)
                throw new ApiException(ApiStatus.Conflict(request.Resource.Type, request.Name, $"pod {request.Name} is being deleted, cannot be assigned to a host"));
            spec["nodeName"] = node;
            foreach ((string key, string value) in (binding.At("metadata", "annotations") as JsonObject).TextMembers())
                obj.ObjectOrNew("metadata").ObjectOrNew("annotations")[key] = value;
            JsonArray conditions = status.Array("conditions") ?? [];
            JsonArray next = new([.. conditions.Objects().Where(c => c.Text("type") != "PodScheduled").Select(c => c.Copy())]);
            next.Add((JsonNode)new JsonObject { ["type"] = "PodScheduled", ["status"] = "True", ["lastProbeTime"] = null, ["lastTransitionTime"] = KubeTime.Format(time.GetUtcNow()) });
            status["conditions"] = next;
            if (options.DryRun || await operations.ReplaceAsync(request.Resource, pod, obj).ConfigureAwait(false)) break;
            pod = ObjectOperations.Get(request.Resource, request.Namespace, request.Name);
        }
        await Responses.WriteStatusAsync(request.Http, new ApiStatus { Status = "Success", Code = 201 }).ConfigureAwait(false);
    }

    /// <summary>Deletes a pod on behalf of whoever empties its node.</summary>
    private async Task EvictAsync(ResourceRequest request)
    {
        WriteOptions options = Query.Write(request.Query, "CreateOptions");
        JsonObject eviction = await ReadObjectAsync(request, options).ConfigureAwait(false);
        JsonObject? delete = eviction.Object("deleteOptions");
        await operations.DeleteAsync(request.Resource, request.Namespace, request.Name, new DeleteOptions
        {
            GracePeriodSeconds = delete?.Integer("gracePeriodSeconds"),
            DryRun = options.DryRun,
            PreconditionUid = delete.At("preconditions", "uid").AsText(),
            PreconditionVersion = delete.At("preconditions", "resourceVersion").AsText(),
        }).ConfigureAwait(false);
        await Responses.WriteStatusAsync(request.Http, new ApiStatus { Status = "Success", Code = 201 }).ConfigureAwait(false);
    }

    /// <summary>The count of a scalable object, seen and set through a kind that is the same for all of them.</summary>
    private async Task ScaleAsync(ResourceRequest request)
    {
        StoredObject stored = ObjectOperations.Get(request.Resource, request.Namespace, request.Name);
        ScalePaths paths = ScalePaths.Of(request.Resource);
        if (request.Verb == Verbs.Get)
        {
            await Responses.WriteJsonAsync(request.Http, 200, paths.Scale(request.Resource.Conversion.Read(stored))).ConfigureAwait(false);
            return;
        }
        WriteOptions options = Query.Write(request.Query, request.Verb == Verbs.Patch ? "PatchOptions" : "UpdateOptions");
        byte[] body = await RequestBody.ReadAsync(request.Http).ConfigureAwait(false);
        Func<JsonObject, JsonObject> wanted;
        if (request.Verb == Verbs.Patch) wanted = PatchDocument.Parse(body, RequestBody.MediaType(request.Http), request.Resource, []).Apply;
        else
        {
            JsonObject scale = RequestBody.ParseObject(body, RequestBody.MediaType(request.Http), allowProtobuf: true, duplicates: null);
            wanted = _ => scale;
        }
        var update = new UpdateRequest(request.Resource, new ObjectKey(request.Namespace, request.Name), "scale", obj =>
        {
            JsonObject scale = wanted(paths.Scale(obj));
            if (scale.At("metadata", "resourceVersion").AsText() is { Length: > 0 } version) obj.ObjectOrNew("metadata")["resourceVersion"] = version;
            JsonValue? replicas = scale.At("spec", "replicas") as JsonValue;
            long count = 0;
            if (replicas is not null && (!replicas.TryInt64(out count) || count < 0))
                throw new ApiException(ApiStatus.Invalid(s_scale, request.Name, [FieldError.Invalid("spec.replicas", replicas, "must be greater than or equal to 0")]));
            obj.PutAt(paths.SpecReplicas, count);
            return obj;
        }, request.Verb == Verbs.Patch);
        WriteOutcome outcome = await operations.UpdateAsync(update, options).ConfigureAwait(false);
        await Responses.WriteJsonAsync(request.Http, 200, paths.Scale(JsonTree.ParseObject(outcome.Json))).ConfigureAwait(false);
    }

    private static readonly ResourceType s_scale = new("autoscaling", "v1", "", "Scale");

    private sealed record ScalePaths(string[] SpecReplicas, string[]? StatusReplicas, string[]? Selector)
    {
        public static ScalePaths Of(ServedResource resource) => resource.Custom is { SpecReplicasPath: { } spec } custom
            ? new ScalePaths(spec, custom.StatusReplicasPath, custom.LabelSelectorPath)
            : new ScalePaths(["spec", "replicas"], ["status", "replicas"], null);

        public JsonObject Scale(JsonObject obj)
        {
            var metadata = new JsonObject();
            foreach (string key in (ReadOnlySpan<string>)["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
                if (obj.At("metadata", key) is { } value) metadata[key] = value.DeepClone();
            var status = new JsonObject { ["replicas"] = (StatusReplicas is null ? null : obj.At(StatusReplicas)).Copy() ?? 0 };
            if (Selector is not null && obj.At(Selector).AsText() is { Length: > 0 } selector) status["selector"] = selector;
            return new JsonObject
            {
                ["kind"] = "Scale",
                ["apiVersion"] = "autoscaling/v1",
                ["metadata"] = metadata,
                ["spec"] = new JsonObject { ["replicas"] = obj.At(SpecReplicas).Copy() ?? 0 },
                ["status"] = status,
            };
        }
    }
}
