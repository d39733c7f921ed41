using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Kinds;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Operations;

/// <summary>The rules of <c>metadata</c>, which are the same for all kinds.</summary>
internal static class ObjectMetadata
{
    private const int MaxAnnotationBytes = 256 << 10;
    private const string NameAlphabet = "bcdfghjklmnpqrstvwxz2456789";
    private static readonly string[] s_setByServer = ["uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"];

    /// <summary>Takes from a new object what only the server may set.</summary>
    public static void WipeForCreate(JsonObject metadata)
    {
        foreach (string key in s_setByServer) metadata.Remove(key);
        metadata.Remove("selfLink");
        metadata.Remove("managedFields");
    }

    /// <summary>Gives an updated object the stored values of what only the server may set.</summary>
    public static void CarryOver(JsonObject metadata, JsonObject old)
    {
        foreach (string key in s_setByServer)
        {
            metadata.Remove(key);
            if (old[key] is { } value) metadata[key] = value.DeepClone();
        }
        metadata.Remove("selfLink");
        metadata.Remove("managedFields");
        if (old["generateName"] is { } prefix) metadata["generateName"] = prefix.DeepClone();
    }

    /// <summary>A name from a prefix.</summary>
    public static string GenerateName(string prefix)
    {
        const int suffix = 5;
        if (prefix.Length > 63 - suffix) prefix = prefix[..(63 - suffix)];
        return prefix + System.Security.Cryptography.RandomNumberGenerator.GetString(NameAlphabet, suffix);
    }

    public static void Validate(JsonObject obj, JsonObject? old, KindRules rules, bool namespaced, ICollection<FieldError> errors)
    {
        JsonObject metadata = obj.ObjectOrNew("metadata");
        string? name = metadata.Text("name");
        if (string.IsNullOrEmpty(name)) errors.Add(FieldError.Required("metadata.name", "name or generateName is required"));
        else if (old is null && rules.NameError(name) is { } wrong) errors.Add(FieldError.Invalid("metadata.name", name, wrong));
        if (namespaced && string.IsNullOrEmpty(metadata.Text("namespace"))) errors.Add(FieldError.Required("metadata.namespace", ""));
        ValidateLabels(metadata.Object("labels"), "metadata.labels", errors);
        ValidateAnnotations(metadata.Object("annotations"), errors);
        ValidateFinalizers(metadata, old?.Object("metadata"), errors);
        ValidateOwners(metadata, errors);
    }

    public static void ValidateLabels(JsonObject? labels, string path, ICollection<FieldError> errors)
    {
        foreach ((string key, string value) in labels.TextMembers())
        {
            if (LabelSyntax.KeyError(key) is { } badKey) errors.Add(FieldError.Invalid(path, key, badKey));
            if (LabelSyntax.ValueError(value) is { } badValue) errors.Add(FieldError.Invalid(path, value, badValue));
        }
    }

    private static void ValidateAnnotations(JsonObject? annotations, ICollection<FieldError> errors)
    {
        long total = 0;
        foreach ((string key, string value) in annotations.TextMembers())
        {
            // Upper case is tolerated in annotation keys only.
            if (LabelSyntax.KeyError(key.ToLowerInvariant()) is { } wrong) errors.Add(FieldError.Invalid("metadata.annotations", key, wrong));
            total += System.Text.Encoding.UTF8.GetByteCount(key) + System.Text.Encoding.UTF8.GetByteCount(value);
        }
        if (total > MaxAnnotationBytes)
            errors.Add(new FieldError("FieldValueTooLong", "metadata.annotations", $"Too long: may not be more than {MaxAnnotationBytes} bytes"));
    }

    private static void ValidateFinalizers(JsonObject metadata, JsonObject? old, ICollection<FieldError> errors)
    {
        HashSet<string> before = [.. old?.Array("finalizers").Texts() ?? []];
        bool deleting = old?["deletionTimestamp"] is not null;
        foreach (string finalizer in metadata.Array("finalizers").Texts())
        {
            if (LabelSyntax.KeyError(finalizer) is { } wrong) errors.Add(FieldError.Invalid("metadata.finalizers", finalizer, wrong));
            else if (!finalizer.AsSpan().ContainsAny('/', '.') && finalizer is not ("orphan" or "foregroundDeletion" or "kubernetes"))
                errors.Add(FieldError.Invalid("metadata.finalizers", finalizer, "name is neither a standard finalizer name nor is it fully qualified"));
            if (deleting && !before.Contains(finalizer))
                errors.Add(FieldError.Forbidden("metadata.finalizers", $"no new finalizers can be added if the object is being deleted, found new finalizers []string{{\"{finalizer}\"}}"));
        }
    }

    private static void ValidateOwners(JsonObject metadata, ICollection<FieldError> errors)
    {
        int index = 0, controllers = 0;
        foreach (JsonObject owner in metadata.Array("ownerReferences").Objects())
        {
            foreach (string key in (ReadOnlySpan<string>)["apiVersion", "kind", "name", "uid"])
                if (string.IsNullOrEmpty(owner.Text(key))) errors.Add(FieldError.Required($"metadata.ownerReferences[{index}].{key}", ""));
            if (owner.Bool("controller") == true) controllers++;
            index++;
        }
        if (controllers > 1)
            errors.Add(FieldError.Invalid("metadata.ownerReferences", metadata["ownerReferences"], "Only one reference can have Controller set to true"));
    }
}
