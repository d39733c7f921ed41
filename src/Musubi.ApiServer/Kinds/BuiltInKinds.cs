using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Kinds;

/// <summary>Which rules each built-in kind follows.</summary>
internal static class BuiltInKinds
{
    public static ResourceType Namespace { get; } = new("", "v1", "namespaces", "Namespace", Namespaced: false);

    public static KindRules Rules(ResourceType type, ClusterAddresses addresses) => type.QualifiedName switch
    {
        "namespaces" => new NamespaceRules(),
        "nodes" => new NodeRules(),
        "pods" => new PodRules(),
        "services" => new ServiceRules(addresses),
        "configmaps" => new DataRules("ConfigMap"),
        "secrets" => new DataRules("Secret"),
        "serviceaccounts" => new SimpleRules { AnswersDeleted = true },
        "events" or "events.events.k8s.io" => new EventRules(core: type.Group.Length == 0),
        "leases.coordination.k8s.io" => new SimpleRules { CreateOnUpdate = true, NeedsVersion = true },
        "endpoints" or "limitranges" => new SimpleRules { CreateOnUpdate = true },
        "persistentvolumeclaims" or "persistentvolumes" => new VolumeRules(),
        "resourcequotas" or "podtemplates" or "storageclasses.storage.k8s.io" => new SimpleRules { AnswersDeleted = true },
        "csidrivers.storage.k8s.io" or "csinodes.storage.k8s.io" => new SimpleRules { NeedsVersion = true, AnswersDeleted = true },
        "runtimeclasses.node.k8s.io" => new SimpleRules { CreateOnUpdate = true, NeedsVersion = true },
        "roles.rbac.authorization.k8s.io" or "clusterroles.rbac.authorization.k8s.io" or "rolebindings.rbac.authorization.k8s.io"
            or "clusterrolebindings.rbac.authorization.k8s.io" => new SimpleRules { CreateOnUpdate = true, PathSegmentNames = true },
        "customresourcedefinitions.apiextensions.k8s.io" => new DefinitionRules(),
        "poddisruptionbudgets.policy" => new SimpleRules { NeedsVersion = true, Generation = true },
        "networkpolicies.networking.k8s.io" or "ingresses.networking.k8s.io" or "endpointslices.discovery.k8s.io" or "priorityclasses.scheduling.k8s.io"
            => new SimpleRules { Generation = true },
        _ => KindRules.Plain,
    };
}

/// <summary>Kinds that differ from the plain ones only by switches.</summary>
internal sealed class SimpleRules : KindRules
{
    public bool CreateOnUpdate { get; init; }

    public bool NeedsVersion { get; init; }

    public bool Generation { get; init; }

    public bool AnswersDeleted { get; init; }

    public bool PathSegmentNames { get; init; }

    public override bool CreatesOnUpdate => CreateOnUpdate;

    public override bool UpdateNeedsVersion => NeedsVersion;

    public override bool HasGeneration => Generation;

    public override bool AnswersDeletedObject => AnswersDeleted;

    public override string? NameError(string name) => PathSegmentNames ? NameSyntax.PathSegmentError(name) : NameSyntax.SubdomainError(name);
}

/// <summary>Namespaces stay, once deleted, until their content is gone: the finalizer in <c>spec</c> says so.</summary>
internal sealed class NamespaceRules : KindRules
{
    private static readonly string[] s_permanent = ["default", "kube-system", "kube-public"];

    public override bool AnswersDeletedObject => true;

    public override IReadOnlyList<string> SelectableFields { get; } = ["status.phase"];

    public override string? NameError(string name) => NameSyntax.LabelError(name);

    public override void PrepareCreate(JsonObject obj, WriteContext context)
    {
        obj["spec"] = new JsonObject { ["finalizers"] = new JsonArray("kubernetes") };
        obj["status"] = new JsonObject { ["phase"] = "Active" };
        LabelWithName(obj);
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        if (context.Subresource != "finalize" && old["spec"] is { } spec) obj["spec"] = spec.DeepClone();
        if (obj.Object("spec")?.Array("finalizers") is { Count: 0 }) obj.Object("spec")!.Remove("finalizers");
        LabelWithName(obj);
    }

    public override bool IsHeld(JsonObject obj) => obj.Object("spec")?.Array("finalizers") is { Count: > 0 };

    public override void DeletionBegins(JsonObject obj) => obj.ObjectOrNew("status")["phase"] = "Terminating";

    public override string? DeletionForbidden(StoredObject obj) => s_permanent.Contains(obj.Name) ? "this namespace may not be deleted" : null;

    private static void LabelWithName(JsonObject obj)
    {
        JsonObject metadata = obj.ObjectOrNew("metadata");
        if (metadata.Text("name") is { Length: > 0 } name) metadata.ObjectOrNew("labels")["kubernetes.io/metadata.name"] = name;
    }
}

/// <summary>Nodes.</summary>
internal sealed class NodeRules : KindRules
{
    public override IReadOnlyList<string> SelectableFields { get; } = ["spec.unschedulable"];

    public override void PrepareCreate(JsonObject obj, WriteContext context) => obj.ObjectOrNew("spec");

    public override string? Field(JsonObject obj, string path) => base.Field(obj, path) ?? "false";
}

/// <summary>ConfigMaps and Secrets: keys, sizes, and content that may be frozen.</summary>
internal sealed class DataRules(string kind) : KindRules
{
    private const int MaxBytes = 1 << 20;

    public override IReadOnlyList<string> SelectableFields { get; } = kind == "Secret" ? ["type"] : [];

    public override void PrepareCreate(JsonObject obj, WriteContext context) => Fold(obj);

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteContext context) => Fold(obj);

    public override void Validate(JsonObject obj, JsonObject? old, ICollection<FieldError> errors)
    {
        long total = 0;
        var keys = new HashSet<string>();
        foreach (string map in (ReadOnlySpan<string>)["data", "binaryData"])
        {
            foreach ((string key, string value) in obj.Object(map).TextMembers())
            {
                total += System.Text.Encoding.UTF8.GetByteCount(value);
                if (key.Length is 0 or > 253 || key is "." or ".." || !key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
                {
                    errors.Add(FieldError.Invalid($"{map}[{key}]", key,
                        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"));
                }
                if (!keys.Add(key)) errors.Add(FieldError.Invalid($"{map}[{key}]", key, "duplicate of key present in data"));
            }
        }
        if (total > (kind == "Secret" ? MaxBytes * 4 / 3 + 4 : MaxBytes)) errors.Add(new FieldError("FieldValueTooLong", kind == "Secret" ? "data" : "", $"Too long: may not be more than {MaxBytes} bytes"));
        if (kind == "Secret") ValidateType(obj, old, errors);
        if (old?.Bool("immutable") != true) return;
        if (obj.Bool("immutable") != true) errors.Add(FieldError.Forbidden("immutable", "field is immutable when `immutable` is set"));
        foreach (string map in (ReadOnlySpan<string>)["data", "binaryData"])
            if (!JsonTree.Equal(obj[map], old[map])) errors.Add(FieldError.Forbidden(map, "field is immutable when `immutable` is set"));
    }

    private static void ValidateType(JsonObject obj, JsonObject? old, ICollection<FieldError> errors)
    {
        if (old is not null && old.Text("type") != obj.Text("type")) errors.Add(FieldError.Invalid("type", obj.Text("type"), "field is immutable"));
        string[] needed = obj.Text("type") switch
        {
            "kubernetes.io/tls" => ["tls.crt", "tls.key"],
            "kubernetes.io/dockerconfigjson" => [".dockerconfigjson"],
            "kubernetes.io/ssh-auth" => ["ssh-privatekey"],
            _ => [],
        };
        foreach (string key in needed)
            if (obj.Object("data")?.ContainsKey(key) != true) errors.Add(FieldError.Required($"data[{key}]", ""));
    }

    private void Fold(JsonObject obj)
    {
        if (kind != "Secret") return;
        foreach ((string key, string value) in obj.Object("stringData").TextMembers())
            obj.ObjectOrNew("data")[key] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(value));
        obj.Remove("stringData");
        if (string.IsNullOrEmpty(obj.Text("type"))) obj["type"] = "Opaque";
    }
}

/// <summary>Events belong to the namespace of what they are about.</summary>
internal sealed class EventRules(bool core) : KindRules
{
    public override bool CreatesOnUpdate => true;

    public override IReadOnlyList<string> SelectableFields { get; } = core
        ? ["involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
            "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"]
        : ["reason", "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "type"];

    public override string? Field(JsonObject obj, string path) => path == "source"
        ? obj.At(core ? "source" : "deprecatedSource", "component").AsText() ?? obj.Text(core ? "reportingComponent" : "reportingController") : base.Field(obj, path);

    public override void Validate(JsonObject obj, JsonObject? old, ICollection<FieldError> errors)
    {
        string subject = core ? "involvedObject" : "regarding";
        string about = obj.At(subject, "namespace").AsText() ?? "", ns = obj.At("metadata", "namespace").AsText() ?? "";
        if (about.Length == 0 ? ns != "default" : about != ns)
            errors.Add(FieldError.Invalid($"{subject}.namespace", about, "does not match event.namespace"));
        if (core || old is not null) return;
        foreach (string field in (ReadOnlySpan<string>)["eventTime", "reportingController", "reportingInstance", "action", "reason"])
            if (string.IsNullOrEmpty(obj.Text(field))) errors.Add(FieldError.Required(field, ""));
    }
}

/// <summary>Claims and volumes.</summary>
internal sealed class VolumeRules : KindRules
{
    public override bool AnswersDeletedObject => true;

    public override void PrepareCreate(JsonObject obj, WriteContext context)
    {
        JsonObject spec = obj.ObjectOrNew("spec");
        if (string.IsNullOrEmpty(spec.Text("volumeMode"))) spec["volumeMode"] = "Filesystem";
        obj["status"] = new JsonObject { ["phase"] = "Pending" };
    }
}
