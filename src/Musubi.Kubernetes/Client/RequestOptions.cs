using System.Text;
using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>What a write asks for beside the object.</summary>
public sealed record WriteOptions
{
    /// <summary>Who manages the fields written; by default the first word of the user agent.</summary>
    public string? FieldManager { get; init; }

    /// <summary>Check everything, store nothing.</summary>
    public bool DryRun { get; init; }

    /// <summary>What to do with unknown fields: <c>Strict</c>, <c>Warn</c> or <c>Ignore</c>.</summary>
    public string? FieldValidation { get; init; }

    /// <summary>Server-side apply only: take over fields that others manage.</summary>
    public bool Force { get; init; }

    internal void AddTo(QueryText query)
    {
        query.Add("fieldManager", FieldManager);
        query.Add("fieldValidation", FieldValidation);
        query.Add("dryRun", DryRun ? "All" : null);
        query.Add("force", Force ? "true" : null);
    }
}

/// <summary>How an object is to be deleted.</summary>
public sealed record DeleteOptions
{
    /// <summary>Seconds a graceful deletion may take; null leaves it to the object.</summary>
    public long? GracePeriodSeconds { get; init; }

    /// <summary><c>Background</c>, <c>Foreground</c> or <c>Orphan</c>.</summary>
    public string? PropagationPolicy { get; init; }

    /// <summary>Delete only the object with this UID, not a successor of the same name.</summary>
    public string? Uid { get; init; }

    /// <summary>Delete only if nobody changed it since.</summary>
    public string? ResourceVersion { get; init; }

    internal JsonObject ToJson()
    {
        JsonObject json = new() { ["kind"] = "DeleteOptions", ["apiVersion"] = "v1" };
        if (GracePeriodSeconds is { } grace)
        {
            json["gracePeriodSeconds"] = grace;
        }

        if (PropagationPolicy is { } policy)
        {
            json["propagationPolicy"] = policy;
        }

        if (Uid is not null || ResourceVersion is not null)
        {
            JsonObject preconditions = json.ObjectOrNew("preconditions");
            if (Uid is { } uid)
            {
                preconditions["uid"] = uid;
            }

            if (ResourceVersion is { } version)
            {
                preconditions["resourceVersion"] = version;
            }
        }

        return json;
    }
}

/// <summary>Which objects a list or watch is about.</summary>
public sealed record Selection
{
    /// <summary>Namespace; null means all.</summary>
    public string? Namespace { get; init; }

    /// <summary>Label selector.</summary>
    public string? Labels { get; init; }

    /// <summary>Field selector.</summary>
    public string? Fields { get; init; }

    /// <summary>Everything.</summary>
    public static Selection All { get; } = new();

    internal void AddTo(QueryText query)
    {
        query.Add("labelSelector", Labels);
        query.Add("fieldSelector", Fields);
    }
}

/// <summary>Where a watch begins and how long it lasts.</summary>
public sealed record WatchOptions
{
    /// <summary>Begin after this version; null begins with the present objects.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Ask for the present objects first, then a marked bookmark, then changes.</summary>
    public bool SendInitialEvents { get; init; }

    /// <summary>The server ends the watch cleanly after this time.</summary>
    /// <value>The default is 5 minutes.</value>
    public TimeSpan Duration { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>A change to send, in one of the API's patch languages.</summary>
public readonly record struct Patch(RequestBody Body)
{
    /// <summary>RFC 7386: members given replace, null removes, lists are replaced whole.</summary>
    public static Patch Merge(JsonObject patch) => new(RequestBody.Json(patch, "application/merge-patch+json"));

    /// <summary>RFC 6902: a list of operations.</summary>
    public static Patch Json(JsonArray operations) => new(RequestBody.Json(operations, "application/json-patch+json"));

    /// <summary>Lists of built-in kinds are merged by key. Custom resources do not take it.</summary>
    public static Patch Strategic(JsonObject patch) => new(RequestBody.Json(patch, "application/strategic-merge-patch+json"));

    /// <summary>Server-side apply: the whole wanted state of the fields we manage.</summary>
    public static Patch Apply(JsonObject wanted) => new(RequestBody.Json(wanted, "application/apply-patch+yaml"));
}

/// <summary>Builds a query string.</summary>
internal sealed class QueryText(string path)
{
    private readonly StringBuilder _text = new(path);
    private bool _any = path.Contains('?', StringComparison.Ordinal);

    public void Add(string name, string? value)
    {
        if (value is null)
        {
            return;
        }

        _text.Append(_any ? '&' : '?').Append(name).Append('=').Append(Uri.EscapeDataString(value));
        _any = true;
    }

    public override string ToString() => _text.ToString();
}
