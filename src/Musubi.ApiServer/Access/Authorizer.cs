using Musubi.ApiServer.Http;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Access;

/// <summary>Decides what a user may do. Members of <c>system:masters</c> may do everything, others nothing but look whether the server is there.</summary>
internal static class Authorizer
{
    private static readonly string[] s_publicPaths = ["/version", "/healthz", "/livez", "/readyz"];

    public static bool IsPublic(string path) =>
        s_publicPaths.Any(p => path.StartsWith(p, StringComparison.Ordinal) && (path.Length == p.Length || path[p.Length] == '/'));

    /// <exception cref="ApiException">403.</exception>
    public static void DemandPath(UserInfo user, string verb, string path)
    {
        if (user.IsMaster || IsPublic(path)) return;
        throw new ApiException(ApiStatus.Failure(System.Net.HttpStatusCode.Forbidden, "Forbidden",
            $"forbidden: User \"{user.Name}\" cannot {verb} path \"{path}\"", new StatusDetails()));
    }

    /// <exception cref="ApiException">403, whether or not the object exists.</exception>
    public static void Demand(UserInfo user, string verb, RequestPath path)
    {
        if (user.IsMaster) return;
        var type = new ResourceType(path.Group, path.Version, path.Resource, path.Resource, path.Namespace is not null);
        string resource = path.Subresource is null ? path.Resource : $"{path.Resource}/{path.Subresource}";
        string where = path.Namespace is null ? "at the cluster scope" : $"in the namespace \"{path.Namespace}\"";
        throw new ApiException(ApiStatus.Forbidden(type, path.Name ?? "",
            $"User \"{user.Name}\" cannot {verb} resource \"{resource}\" in API group \"{path.Group}\" {where}"));
    }
}
