using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Operations;
using Musubi.ApiServer.Patching;
using Musubi.ApiServer.Watching;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

/// <summary>One request for a resource, after its path is understood and the client may make it.</summary>
internal sealed record ResourceRequest(HttpContext Http, ServedResource Resource, RequestPath Path, Verbs Verb, Subresource? Subresource)
{
    public string Namespace => Path.Namespace ?? "";

    public string Name => Path.Name ?? "";

    public IQueryCollection Query => Http.Request.Query;
}

/// <summary>Answers requests for resources. Parts: this file writes, <c>.Read</c> gets and lists, <c>.Subresources</c> does what only one kind has.</summary>
internal sealed partial class ResourceHandler(ObjectOperations operations, WatchStreamer watches, TimeProvider time)
{
    public Task HandleAsync(ResourceRequest request)
    {
        if (request.Resource.Custom?.DeprecationWarning is { } warning) Responses.AddWarning(request.Http, warning);
        if (request.Subresource is { Name: not "status" }) return HandleSubresourceAsync(request);
        return request.Verb switch
        {
            Verbs.Get => GetAsync(request),
            Verbs.List => ListAsync(request),
            Verbs.Watch => WatchAsync(request),
            Verbs.Create => CreateAsync(request),
            Verbs.Update => UpdateAsync(request),
            Verbs.Patch => PatchAsync(request),
            Verbs.Delete => DeleteAsync(request),
            Verbs.DeleteCollection => DeleteCollectionAsync(request),
            _ => throw new ApiException(MethodNotAllowed()),
        };
    }

    public static ApiStatus MethodNotAllowed() => ApiStatus.Failure(HttpStatusCode.MethodNotAllowed, "MethodNotAllowed",
        "the server does not allow this method on the requested resource");

    private async Task CreateAsync(ResourceRequest request)
    {
        ObjectOutput output = ObjectOutput.For(request.Http, request.Resource, time);
        WriteOptions options = Query.Write(request.Query, "CreateOptions");
        JsonObject obj = await ReadObjectAsync(request, options).ConfigureAwait(false);
        FillType(request.Resource, obj);
        if (VirtualResources.IsVirtual(request.Resource))
        {
            await Responses.WriteJsonAsync(request.Http, 201, VirtualResources.Answer(request, obj)).ConfigureAwait(false);
            return;
        }
        WriteOutcome outcome = await operations.CreateAsync(request.Resource, request.Namespace, obj, options).ConfigureAwait(false);
        await AnswerAsync(request.Http, output, outcome, options).ConfigureAwait(false);
    }

    private async Task UpdateAsync(ResourceRequest request)
    {
        ObjectOutput output = ObjectOutput.For(request.Http, request.Resource, time);
        WriteOptions options = Query.Write(request.Query, "UpdateOptions");
        JsonObject obj = await ReadObjectAsync(request, options).ConfigureAwait(false);
        FillType(request.Resource, obj);
        string sub = request.Subresource?.Name ?? "";
        WriteOutcome outcome;
        if (sub.Length == 0 && request.Resource.Rules.CreatesOnUpdate && ObjectOperations.Find(request.Resource, request.Namespace, request.Name) is null)
        {
            if (obj.ObjectOrNew("metadata").Text("name") is { Length: > 0 } name && name != request.Name)
                throw new ApiException(ApiStatus.BadRequest($"the name of the object ({name}) does not match the name on the URL ({request.Name})"));
            obj.ObjectOrNew("metadata")["name"] = request.Name;
            outcome = await operations.CreateAsync(request.Resource, request.Namespace, obj, options).ConfigureAwait(false);
        }
        else
        {
            var update = new UpdateRequest(request.Resource, new ObjectKey(request.Namespace, request.Name), sub, _ => (JsonObject)obj.DeepClone(), IsPatch: false);
            outcome = await operations.UpdateAsync(update, options).ConfigureAwait(false);
        }
        await AnswerAsync(request.Http, output, outcome, options).ConfigureAwait(false);
    }

    private async Task PatchAsync(ResourceRequest request)
    {
        ObjectOutput output = ObjectOutput.For(request.Http, request.Resource, time);
        WriteOptions options = Query.Write(request.Query, "PatchOptions");
        byte[] body = await RequestBody.ReadAsync(request.Http).ConfigureAwait(false);
        string mediaType = RequestBody.MediaType(request.Http);
        if (Query.OptionalFlag(request.Query, "force") is not null && mediaType != PatchDocument.ServerSideApply)
            throw new ApiException(ApiStatus.Invalid(Query.Options("PatchOptions"), "", [FieldError.Forbidden("force", "may not be specified for non-apply patch")]));
        PatchDocument patch = PatchDocument.Parse(body, mediaType, request.Resource, options.Duplicates);
        var update = new UpdateRequest(request.Resource, new ObjectKey(request.Namespace, request.Name), request.Subresource?.Name ?? "", patch.Apply, IsPatch: true);
        WriteOutcome outcome = await operations.UpdateAsync(update, options).ConfigureAwait(false);
        await AnswerAsync(request.Http, output, outcome, options).ConfigureAwait(false);
    }

    private async Task DeleteAsync(ResourceRequest request)
    {
        ObjectOutput output = ObjectOutput.For(request.Http, request.Resource, time);
        DeleteOptions options = await DeleteOptionsReader.ReadAsync(request.Http).ConfigureAwait(false);
        WriteOutcome outcome = await operations.DeleteAsync(request.Resource, request.Namespace, request.Name, options).ConfigureAwait(false);
        if (outcome.Gone && !request.Resource.Rules.AnswersDeletedObject)
        {
            ResourceType type = request.Resource.Type;
            await Responses.WriteStatusAsync(request.Http, new ApiStatus
            {
                Status = "Success",
                Details = new StatusDetails
                {
                    Name = request.Name,
                    Group = type.Group.Length == 0 ? null : type.Group,
                    Kind = type.Plural,
                    Uid = JsonTree.ParseObject(outcome.Json).At("metadata", "uid").AsText(),
                },
            }).ConfigureAwait(false);
            return;
        }
        await Responses.WriteJsonAsync(request.Http, 200, output.Single(outcome.Json), output.Accepted).ConfigureAwait(false);
    }

    private async Task DeleteCollectionAsync(ResourceRequest request)
    {
        ObjectOutput output = ObjectOutput.For(request.Http, request.Resource, time);
        DeleteOptions options = await DeleteOptionsReader.ReadAsync(request.Http).ConfigureAwait(false);
        var selection = new Selection(request.Resource, request.Path.Namespace, request.Query);
        long version = operations.Store.Version;
        List<Storage.StoredObject> items = [.. request.Resource.Bucket.Objects.Range(selection.KeyPrefix).Where(selection.Matches)];
        // Many at a time, so that they share the store's transactions.
        await Parallel.ForEachAsync(items, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = request.Http.RequestAborted }, async (item, _) =>
        {
            try
            {
                await operations.DeleteAsync(request.Resource, item.Namespace, item.Name, options).ConfigureAwait(false);
            }
            catch (ApiException e) when (e.IsNotFound)
            {
                // Somebody else was faster.
            }
        }).ConfigureAwait(false);
        await output.WriteListAsync(request.Http, items, version, null, null).ConfigureAwait(false);
    }

    private static async Task<JsonObject> ReadObjectAsync(ResourceRequest request, WriteOptions options)
    {
        byte[] body = await RequestBody.ReadAsync(request.Http).ConfigureAwait(false);
        return RequestBody.ParseObject(body, RequestBody.MediaType(request.Http), allowProtobuf: request.Resource.Custom is null, options.Duplicates);
    }

    /// <summary>Built-in kinds may leave out what the URL says already.</summary>
    private static void FillType(ServedResource resource, JsonObject obj)
    {
        if (resource.Custom is not null) return;
        if (string.IsNullOrEmpty(obj.Text("apiVersion"))) obj["apiVersion"] = resource.Type.ApiVersion;
        if (string.IsNullOrEmpty(obj.Text("kind"))) obj["kind"] = resource.Type.Kind;
    }

    private static Task AnswerAsync(HttpContext context, ObjectOutput output, in WriteOutcome outcome, WriteOptions options)
    {
        foreach (string warning in options.Warnings) Responses.AddWarning(context, warning);
        return Responses.WriteJsonAsync(context, outcome.Created ? 201 : 200, output.Single(outcome.Json), output.Accepted);
    }
}
