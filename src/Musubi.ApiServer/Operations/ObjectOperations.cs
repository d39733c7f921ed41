using System.Net;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Admission;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Kinds;
using Musubi.ApiServer.Schemas;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Operations;

/// <summary>
/// Creating, changing and deleting objects: what every write goes through, whether a client asked for it or the server itself. Parts:
/// this file creates, <c>.Update</c> changes, <c>.Delete</c> removes.
/// </summary>
internal sealed partial class ObjectOperations(ObjectStore store, ResourceRegistry registry, AdmissionChain admission, TimeProvider time)
{
    private const int MaxAttempts = 16;
    private const int MaxObjectBytes = 3 << 20;
    private readonly Bucket _namespaces = store.Bucket("/namespaces");

    public ObjectStore Store => store;

    public ResourceRegistry Registry => registry;

    private DateTimeOffset Now => DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());

    /// <summary>The stored object; null when absent.</summary>
    public static StoredObject? Find(ServedResource resource, string ns, string name) => resource.Bucket.Objects.Find(StoredObject.KeyOf(ns, name));

    public static StoredObject Get(ServedResource resource, string ns, string name) =>
        Find(resource, ns, name) ?? throw new ApiException(ApiStatus.NotFound(resource.Type, name));

    public async Task<WriteOutcome> CreateAsync(ServedResource resource, string ns, JsonObject obj, WriteOptions options)
    {
        if (resource.Custom?.Terminating == true) throw new ApiException(ApiStatus.Failure(HttpStatusCode.MethodNotAllowed, "MethodNotAllowed",
            "create not allowed while custom resource definition is terminating"));
        CheckType(resource, obj);
        JsonObject metadata = obj.ObjectOrNew("metadata");
        PlaceInNamespace(resource, metadata, ns);
        if (!string.IsNullOrEmpty(metadata.Text("resourceVersion")))
            throw new ApiException(ApiStatus.BadRequest("resourceVersion should not be set on objects to be created"));
        Decode(resource, obj, options);
        metadata = obj.ObjectOrNew("metadata");
        ObjectMetadata.WipeForCreate(metadata);
        CheckNamespace(resource, ns, metadata.Text("name") ?? "");

        var context = new WriteContext(Now, "", options.DryRun);
        if (resource.HasStatus) obj.Remove("status");
        resource.Rules.PrepareCreate(obj, context);
        admission.Default(resource, obj, old: null);
        metadata = obj.ObjectOrNew("metadata");
        bool generate = string.IsNullOrEmpty(metadata.Text("name")) && !string.IsNullOrEmpty(metadata.Text("generateName"));
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = KubeTime.Format(context.Time);
        if (resource.Rules.HasGeneration) metadata["generation"] = 1L;

        if (generate) metadata["name"] = ObjectMetadata.GenerateName(metadata.Text("generateName")!);
        Validate(resource, obj, old: null, options, runAdmission: true);
        if (options.DryRun) return DryCreate(resource, ns, obj);
        Action? giveBack = Reserve(resource, obj, old: null);
        try
        {
            for (int attempt = 0; attempt < 8; attempt++)
            {
                string name = metadata.Text("name")!;
                WriteResult result = await store.PutAsync(resource.Bucket, StoredObject.KeyOf(ns, name), 0, ToDraft(resource, obj), Guard(resource, ns)).ConfigureAwait(false);
                if (!result.Refused)
                {
                    giveBack = null;
                    return new WriteOutcome(resource.Conversion.Render(result.Object!), Created: true);
                }
                CheckNamespace(resource, ns, name);
                if (!generate) throw new ApiException(AlreadyExists(resource, name, Find(resource, ns, name)));
                metadata["name"] = ObjectMetadata.GenerateName(metadata.Text("generateName")!);
            }
            ApiStatus status = ApiStatus.AlreadyExists(resource.Type, metadata.Text("name")!);
            throw new ApiException(status with { Details = status.Details! with { RetryAfterSeconds = 1 } });
        }
        finally
        {
            giveBack?.Invoke();
        }
    }

    private static WriteOutcome DryCreate(ServedResource resource, string ns, JsonObject obj)
    {
        string name = obj.At("metadata", "name").AsText()!;
        if (Find(resource, ns, name) is { } existing) throw new ApiException(AlreadyExists(resource, name, existing));
        return new WriteOutcome(JsonTree.ToBytes(obj), Created: true);
    }

    private static Action? Reserve(ServedResource resource, JsonObject obj, JsonObject? old)
    {
        var errors = new List<FieldError>();
        Action? giveBack = resource.Rules.Reserve(obj, old, errors);
        if (errors.Count == 0) return giveBack;
        giveBack?.Invoke();
        throw new ApiException(ApiStatus.Invalid(resource.Type, obj.At("metadata", "name").AsText() ?? "", errors));
    }

    private static ApiStatus AlreadyExists(ServedResource resource, string name, StoredObject? existing)
    {
        ApiStatus status = ApiStatus.AlreadyExists(resource.Type, name);
        return existing?.Facts.Deleting == true ? status with { Message = "object is being deleted: " + status.Message } : status;
    }

    /// <summary>A namespace must be there, and stay, for something to be created in it. The store asks again at the moment of writing.</summary>
    private Func<bool>? Guard(ServedResource resource, string ns) =>
        resource.Type.Namespaced ? () => _namespaces.Objects.Find(ns) is { Facts.Deleting: false } : null;

    private void CheckNamespace(ServedResource resource, string ns, string name)
    {
        if (!resource.Type.Namespaced) return;
        StoredObject? found = _namespaces.Objects.Find(ns);
        if (found is null) throw new ApiException(ApiStatus.NotFound(BuiltInKinds.Namespace, ns));
        if (!found.Facts.Deleting) return;
        string why = $"unable to create new content in namespace {ns} because it is being terminated";
        ApiStatus status = ApiStatus.Forbidden(resource.Type, name, why);
        throw new ApiException(status with
        {
            Details = status.Details! with { Causes = [new StatusCause("NamespaceTerminating", $"namespace {ns} is being terminated", "metadata.namespace")] },
        });
    }

    private static void CheckType(ServedResource resource, JsonObject obj)
    {
        string apiVersion = obj.Text("apiVersion") ?? "", kind = obj.Text("kind") ?? "";
        if (kind.Length == 0) throw new ApiException(ApiStatus.BadRequest("Object 'Kind' is missing in the body of the request"));
        if (apiVersion != resource.Type.ApiVersion) throw new ApiException(ApiStatus.BadRequest(
            $"the API version in the data ({apiVersion}) does not match the expected API version ({resource.Type.ApiVersion})"));
        if (kind == resource.Type.Kind) return;
        throw new ApiException(resource.Custom is null
            ? ApiStatus.BadRequest($"{kind} in version \"{resource.Type.Version}\" cannot be handled as a {resource.Type.Kind}")
            : ApiStatus.Invalid(resource.Type, obj.At("metadata", "name").AsText() ?? "", [FieldError.Invalid("kind", kind, $"must be {resource.Type.Kind}")]));
    }

    private static void PlaceInNamespace(ServedResource resource, JsonObject metadata, string ns)
    {
        string written = metadata.Text("namespace") ?? "";
        if (!resource.Type.Namespaced) metadata.Remove("namespace");
        else if (written.Length == 0) metadata["namespace"] = ns;
        if (written.Length > 0 && written != ns) throw new ApiException(ApiStatus.BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"));
    }

    /// <summary>Schema decoding, with the client's choice about what the schema does not know.</summary>
    private static void Decode(ServedResource resource, JsonObject obj, WriteOptions options, HttpStatusCode strictCode = HttpStatusCode.BadRequest)
    {
        var report = new DecodeReport();
        resource.Schema.Decode(obj, report);
        if (options.Validation == FieldValidation.Ignore) return;
        List<string> problems = [.. report.Unknown.Select(f => $"unknown field \"{f}\""), .. options.Duplicates.Select(f => $"duplicate field \"{f}\"")];
        if (problems.Count == 0) return;
        if (options.Validation == FieldValidation.Warn)
        {
            options.Warnings.AddRange(problems);
            return;
        }
        string kind = resource.Type.Kind;
        string message = $"{kind} in version \"{resource.Type.Version}\" cannot be handled as a {kind}: strict decoding error: {string.Join(", ", problems)}";
        throw new ApiException(strictCode == HttpStatusCode.BadRequest ? ApiStatus.BadRequest(message)
            : ApiStatus.Invalid(resource.Type, obj.At("metadata", "name").AsText() ?? "",
                [new FieldError(FieldErrorReason.Invalid, "patch", $"Invalid value: strict decoding error: {string.Join(", ", problems)}")]));
    }

    private void Validate(ServedResource resource, JsonObject obj, JsonObject? old, WriteOptions options, bool runAdmission)
    {
        var errors = new List<FieldError>();
        ObjectMetadata.Validate(obj, old, resource.Rules, resource.Type.Namespaced, errors);
        errors.AddRange(resource.Schema.Validate(obj, old));
        // Rules of a kind may rely on the types that the schema demands.
        if (errors.Count == 0) resource.Rules.Validate(obj, old, errors);
        if (errors.Count == 0 && runAdmission) admission.Validate(resource, obj, old, errors, options.Warnings);
        if (errors.Count > 0)
            throw new ApiException(ApiStatus.Invalid(resource.Type, obj.At("metadata", "name").AsText() ?? "", errors));
    }

    private static ObjectDraft ToDraft(ServedResource resource, JsonObject obj)
    {
        JsonObject stored = obj;
        if (resource.Conversion != SameVersion.Instance)
        {
            stored = (JsonObject)obj.DeepClone();
            resource.Conversion.ToStored(stored);
        }
        ObjectDraft draft = ObjectDraft.From(stored);
        if (draft.Json.Length <= MaxObjectBytes) return draft;
        throw new ApiException(ApiStatus.Failure(HttpStatusCode.RequestEntityTooLarge, "RequestEntityTooLarge",
            $"Request entity too large: the object would have {draft.Json.Length} bytes, limit is {MaxObjectBytes}"));
    }
}
