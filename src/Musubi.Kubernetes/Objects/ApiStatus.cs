using System.Net;
using System.Text.Json.Serialization;

namespace Musubi.Kubernetes.Objects;

/// <summary>The API's answer to a request that has no object to return: <c>v1 Status</c>.</summary>
public sealed record ApiStatus
{
    /// <summary>Always <c>Status</c>.</summary>
    public string Kind { get; init; } = "Status";

    /// <summary>Always <c>v1</c>.</summary>
    public string ApiVersion { get; init; } = "v1";

    /// <summary>List metadata; empty in errors.</summary>
    public Dictionary<string, string> Metadata { get; init; } = [];

    /// <summary><c>Success</c> or <c>Failure</c>.</summary>
    public string Status { get; init; } = "Failure";

    /// <summary>Text for a person.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Message { get; init; }

    /// <summary>Machine-readable reason, as <c>NotFound</c> or <c>Invalid</c>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Reason { get; init; }

    /// <summary>What the reason is about.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public StatusDetails? Details { get; init; }

    /// <summary>The HTTP status code.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Code { get; init; }

    /// <summary>404: the object does not exist.</summary>
    public static ApiStatus NotFound(ResourceType type, string name) =>
        Failure(HttpStatusCode.NotFound, "NotFound", $"{type.QualifiedName} \"{name}\" not found", Resource(type, name));

    /// <summary>409: the name is taken.</summary>
    public static ApiStatus AlreadyExists(ResourceType type, string name) =>
        Failure(HttpStatusCode.Conflict, "AlreadyExists", $"{type.QualifiedName} \"{name}\" already exists", Resource(type, name));

    /// <summary>409: the object changed since it was read, or another precondition failed.</summary>
    public static ApiStatus Conflict(ResourceType type, string name, string why) =>
        Failure(HttpStatusCode.Conflict, "Conflict", $"Operation cannot be fulfilled on {type.QualifiedName} \"{name}\": {why}", Resource(type, name));

    /// <summary>403: the request is understood and refused.</summary>
    public static ApiStatus Forbidden(ResourceType type, string name, string why) =>
        Failure(HttpStatusCode.Forbidden, "Forbidden", $"{type.QualifiedName} \"{name}\" is forbidden: {why}", Resource(type, name));

    /// <summary>400: the request cannot be understood.</summary>
    public static ApiStatus BadRequest(string message) => Failure(HttpStatusCode.BadRequest, "BadRequest", message, details: null);

    /// <summary>422: the object breaks rules; every broken rule is listed.</summary>
    public static ApiStatus Invalid(ResourceType type, string name, IReadOnlyList<FieldError> errors)
    {
        string text = errors.Count == 1 ? errors[0].ToString() : $"[{string.Join(", ", errors)}]";
        string kind = type.Group.Length == 0 ? type.Kind : $"{type.Kind}.{type.Group}";
        return Failure(HttpStatusCode.UnprocessableEntity, "Invalid", $"{kind} \"{name}\" is invalid: {text}", new StatusDetails
        {
            Name = name,
            Group = type.Group.Length == 0 ? null : type.Group,
            Kind = type.Kind,
            Causes = [.. errors.Select(e => new StatusCause(e.Reason, e.Message, e.Field))],
        });
    }

    /// <summary>A failure with the given code, reason and text.</summary>
    public static ApiStatus Failure(HttpStatusCode code, string reason, string message, StatusDetails? details = null) =>
        new() { Code = (int)code, Reason = reason, Message = message, Details = details };

    private static StatusDetails Resource(ResourceType type, string name) =>
        new() { Name = name, Group = type.Group.Length == 0 ? null : type.Group, Kind = type.Plural };
}

/// <summary>What a <see cref="ApiStatus"/> is about.</summary>
public sealed record StatusDetails
{
    /// <summary>Object name.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    /// <summary>API group; absent for the core group.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Group { get; init; }

    /// <summary>The resource (plural) for 403, 404 and 409, the kind for 422.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Kind { get; init; }

    /// <summary>Object UID.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Uid { get; init; }

    /// <summary>Every single cause, with its field.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<StatusCause>? Causes { get; init; }

    /// <summary>When to try again, in seconds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? RetryAfterSeconds { get; init; }
}

/// <summary>One cause of a failure.</summary>
/// <param name="Reason">One of <see cref="FieldErrorReason"/>, or another machine-readable word.</param>
/// <param name="Message">Text for a person.</param>
/// <param name="Field">Path of the field, when one is to blame.</param>
public sealed record StatusCause(string? Reason, string? Message, string? Field);

/// <summary>A request was answered with a failure, by a server or by the code that would have served it.</summary>
public sealed class ApiException : Exception
{
    /// <summary>Wraps the answer.</summary>
    public ApiException(ApiStatus status)
        : base(status.Message ?? status.Reason ?? "request failed") => Status = status;

    /// <summary>The answer, with reason, code and causes.</summary>
    public ApiStatus Status { get; }

    /// <summary>The object does not exist.</summary>
    public bool IsNotFound => Status.Code == 404;

    /// <summary>The object changed meanwhile, or the name is taken.</summary>
    public bool IsConflict => Status is { Code: 409, Reason: "Conflict" };

    /// <summary>The name is taken.</summary>
    public bool IsAlreadyExists => Status is { Code: 409, Reason: "AlreadyExists" };

    /// <summary>A watch or list asked for a resource version that is no longer kept.</summary>
    public bool IsExpired => Status.Code == 410;
}
