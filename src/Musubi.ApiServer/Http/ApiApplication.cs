using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Musubi.ApiServer.Access;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Schemas;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

/// <summary>Every request comes here: who asks, what for, may they, and who answers.</summary>
internal sealed partial class ApiApplication(ResourceRegistry registry, ResourceHandler resources, Authenticator authenticator, OpenApiDocuments openApi, ILogger logger)
{
    private readonly CachedDocument _coreDiscovery = new(c => DiscoveryDocuments.Aggregated(c, core: true));
    private readonly CachedDocument _groupDiscovery = new(c => DiscoveryDocuments.Aggregated(c, core: false));

    /// <summary>Set once the server serves; until then, and while it stops, it is not ready.</summary>
    public bool Ready { get; set; }

    public async Task HandleAsync(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        string asked = context.Request.Headers["Audit-Id"].ToString();
        headers["Audit-Id"] = asked.Length is > 0 and <= 64 && asked.All(c => c is > ' ' and <= '~') ? asked : Guid.NewGuid().ToString();
        headers.CacheControl = "no-cache, private";
        try
        {
            await RouteAsync(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; there is nobody to answer.
        }
        catch (Exception e)
        {
            if (context.Response.HasStarted)
            {
                LogFailedMidway(logger, e, context.Request.Method, context.Request.Path.Value ?? "");
                context.Abort();
                return;
            }
            await Responses.WriteStatusAsync(context, StatusOf(e, context)).ConfigureAwait(false);
        }
    }

    private ApiStatus StatusOf(Exception e, HttpContext context)
    {
        switch (e)
        {
            case ApiException api: return api.Status;
            case BadHttpRequestException { StatusCode: 413 }:
                return ApiStatus.Failure(HttpStatusCode.RequestEntityTooLarge, "RequestEntityTooLarge",
                $"Request entity too large: limit is {RequestBody.MaxBytes}");
            case BadHttpRequestException bad: return ApiStatus.BadRequest(bad.Message) with { Code = bad.StatusCode };
            case StorageException storage:
                return ApiStatus.Failure(HttpStatusCode.ServiceUnavailable, "ServiceUnavailable", $"the store cannot be written: {storage.Message}",
                new StatusDetails { RetryAfterSeconds = 5 });
            case IOException io: return ApiStatus.BadRequest($"the body of the request could not be read: {io.Message}");
            default:
                LogFailed(logger, e, context.Request.Method, context.Request.Path.Value ?? "");
                return ApiStatus.Failure(HttpStatusCode.InternalServerError, "InternalError", $"Internal error occurred: {e.Message}",
                    new StatusDetails { Causes = [new StatusCause(null, e.Message, null)] });
        }
    }

    private Task RouteAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "/";
        UserInfo user = authenticator.Authenticate(context);
        user.Attach(context);
        string[] segments = RequestPath.Split(path);
        return segments switch
        {
            ["api", _, _, ..] or ["apis", _, _, _, ..] => ResourceAsync(context, user, segments),
            _ => PathAsync(context, user, path, segments),
        };
    }

    private Task PathAsync(HttpContext context, UserInfo user, string path, string[] segments)
    {
        string method = context.Request.Method;
        Authorizer.DemandPath(user, method.ToLowerInvariant(), path);
        ResourceCatalog catalog = registry.Current;
        bool reads = HttpMethods.IsGet(method) || HttpMethods.IsHead(method);
        if (!reads && segments.Length > 0) throw new ApiException(ResourceHandler.MethodNotAllowed());
        switch (segments)
        {
            case ["version"]: return Responses.WriteAsync(context, 200, ServerVersion.Document, "application/json");
            case ["healthz" or "livez" or "readyz", ..]: return HealthAsync(context, segments);
            case []: return Responses.WriteJsonAsync(context, 200, ServerVersion.Paths(catalog));
            case ["api"]: return DiscoveryAsync(context, _coreDiscovery, () => DiscoveryDocuments.CoreVersions(context.Request.Host.Value ?? ""));
            case ["apis"]: return DiscoveryAsync(context, _groupDiscovery, () => DiscoveryDocuments.Groups(catalog));
            case ["apis", var group] when DiscoveryDocuments.Group(catalog, group) is { } document: return Responses.WriteJsonAsync(context, 200, document);
            case ["api", var version] when catalog.FindVersion("", version) is { } found:
                return Responses.WriteJsonAsync(context, 200, DiscoveryDocuments.Resources(found));
            case ["apis", var group, var version] when catalog.FindVersion(group, version) is { } found:
                return Responses.WriteJsonAsync(context, 200, DiscoveryDocuments.Resources(found));
            case ["openapi", "v3", .. var rest]: return openApi.HandleAsync(context, catalog, string.Join('/', rest));
            default: return Responses.WriteNoSuchPathAsync(context);
        }
    }

    private Task DiscoveryAsync(HttpContext context, CachedDocument aggregated, Func<System.Text.Json.Nodes.JsonObject> plain)
    {
        Accepted? accepted = ContentNegotiation.Choose(context.Request.Headers.Accept.ToString(), offersTransformations: false);
        context.Response.Headers.Vary = "Accept";
        if (accepted?.Form != Representation.Discovery) return Responses.WriteJsonAsync(context, 200, plain());
        (byte[] bytes, string tag) = aggregated.Get(registry.Current);
        context.Response.Headers.ETag = $"\"{tag}\"";
        context.Response.Headers.CacheControl = "public";
        if (context.Request.Headers.IfNoneMatch.ToString().Trim('"') != tag)
            return Responses.WriteAsync(context, 200, bytes, DiscoveryDocuments.AggregatedContentType);
        context.Response.StatusCode = 304;
        return Task.CompletedTask;
    }

    private Task HealthAsync(HttpContext context, string[] segments)
    {
        bool ready = Ready || segments[0] == "livez";
        if (segments.Length > 1 && segments[1] is not ("ping" or "storage")) return Responses.WriteNoSuchPathAsync(context);
        if (segments.Length > 1) ready = true;
        if (!Query.Flag(context.Request.Query, "verbose") && !context.Request.Query.ContainsKey("verbose"))
            return Responses.WriteTextAsync(context, ready ? 200 : 500, ready ? "ok" : "[-]serving failed: reason withheld\n");
        return Responses.WriteTextAsync(context, ready ? 200 : 500,
            $"[+]ping ok\n[+]storage ok\n{(ready ? "[+]serving ok" : "[-]serving failed: reason withheld")}\n{segments[0]} check {(ready ? "passed" : "failed")}\n");
    }

    private Task ResourceAsync(HttpContext context, UserInfo user, string[] segments)
    {
        RequestPath? path = RequestPath.Parse(segments);
        ResourceCatalog catalog = registry.Current;
        if (path is null)
        {
            Authorizer.DemandPath(user, "get", context.Request.Path.Value ?? "/");
            return Responses.WriteNoSuchPathAsync(context);
        }
        Verbs verb = VerbOf(context, path);
        Authorizer.Demand(user, verb.ToString().ToLowerInvariant(), path);
        if (catalog.FindVersion(path.Group, path.Version) is null) return Responses.WriteNoSuchPathAsync(context);
        ServedResource? resource = catalog.Find(path.Group, path.Version, path.Resource);
        if (resource is null || path.TooLong || (path.Namespace is not null && !resource.Type.Namespaced)
            || (path is { Name: not null, Namespace: null } && resource.Type.Namespaced)) throw NoSuchResource();
        Subresource? sub = null;
        if (path.Subresource is not null) sub = resource.FindSubresource(path.Subresource) ?? throw NoSuchResource();
        Verbs offered = sub?.Verbs ?? resource.Verbs;
        bool needsNamespace = resource.Type.Namespaced && path.Namespace is null && verb is Verbs.Create or Verbs.DeleteCollection;
        if (verb == Verbs.None || !offered.HasFlag(verb) || needsNamespace) throw new ApiException(ResourceHandler.MethodNotAllowed());
        return resources.HandleAsync(new ResourceRequest(context, resource, path, verb, sub));
    }

    private static Verbs VerbOf(HttpContext context, RequestPath path)
    {
        bool item = path.Name is not null;
        switch (context.Request.Method)
        {
            case "GET": return item ? Verbs.Get : Query.Flag(context.Request.Query, "watch") ? Verbs.Watch : Verbs.List;
            case "POST": return !item || path.Subresource is not null ? Verbs.Create : Verbs.None;
            case "PUT": return item ? Verbs.Update : Verbs.None;
            case "PATCH": return item ? Verbs.Patch : Verbs.None;
            case "DELETE": return item ? Verbs.Delete : Verbs.DeleteCollection;
            default: return Verbs.None;
        }
    }

    private static ApiException NoSuchResource() =>
        new(ApiStatus.Failure(HttpStatusCode.NotFound, "NotFound", "the server could not find the requested resource", new StatusDetails()));

    [LoggerMessage(EventId = 1611, Level = LogLevel.Error, Message = "{Method} {Path} failed")]
    private static partial void LogFailed(ILogger logger, Exception e, string method, string path);

    [LoggerMessage(EventId = 1612, Level = LogLevel.Warning, Message = "{Method} {Path} failed after its answer had begun")]
    private static partial void LogFailedMidway(ILogger logger, Exception e, string method, string path);
}
