using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Http;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Patching;

/// <summary>A patch as it came, ready to be applied to whatever the object is by then.</summary>
internal sealed class PatchDocument
{
    public const string Json = "application/json-patch+json";
    public const string Merge = "application/merge-patch+json";
    public const string Strategic = "application/strategic-merge-patch+json";
    public const string ServerSideApply = "application/apply-patch+yaml";

    private readonly ServedResource _resource;
    private readonly Func<JsonObject, JsonNode?> _apply;

    private PatchDocument(ServedResource resource, Func<JsonObject, JsonNode?> apply) => (_resource, _apply) = (resource, apply);

    /// <exception cref="ApiException">415: the type of patch is not for this kind; 400: it is malformed.</exception>
    public static PatchDocument Parse(byte[] body, string mediaType, ServedResource resource, ICollection<string> duplicates)
    {
        JsonNode? Read()
        {
            try
            {
                return JsonTree.Parse(body, duplicates);
            }
            catch (JsonException e)
            {
                throw new ApiException(ApiStatus.BadRequest($"error decoding patch: {e.Message}"));
            }
        }

        JsonObject ReadObject() => Read() as JsonObject ?? throw new ApiException(ApiStatus.BadRequest("error decoding patch: it must be an object"));

        switch (mediaType)
        {
            case Json:
                JsonArray operations = JsonPatch.Parse(Read());
                return new PatchDocument(resource, target => JsonPatch.Apply(target, operations));
            case Merge:
                JsonObject merge = ReadObject();
                return new PatchDocument(resource, target => MergePatch.Apply(target, merge));
            case Strategic when resource.Custom is null:
                JsonObject strategic = ReadObject();
                return new PatchDocument(resource, target => StrategicMergePatch.Apply(target, strategic, resource.Schema.Root));
            default:
                throw RequestBody.Unsupported(resource.Custom is null ? $"{Json}, {Merge}, {Strategic}" : $"{Json}, {Merge}");
        }
    }

    /// <summary>The patched object.</summary>
    /// <exception cref="ApiException">422: the patch does not fit the object.</exception>
    public JsonObject Apply(JsonObject target)
    {
        try
        {
            JsonObject patched = _apply(target) as JsonObject ?? throw new PatchException("the patched object is not an object");
            return JsonTree.IsDeeper(patched, JsonTree.MaxDepth - 8) ? throw new PatchException("the patched object is nested too deeply") : patched;
        }
        catch (PatchException e)
        {
            throw new ApiException(ApiStatus.Failure(HttpStatusCode.UnprocessableEntity, "Invalid",
                $"the server rejected our request due to an error in our request: {e.Message}", new StatusDetails
                {
                    Name = target.At("metadata", "name").AsText(),
                    Kind = _resource.Type.Plural,
                    Group = _resource.Type.Group.Length == 0 ? null : _resource.Type.Group,
                    Causes = [new StatusCause(FieldErrorReason.Invalid, e.Message, "patch")],
                }));
        }
    }
}
