using System.Text.Json.Nodes;
using Musubi.ApiServer.Access;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Http;

/// <summary>Questions that are asked by creating an object: it is answered and not kept.</summary>
internal static class VirtualResources
{
    public static bool IsVirtual(ServedResource resource) => resource.Type.Group is "authentication.k8s.io" or "authorization.k8s.io";

    public static JsonObject Answer(ResourceRequest request, JsonObject obj)
    {
        UserInfo user = UserInfo.Of(request.Http);
        obj.ObjectOrNew("metadata");
        obj["status"] = request.Resource.Type.Plural switch
        {
            "selfsubjectreviews" => new JsonObject { ["userInfo"] = user.ToJson() },
            "selfsubjectaccessreviews" => Review(user),
            "subjectaccessreviews" => Review(new UserInfo(obj.At("spec", "user").AsText() ?? "", [.. (obj.At("spec", "groups") as JsonArray).Texts()])),
            "selfsubjectrulesreviews" => Rules(user),
            _ => throw new ApiException(ResourceHandler.MethodNotAllowed()),
        };
        return obj;
    }

    private static JsonObject Review(UserInfo user) => user.IsMaster
        ? new JsonObject { ["allowed"] = true }
        : new JsonObject { ["allowed"] = false, ["reason"] = "only members of system:masters are allowed" };

    private static JsonObject Rules(UserInfo user)
    {
        JsonArray resources = [], others = [];
        if (user.IsMaster)
        {
            resources.Add((JsonNode)new JsonObject { ["verbs"] = new JsonArray("*"), ["apiGroups"] = new JsonArray("*"), ["resources"] = new JsonArray("*") });
            others.Add((JsonNode)new JsonObject { ["verbs"] = new JsonArray("*"), ["nonResourceURLs"] = new JsonArray("*") });
        }
        return new JsonObject { ["resourceRules"] = resources, ["nonResourceRules"] = others, ["incomplete"] = false };
    }
}
