using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Admission;

/// <summary>Where findings are collected.</summary>
internal sealed class Findings
{
    public List<FieldError> Errors { get; } = [];

    public List<string> Warnings { get; } = [];

    public AdmissionVerdict Verdict => Errors.Count == 0 && Warnings.Count == 0 ? AdmissionVerdict.Allowed : new AdmissionVerdict(Errors, Warnings);
}

/// <summary>A value of an untyped object with its path. Reading a value of the wrong type is a finding, never an exception.</summary>
internal readonly struct Field(JsonNode? node, string path, Findings findings)
{
    public JsonNode? Node => node;

    public string Path => path;

    public Findings Findings => findings;

    /// <summary>Present and not null.</summary>
    public bool Exists => node is not null;

    /// <summary>A member; absent when this is absent or no object.</summary>
    public Field this[string name] => new((node as JsonObject)?.TryGetPropertyValue(name, out JsonNode? value) == true ? value : null, Join(name), findings);

    /// <summary>Whether this is an object; a finding when it is something else.</summary>
    public bool IsObject()
    {
        if (node is null or JsonObject)
        {
            return node is not null;
        }

        findings.Errors.Add(FieldError.TypeInvalid(path, TypeOf(node), "object"));
        return false;
    }

    /// <summary>The elements of a list; a finding when it is something else.</summary>
    public IReadOnlyList<Field> Items()
    {
        if (node is JsonArray list)
        {
            Field[] items = new Field[list.Count];
            for (int i = 0; i < items.Length; i++)
            {
                items[i] = new Field(list[i], $"{path}[{i}]", findings);
            }

            return items;
        }

        if (node is not null)
        {
            findings.Errors.Add(FieldError.TypeInvalid(path, TypeOf(node), "array"));
        }

        return [];
    }

    /// <summary>The members of an object; a finding when it is something else.</summary>
    public IEnumerable<(string Name, Field Value)> Members()
    {
        if (!IsObject())
        {
            yield break;
        }

        foreach ((string name, JsonNode? value) in node!.AsObject())
        {
            yield return (name, new Field(value, Join(name), findings));
        }
    }

    /// <summary>A text; null when absent, a finding when it is something else.</summary>
    public string? Text()
    {
        if (node is null)
        {
            return null;
        }

        if (node is JsonValue v && v.TryGetValue(out string? text))
        {
            return text;
        }

        findings.Errors.Add(FieldError.TypeInvalid(path, TypeOf(node), "string"));
        return null;
    }

    /// <summary>A text without a finding when it is something else.</summary>
    public string? TextOrNothing() => node is JsonValue v && v.TryGetValue(out string? text) ? text : null;

    /// <summary>True or false; null when absent, a finding when it is something else.</summary>
    public bool? Bool()
    {
        if (node is null)
        {
            return null;
        }

        if (node is JsonValue v && v.TryGetValue(out bool value))
        {
            return value;
        }

        findings.Errors.Add(FieldError.TypeInvalid(path, TypeOf(node), "boolean"));
        return null;
    }

    /// <summary>A whole number; null when absent, a finding when it is something else.</summary>
    public long? Integer()
    {
        if (node is null)
        {
            return null;
        }

        if (node is JsonValue v && node.GetValueKind() == System.Text.Json.JsonValueKind.Number)
        {
            if (v.TryGetValue(out long value))
            {
                return value;
            }

            if (v.TryGetValue(out int small))
            {
                return small;
            }
        }

        findings.Errors.Add(FieldError.TypeInvalid(path, TypeOf(node), "integer"));
        return null;
    }

    /// <summary>An amount that is not negative; null when absent, a finding when it is something else.</summary>
    public Quantity? Amount()
    {
        if (node is null)
        {
            return null;
        }

        if (node is JsonValue && node.GetValueKind() is System.Text.Json.JsonValueKind.String or System.Text.Json.JsonValueKind.Number
            && Quantity.TryParse(node.ToString(), out Quantity value))
        {
            if (value.IsNegative)
            {
                Invalid("must not be negative");
                return null;
            }

            return value;
        }

        Invalid("must be a number with an optional suffix, as 500m, 512Mi or 2Gi");
        return null;
    }

    public void Required(string detail) => findings.Errors.Add(FieldError.Required(path, detail));

    public void Invalid(string detail) => findings.Errors.Add(FieldError.Invalid(path, node, detail));

    public void Invalid(object? value, string detail) => findings.Errors.Add(FieldError.Invalid(path, value, detail));

    public void Duplicate(string detail) =>
        findings.Errors.Add(FieldError.Duplicate(path, node) is var error && detail.Length > 0 ? error with { Message = $"{error.Message}: {detail}" } : error);

    public void Forbidden(string detail) => findings.Errors.Add(FieldError.Forbidden(path, detail));

    public void NotSupported(params IEnumerable<string> supported) => findings.Errors.Add(FieldError.NotSupported(path, node, supported));

    public void NotFound(string detail) => findings.Errors.Add(FieldError.NotFound(path, node) is var error ? error with { Message = $"{error.Message}: {detail}" } : error);

    /// <summary>A finding when the value is there and not one of <paramref name="supported"/>.</summary>
    public void OneOf(params ReadOnlySpan<string> supported)
    {
        if (Text() is { } text && !supported.Contains(text))
        {
            NotSupported(supported.ToArray().Where(s => s.Length > 0));
        }
    }

    private string Join(string name) =>
        path.Length == 0 ? name : name.AsSpan().ContainsAny('.', '/', '[') ? $"{path}[{name}]" : $"{path}.{name}";

    private static string TypeOf(JsonNode node) => node.GetValueKind() switch
    {
        System.Text.Json.JsonValueKind.Object => "object",
        System.Text.Json.JsonValueKind.Array => "array",
        System.Text.Json.JsonValueKind.String => "string",
        System.Text.Json.JsonValueKind.Number => "number",
        System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False => "boolean",
        _ => "null",
    };
}
