using System.Net;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Operations;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

internal sealed partial class ResourceHandler
{
    private async Task GetAsync(ResourceRequest request)
    {
        ObjectOutput output = ObjectOutput.For(request.Http, request.Resource, time);
        await WaitForVersionAsync(ParseVersion(request.Query["resourceVersion"].FirstOrDefault()), request.Http.RequestAborted).ConfigureAwait(false);
        StoredObject obj = ObjectOperations.Get(request.Resource, request.Namespace, request.Name);
        await Responses.WriteJsonAsync(request.Http, 200, output.Single(request.Resource.Conversion.Render(obj)), output.Accepted).ConfigureAwait(false);
    }

    private async Task ListAsync(ResourceRequest request)
    {
        ObjectOutput output = ObjectOutput.For(request.Http, request.Resource, time);
        var query = ListQuery.Parse(request.Query, watch: false);
        var selection = new Selection(request.Resource, request.Path.Namespace, request.Query);
        if (!query.Exact) await WaitForVersionAsync(query.Version ?? 0, request.Http.RequestAborted).ConfigureAwait(false);
        Bucket bucket = request.Resource.Bucket;
        // The store's version first: whatever the bucket holds is then at least that new.
        long version = operations.Store.Version;
        Change content = bucket.Latest;
        version = Math.Max(version, content.Version);
        string start = "";
        if (query.Continue is { } token)
        {
            start = selection.KeyPrefix + token.Start;
            if (token.Version > 0)
            {
                version = token.Version;
                content = bucket.At(version) ?? throw Expired(token, operations.Store.Version);
            }
        }
        else if (query.Exact)
        {
            version = query.Version!.Value;
            content = (version > operations.Store.Version ? null : bucket.At(version)) ?? throw new ApiException(ApiStatus.Failure(HttpStatusCode.Gone, "Expired",
                $"The provided resource version is too old or unknown: {version} (oldest kept: {bucket.ForgottenVersion}, newest: {operations.Store.Version})"));
        }

        long limit = query.Limit is { } n && n > 0 && !(query.Version == 0 && query.Continue is null && request.Query["resourceVersion"].FirstOrDefault() == "0")
            ? n : long.MaxValue;
        var items = new List<StoredObject>();
        string? next = null;
        IEnumerable<StoredObject> candidates = content.After.Range(selection.KeyPrefix, start);
        if (selection is { Name: { } only, Namespace: { } ns })
            candidates = content.After.Find(StoredObject.KeyOf(ns, only)) is { } single && string.CompareOrdinal(single.Key, start) >= 0 ? [single] : [];
        foreach (StoredObject obj in candidates)
        {
            if (!selection.Matches(obj)) continue;
            if (items.Count == limit)
            {
                next = ContinueToken.Write(version, items[^1].Key[selection.KeyPrefix.Length..] + "\0");
                break;
            }
            items.Add(obj);
        }
        long? remaining = null;
        if (next is not null && selection.IsEverything)
        {
            int end = selection.KeyPrefix.Length == 0 ? content.After.Count : content.After.Rank(selection.KeyPrefix[..^1] + (char)('/' + 1));
            remaining = end - content.After.Rank(items[^1].Key + "\0");
        }
        await output.WriteListAsync(request.Http, items, version, next, remaining).ConfigureAwait(false);
    }

    private Task WatchAsync(ResourceRequest request)
    {
        ObjectOutput output = ObjectOutput.For(request.Http, request.Resource, time);
        var query = ListQuery.Parse(request.Query, watch: true);
        var selection = new Selection(request.Resource, request.Path.Namespace, request.Query);
        return watches.StreamAsync(request.Http, request.Resource, selection, query, output);
    }

    /// <summary>Waits until the store is as new as the client has seen it, which can only fail when the client saw another store.</summary>
    private async Task WaitForVersionAsync(long version, CancellationToken cancellation)
    {
        if (version <= operations.Store.Version) return;
        DateTimeOffset limit = time.GetUtcNow().AddSeconds(3);
        while (version > operations.Store.Version)
        {
            if (time.GetUtcNow() > limit)
            {
                throw new ApiException(ApiStatus.Failure(HttpStatusCode.GatewayTimeout, "Timeout", $"Timeout: Too large resource version: {version}, current: {operations.Store.Version}",
                    new StatusDetails { Causes = [new StatusCause("ResourceVersionTooLarge", "Too large resource version", null)], RetryAfterSeconds = 1 }));
            }
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, cancellation).ConfigureAwait(false);
        }
    }

    public static long ParseVersion(string? text)
    {
        if (string.IsNullOrEmpty(text)) return 0;
        return long.TryParse(text, System.Globalization.NumberStyles.None, null, out long version) ? version
            : throw new ApiException(ApiStatus.BadRequest($"Invalid value: \"{text}\": resourceVersion must be a decimal number"));
    }

    private static ApiException Expired(ContinueToken token, long current)
    {
        ApiStatus status = ApiStatus.Failure(HttpStatusCode.Gone, "Expired",
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the "
            + "continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - "
            + "objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.");
        return new ApiException(status with { Metadata = new Dictionary<string, string> { ["continue"] = ContinueToken.Write(-1, token.Start), ["resourceVersion"] = current.ToString() } });
    }
}

/// <summary>Where the next page of a list begins.</summary>
/// <param name="Version">The list's version; not positive: the newest.</param>
/// <param name="Start">First key, without the namespace's prefix.</param>
internal sealed record ContinueToken(long Version, string Start)
{
    public static string Write(long version, string start)
    {
        byte[] json = Json.JsonTree.ToBytes(new JsonObject { ["v"] = "meta.k8s.io/v1", ["rv"] = version, ["start"] = start });
        return System.Buffers.Text.Base64Url.EncodeToString(json);
    }

    public static ContinueToken Parse(string text)
    {
        try
        {
            JsonObject json = Json.JsonTree.ParseObject(System.Buffers.Text.Base64Url.DecodeFromChars(text));
            if (json.Text("v") == "meta.k8s.io/v1" && Json.JsonValues.Integer(json, "rv") is { } version && json.Text("start") is { } start)
                return new ContinueToken(version, start);
        }
        catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
        {
            throw new ApiException(ApiStatus.BadRequest("continue key is not valid: " + e.Message));
        }
        throw new ApiException(ApiStatus.BadRequest("continue key is not valid: unrecognized content"));
    }
}

/// <summary>The parameters of lists and watches, checked against each other.</summary>
internal sealed record ListQuery(long? Version, bool Exact, long? Limit, ContinueToken? Continue, bool? SendInitialEvents, bool Bookmarks, TimeSpan? Timeout)
{
    public static ListQuery Parse(Microsoft.AspNetCore.Http.IQueryCollection query, bool watch)
    {
        string version = query["resourceVersion"].FirstOrDefault() ?? "", match = query["resourceVersionMatch"].FirstOrDefault() ?? "";
        string token = query["continue"].FirstOrDefault() ?? "";
        bool? sendInitialEvents = Query.OptionalFlag(query, "sendInitialEvents");
        var errors = new List<FieldError>();
        if (!watch && sendInitialEvents is not null) errors.Add(FieldError.Forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        if (watch && sendInitialEvents is not null && match != "NotOlderThan")
            errors.Add(FieldError.Forbidden("resourceVersionMatch", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"));
        if (watch && sendInitialEvents is null && match.Length > 0)
            errors.Add(FieldError.Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
        if (!watch && match.Length > 0)
        {
            if (version.Length == 0) errors.Add(FieldError.Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"));
            if (token.Length > 0) errors.Add(FieldError.Forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"));
            if (match is not ("Exact" or "NotOlderThan")) errors.Add(FieldError.NotSupported("resourceVersionMatch", match, "Exact", "NotOlderThan", ""));
            if (match == "Exact" && version == "0")
                errors.Add(FieldError.Forbidden("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""));
        }
        if (errors.Count > 0) throw new ApiException(ApiStatus.Invalid(Query.Options("ListOptions"), "", errors));
        if (token.Length > 0 && version is not ("" or "0")) throw new ApiException(ApiStatus.BadRequest("specifying resource version is not allowed when using continue"));
        long? parsed = version.Length == 0 ? null : ResourceHandler.ParseVersion(version);
        long? limit = Query.Integer(query, "limit");
        bool exact = match == "Exact" || (match.Length == 0 && !watch && parsed > 0 && limit > 0 && token.Length == 0);
        return new ListQuery(parsed, exact, limit, token.Length == 0 ? null : ContinueToken.Parse(token), sendInitialEvents, Query.Flag(query, "allowWatchBookmarks"),
            Query.Integer(query, "timeoutSeconds") is { } seconds and > 0 ? TimeSpan.FromSeconds(Math.Min(seconds, 86400)) : null);
    }
}
