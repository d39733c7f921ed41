using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Kinds;

/// <summary>CustomResourceDefinitions: defaults, form, and the status that says they are served.</summary>
internal sealed class DefinitionRules : KindRules
{
    public const string CleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

    public override bool HasGeneration => true;

    public override bool UpdateNeedsVersion => true;

    public override void PrepareCreate(JsonObject obj, WriteContext context)
    {
        JsonObject spec = obj.ObjectOrNew("spec");
        SetDefaults(spec);
        JsonObject metadata = obj.ObjectOrNew("metadata");
        JsonArray finalizers = metadata.Array("finalizers") ?? [];
        if (!finalizers.Texts().Contains(CleanupFinalizer)) finalizers.Add(CleanupFinalizer);
        if (metadata["finalizers"] != finalizers) metadata["finalizers"] = finalizers;
        string now = KubeTime.Format(context.Time);
        obj["status"] = new JsonObject
        {
            ["conditions"] = new JsonArray(
                Condition("NamesAccepted", "NoConflicts", "no conflicts found", now), Condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now)),
            ["acceptedNames"] = spec["names"].Copy(),
            ["storedVersions"] = new JsonArray(StorageVersion(spec)),
        };
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        JsonObject spec = obj.ObjectOrNew("spec");
        SetDefaults(spec);
        if (context.Subresource.Length > 0) return;
        JsonObject status = obj.ObjectOrNew("status");
        status["acceptedNames"] = spec["names"].Copy();
        if (StorageVersion(spec) is { } stored && !status.Array("storedVersions").Texts().Contains(stored))
        {
            JsonArray versions = status.Array("storedVersions") ?? [];
            versions.Add(stored);
            if (status["storedVersions"] != versions) status["storedVersions"] = versions;
        }
    }

    public override void Validate(JsonObject obj, JsonObject? old, ICollection<FieldError> errors)
    {
        JsonObject spec = obj.ObjectOrNew("spec"), names = spec.ObjectOrNew("names");
        string group = spec.Text("group") ?? "", plural = names.Text("plural") ?? "", name = obj.At("metadata", "name").AsText() ?? "";
        if (group.Length == 0) errors.Add(FieldError.Required("spec.group", ""));
        else if (NameSyntax.SubdomainError(group) is { } wrong) errors.Add(FieldError.Invalid("spec.group", group, wrong));
        else if (!group.Contains('.')) errors.Add(FieldError.Invalid("spec.group", group, "should be a domain with at least one dot"));
        if (plural.Length == 0) errors.Add(FieldError.Required("spec.names.plural", ""));
        else if (NameSyntax.LabelError(plural) is { } wrongPlural) errors.Add(FieldError.Invalid("spec.names.plural", plural, wrongPlural));
        if (string.IsNullOrEmpty(names.Text("kind"))) errors.Add(FieldError.Required("spec.names.kind", ""));
        if (errors.Count == 0 && name != $"{plural}.{group}") errors.Add(FieldError.Invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group"));
        if (spec.Text("scope") is not ("Namespaced" or "Cluster")) errors.Add(FieldError.NotSupported("spec.scope", spec.Text("scope") ?? "", "Cluster", "Namespaced"));
        ValidateVersions(spec, errors);
        if (old?.Object("spec") is not { } before) return;
        foreach ((string path, JsonNode? now, JsonNode? then) in (ReadOnlySpan<(string, JsonNode?, JsonNode?)>)
            [("spec.group", spec["group"], before["group"]), ("spec.scope", spec["scope"], before["scope"]),
             ("spec.names.plural", names["plural"], before.At("names", "plural")), ("spec.names.kind", names["kind"], before.At("names", "kind"))])
        {
            if (!JsonTree.Equal(now, then)) errors.Add(FieldError.Invalid(path, now, "field is immutable"));
        }
    }

    private static void ValidateVersions(JsonObject spec, ICollection<FieldError> errors)
    {
        if (spec.Array("versions") is null or { Count: 0 }) errors.Add(FieldError.Invalid("spec.versions", spec["versions"], "must have exactly one version marked as storage version"));
        var seen = new HashSet<string>();
        int index = 0, storage = 0;
        foreach (JsonObject version in spec.Array("versions").Objects())
        {
            string path = $"spec.versions[{index++}]", name = version.Text("name") ?? "";
            if (NameSyntax.LabelError(name) is { } wrong) errors.Add(FieldError.Invalid($"{path}.name", name, wrong));
            if (!seen.Add(name)) errors.Add(FieldError.Duplicate($"{path}.name", name));
            if (version.Bool("storage") == true) storage++;
            if (version.Object("schema")?.Object("openAPIV3Schema") is not { } schema) errors.Add(FieldError.Required($"{path}.schema.openAPIV3Schema", "schemas are required"));
            else Schemas.StructuralRules.Validate(schema, $"{path}.schema.openAPIV3Schema", errors);
        }
        if (index > 0 && storage != 1) errors.Add(FieldError.Invalid("spec.versions", spec["versions"], "must have exactly one version marked as storage version"));
        if (spec.Object("conversion")?.Text("strategy") is { } strategy and not "None")
            errors.Add(FieldError.NotSupported("spec.conversion.strategy", strategy, "None"));
    }

    private static void SetDefaults(JsonObject spec)
    {
        JsonObject names = spec.ObjectOrNew("names");
        if (names.Text("kind") is { Length: > 0 } kind)
        {
            if (string.IsNullOrEmpty(names.Text("singular"))) names["singular"] = kind.ToLowerInvariant();
            if (string.IsNullOrEmpty(names.Text("listKind"))) names["listKind"] = kind + "List";
        }
        spec.ObjectOrNew("conversion");
        if (string.IsNullOrEmpty(spec.Object("conversion")!.Text("strategy"))) spec.Object("conversion")!["strategy"] = "None";
    }

    private static string? StorageVersion(JsonObject spec) => spec.Array("versions").Objects().FirstOrDefault(v => v.Bool("storage") == true)?.Text("name");

    private static JsonObject Condition(string type, string reason, string message, string now) => new()
    {
        ["type"] = type,
        ["status"] = "True",
        ["lastTransitionTime"] = now,
        ["reason"] = reason,
        ["message"] = message,
    };
}
