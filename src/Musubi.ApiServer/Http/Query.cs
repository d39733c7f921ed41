using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Operations;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

/// <summary>Reading query parameters.</summary>
internal static class Query
{
    /// <summary>Present and neither <c>0</c> nor <c>false</c>.</summary>
    public static bool Flag(IQueryCollection query, string name) =>
        query.TryGetValue(name, out var values) && values.Count > 0 && values[0] is { } text && text is not ("0" or "false" or "False" or "FALSE" or "f" or "F");

    /// <summary>As <see cref="Flag"/>, but null when absent.</summary>
    public static bool? OptionalFlag(IQueryCollection query, string name) => query.ContainsKey(name) ? Flag(query, name) : null;

    public static long? Integer(IQueryCollection query, string name)
    {
        if (query[name].FirstOrDefault() is not { Length: > 0 } text) return null;
        return long.TryParse(text, out long value) ? value : throw new ApiException(ApiStatus.BadRequest($"strconv.ParseInt: parsing \"{text}\": invalid syntax ({name})"));
    }

    public static bool DryRun(IQueryCollection query, string optionsKind)
    {
        foreach (string? value in query["dryRun"])
        {
            if (value != "All") throw new ApiException(ApiStatus.Invalid(Options(optionsKind), "", [FieldError.NotSupported("dryRun", value, "All")]));
            return true;
        }
        return false;
    }

    public static WriteOptions Write(IQueryCollection query, string optionsKind) => new()
    {
        DryRun = DryRun(query, optionsKind),
        Validation = query["fieldValidation"].FirstOrDefault() switch
        {
            null or "" or "Warn" => FieldValidation.Warn,
            "Ignore" => FieldValidation.Ignore,
            "Strict" => FieldValidation.Strict,
            var other => throw new ApiException(ApiStatus.Invalid(Options(optionsKind), "",
                [FieldError.NotSupported("fieldValidation", other, "", "Ignore", "Strict", "Warn")])),
        },
    };

    public static ResourceType Options(string kind) => new("meta.k8s.io", "v1", "", kind);
}

/// <summary>Which objects of a resource are meant.</summary>
internal sealed class Selection
{
    private readonly LabelSelector _labels;
    private readonly FieldSelector _fields;
    private readonly ServedResource _resource;
    private readonly bool _needsTree;

    public Selection(ServedResource resource, string? ns, IQueryCollection query)
    {
        _resource = resource;
        Namespace = ns;
        string labels = query["labelSelector"].FirstOrDefault() ?? "", fields = query["fieldSelector"].FirstOrDefault() ?? "";
        if (!LabelSelector.TryParse(labels, out LabelSelector? parsedLabels, out string? labelError)) throw new ApiException(ApiStatus.BadRequest(labelError));
        if (!FieldSelector.TryParse(fields, out FieldSelector? parsedFields, out string? fieldError)) throw new ApiException(ApiStatus.BadRequest(fieldError));
        (_labels, _fields) = (parsedLabels, parsedFields);
        foreach (FieldRequirement requirement in _fields.Requirements)
        {
            if (requirement.Path is "metadata.name" or "metadata.namespace")
            {
                if (requirement is { Path: "metadata.name", Equal: true }) Name = requirement.Value;
                continue;
            }
            IReadOnlyList<string> known = resource.Custom?.SelectableFields ?? resource.Rules.SelectableFields;
            if (!known.Contains(requirement.Path)) throw new ApiException(ApiStatus.BadRequest(resource.Custom is null && known.Count > 0
                ? $"field label not supported: {requirement.Path}"
                : $"\"{requirement.Path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""));
            _needsTree = true;
        }
    }

    public string? Namespace { get; }

    /// <summary>Set when only one name can match.</summary>
    public string? Name { get; }

    public string KeyPrefix => Namespace is { Length: > 0 } ns ? ns + "/" : "";

    public bool IsEverything => _labels.IsEverything && _fields.IsEverything;

    public bool Matches(Storage.StoredObject obj)
    {
        if (Namespace is not null && obj.Namespace != Namespace) return false;
        foreach (LabelRequirement requirement in _labels.Requirements)
            if (!requirement.Matches(obj.Facts.Label(requirement.Key))) return false;
        if (_fields.IsEverything) return true;
        JsonObject? tree = _needsTree ? _resource.Conversion.Read(obj) : null;
        return _fields.Matches(path => path switch
        {
            "metadata.name" => obj.Name,
            "metadata.namespace" => obj.Namespace,
            _ => _resource.Rules.Field(tree!, path),
        });
    }
}
