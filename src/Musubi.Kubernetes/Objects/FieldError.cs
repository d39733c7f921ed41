namespace Musubi.Kubernetes.Objects;

/// <summary>What is wrong with one field, in the terms of the API's 422 answers.</summary>
/// <param name="Reason">One of the <c>FieldValue…</c> reasons of <see cref="FieldErrorReason"/>.</param>
/// <param name="Field">Path from the object's root, as <c>spec.template.spec.networks[0].name</c>.</param>
/// <param name="Message">Full text, without the path: what is wrong and what is allowed.</param>
public sealed record FieldError(string Reason, string Field, string Message)
{
    /// <summary>A value is needed and absent.</summary>
    public static FieldError Required(string field, string detail) => new(FieldErrorReason.Required, field, Join("Required value", detail));

    /// <summary>The value is not allowed; <paramref name="value"/> is shown as JSON shows it.</summary>
    public static FieldError Invalid(string field, object? value, string detail) =>
        new(FieldErrorReason.Invalid, field, Join($"Invalid value: {Show(value)}", detail));

    /// <summary>The value is not one of <paramref name="supported"/>.</summary>
    public static FieldError NotSupported(string field, object? value, params IEnumerable<string> supported) =>
        new(FieldErrorReason.NotSupported, field, $"Unsupported value: {Show(value)}: supported values: {string.Join(", ", supported.Select(s => $"\"{s}\""))}");

    /// <summary>The value occurs twice where it must be unique.</summary>
    public static FieldError Duplicate(string field, object? value) => new(FieldErrorReason.Duplicate, field, $"Duplicate value: {Show(value)}");

    /// <summary>The field may not be set here.</summary>
    public static FieldError Forbidden(string field, string detail) => new(FieldErrorReason.Forbidden, field, Join("Forbidden", detail));

    /// <summary>The value names something that does not exist.</summary>
    public static FieldError NotFound(string field, object? value) => new(FieldErrorReason.NotFound, field, $"Not found: {Show(value)}");

    /// <summary>The value has the wrong JSON type.</summary>
    public static FieldError TypeInvalid(string field, string actual, string expected) =>
        new(FieldErrorReason.TypeInvalid, field, $"Invalid value: \"{actual}\": {field} in body must be of type {expected}: \"{actual}\"");

    /// <inheritdoc/>
    public override string ToString() => $"{Field}: {Message}";

    private static string Join(string head, string detail) => detail.Length == 0 ? head : $"{head}: {detail}";

    private static string Show(object? value) => value switch
    {
        null => "null",
        string s => $"\"{s}\"",
        bool b => b ? "true" : "false",
        System.Text.Json.Nodes.JsonNode node => node.ToJsonString(),
        _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "",
    };
}

/// <summary>The reasons that <see cref="FieldError"/> and <see cref="StatusCause"/> use (API machinery's cause types).</summary>
public static class FieldErrorReason
{
    /// <summary>A required value is missing.</summary>
    public const string Required = "FieldValueRequired";

    /// <summary>The value is malformed or out of range.</summary>
    public const string Invalid = "FieldValueInvalid";

    /// <summary>The value is not one of an enumeration.</summary>
    public const string NotSupported = "FieldValueNotSupported";

    /// <summary>The value must be unique and is not.</summary>
    public const string Duplicate = "FieldValueDuplicate";

    /// <summary>The field may not be used here.</summary>
    public const string Forbidden = "FieldValueForbidden";

    /// <summary>The value names nothing that exists.</summary>
    public const string NotFound = "FieldValueNotFound";

    /// <summary>The value has the wrong type.</summary>
    public const string TypeInvalid = "FieldValueTypeInvalid";
}
