using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Operations;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

/// <summary>Reads <see cref="DeleteOptions"/> from the body, or from the query when there is no body.</summary>
internal static class DeleteOptionsReader
{
    public static async Task<DeleteOptions> ReadAsync(HttpContext context)
    {
        byte[] body = await RequestBody.ReadAsync(context).ConfigureAwait(false);
        IQueryCollection query = context.Request.Query;
        JsonObject options = body.Length > 0
            ? RequestBody.ParseObject(body, RequestBody.MediaType(context), allowProtobuf: true, duplicates: null)
            : FromQuery(query);
        if (body.Length > 0 && (options.Text("kind") ?? "") is not ("" or "DeleteOptions"))
            throw new ApiException(ApiStatus.BadRequest($"expected DeleteOptions in the body, found {options.Text("kind")}"));
        var errors = new List<FieldError>();
        string? policy = Typed(options, "propagationPolicy", n => n.AsText());
        bool? orphan = Typed(options, "orphanDependents", n => n?.GetValueKind() switch
        {
            System.Text.Json.JsonValueKind.True => true,
            System.Text.Json.JsonValueKind.False => (bool?)false,
            _ => null,
        });
        if (policy is not (null or "" or "Background" or "Foreground" or "Orphan"))
            errors.Add(FieldError.NotSupported("propagationPolicy", policy, "Background", "Foreground", "Orphan"));
        if (policy is { Length: > 0 } && orphan is not null)
            errors.Add(FieldError.Invalid("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"));
        bool dryRun = Query.DryRun(query, "DeleteOptions");
        foreach (string value in options.Array("dryRun").Texts())
        {
            if (value == "All") dryRun = true;
            else errors.Add(FieldError.NotSupported("dryRun", value, "All"));
        }
        if (errors.Count > 0) throw new ApiException(ApiStatus.Invalid(Query.Options("DeleteOptions"), "", errors));
        JsonObject? preconditions = options.Object("preconditions");
        return new DeleteOptions
        {
            GracePeriodSeconds = Typed(options, "gracePeriodSeconds", n => n is JsonValue v && v.TryInt64(out long seconds) ? seconds < 0 ? 1 : seconds : (long?)null),
            PropagationPolicy = policy is { Length: > 0 } ? policy : orphan switch { true => "Orphan", false => "Background", null => null },
            PreconditionUid = preconditions?.Text("uid"),
            PreconditionVersion = preconditions?.Text("resourceVersion"),
            DryRun = dryRun,
        };
    }

    private static JsonObject FromQuery(IQueryCollection query)
    {
        var options = new JsonObject();
        if (Query.Integer(query, "gracePeriodSeconds") is { } grace) options["gracePeriodSeconds"] = grace;
        if (query["propagationPolicy"].FirstOrDefault() is { } policy) options["propagationPolicy"] = policy;
        if (Query.OptionalFlag(query, "orphanDependents") is { } orphan) options["orphanDependents"] = orphan;
        if (query["uid"].FirstOrDefault() is { Length: > 0 } uid) options["preconditions"] = new JsonObject { ["uid"] = uid };
        return options;
    }

    private static T? Typed<T>(JsonObject options, string key, Func<JsonNode?, T?> read)
    {
        JsonNode? node = options[key];
        T? value = read(node);
        return node is not null && value is null ? throw new ApiException(ApiStatus.BadRequest($"DeleteOptions.{key} has the wrong type: {node.TypeWord()}")) : value;
    }
}
