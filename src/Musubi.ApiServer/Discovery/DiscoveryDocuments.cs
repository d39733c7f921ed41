using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;

namespace Musubi.ApiServer.Discovery;

/// <summary>What clients read to learn which resources there are.</summary>
internal static class DiscoveryDocuments
{
    public const string AggregatedContentType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

    private static readonly (Verbs Verb, string Name)[] s_verbNames =
    [
        (Verbs.Create, "create"), (Verbs.Delete, "delete"), (Verbs.DeleteCollection, "deletecollection"), (Verbs.Get, "get"),
        (Verbs.List, "list"), (Verbs.Patch, "patch"), (Verbs.Update, "update"), (Verbs.Watch, "watch"),
    ];

    /// <summary><c>/api</c>.</summary>
    public static JsonObject CoreVersions(string serverAddress) => new()
    {
        ["kind"] = "APIVersions",
        ["versions"] = new JsonArray("v1"),
        ["serverAddressByClientCIDRs"] = new JsonArray(new JsonObject { ["clientCIDR"] = "0.0.0.0/0", ["serverAddress"] = serverAddress }),
    };

    /// <summary><c>/apis</c>.</summary>
    public static JsonObject Groups(ResourceCatalog catalog) => new()
    {
        ["kind"] = "APIGroupList",
        ["apiVersion"] = "v1",
        ["groups"] = Array(catalog.Groups.Where(g => g.Group.Length > 0).Select(g => Group(g.Group, g.Versions))),
    };

    /// <summary><c>/apis/GROUP</c>; null when there is no such group.</summary>
    public static JsonObject? Group(ResourceCatalog catalog, string group)
    {
        IReadOnlyList<GroupVersion>? versions = catalog.Groups.FirstOrDefault(g => g.Group == group && group.Length > 0).Versions;
        if (versions is null) return null;
        JsonObject document = Group(group, versions);
        document["kind"] = "APIGroup";
        document["apiVersion"] = "v1";
        return document;
    }

    /// <summary><c>/api/v1</c> and <c>/apis/GROUP/VERSION</c>.</summary>
    public static JsonObject Resources(GroupVersion version)
    {
        var resources = new JsonArray();
        foreach (ServedResource r in version.Resources)
        {
            var entry = new JsonObject
            {
                ["name"] = r.Type.Plural,
                ["singularName"] = r.Singular,
                ["namespaced"] = r.Type.Namespaced,
                ["kind"] = r.Type.Kind,
                ["verbs"] = Names(r.Verbs),
            };
            if (r.ShortNames.Count > 0) entry["shortNames"] = Texts(r.ShortNames);
            if (r.Categories.Count > 0) entry["categories"] = Texts(r.Categories);
            entry["storageVersionHash"] = Convert.ToBase64String(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{r.Type.Group}/{r.Type.Version}/{r.Type.Kind}")).AsSpan(0, 8));
            resources.Add((JsonNode)entry);
            foreach (Subresource sub in r.Subresources)
            {
                var subEntry = new JsonObject
                {
                    ["name"] = $"{r.Type.Plural}/{sub.Name}",
                    ["singularName"] = "",
                    ["namespaced"] = r.Type.Namespaced,
                    ["kind"] = sub.Kind,
                    ["verbs"] = Names(sub.Verbs),
                };
                if (sub.Group != r.Type.Group || sub.Version != r.Type.Version)
                {
                    subEntry["group"] = sub.Group;
                    subEntry["version"] = sub.Version;
                }
                resources.Add((JsonNode)subEntry);
            }
        }
        return new JsonObject { ["kind"] = "APIResourceList", ["apiVersion"] = "v1", ["groupVersion"] = version.ApiVersion, ["resources"] = resources };
    }

    /// <summary>Everything below <c>/api</c> or <c>/apis</c> in one document.</summary>
    public static JsonObject Aggregated(ResourceCatalog catalog, bool core)
    {
        var items = new JsonArray();
        foreach ((string group, IReadOnlyList<GroupVersion> versions) in catalog.Groups)
        {
            if ((group.Length == 0) != core) continue;
            items.Add((JsonNode)new JsonObject
            {
                ["metadata"] = group.Length == 0 ? new JsonObject { ["creationTimestamp"] = null } : new JsonObject { ["name"] = group, ["creationTimestamp"] = null },
                ["versions"] = Array(versions.Select(v => new JsonObject
                {
                    ["version"] = v.Version,
                    ["freshness"] = "Current",
                    ["resources"] = Array(v.Resources.Select(Aggregated)),
                })),
            });
        }
        return new JsonObject { ["kind"] = "APIGroupDiscoveryList", ["apiVersion"] = "apidiscovery.k8s.io/v2", ["metadata"] = new JsonObject(), ["items"] = items };
    }

    private static JsonObject Aggregated(ServedResource r)
    {
        var entry = new JsonObject
        {
            ["resource"] = r.Type.Plural,
            ["responseKind"] = Kind(r.Type.Group, r.Type.Version, r.Type.Kind),
            ["scope"] = r.Type.Namespaced ? "Namespaced" : "Cluster",
            ["singularResource"] = r.Singular,
            ["verbs"] = Names(r.Verbs),
        };
        if (r.ShortNames.Count > 0) entry["shortNames"] = Texts(r.ShortNames);
        if (r.Categories.Count > 0) entry["categories"] = Texts(r.Categories);
        if (r.Subresources.Count > 0)
        {
            entry["subresources"] = Array(r.Subresources.Select(s => new JsonObject
            {
                ["subresource"] = s.Name,
                ["responseKind"] = Kind(s.Group, s.Version, s.Kind),
                ["verbs"] = Names(s.Verbs),
            }));
        }
        return entry;
    }

    private static JsonObject Group(string group, IReadOnlyList<GroupVersion> versions) => new()
    {
        ["name"] = group,
        ["versions"] = Array(versions.Select(Version)),
        ["preferredVersion"] = Version(versions[0]),
    };

    private static JsonObject Version(GroupVersion version) => new() { ["groupVersion"] = version.ApiVersion, ["version"] = version.Version };

    private static JsonObject Kind(string group, string version, string kind) => new() { ["group"] = group, ["version"] = version, ["kind"] = kind };

    private static JsonArray Names(Verbs verbs) => Texts(s_verbNames.Where(v => verbs.HasFlag(v.Verb)).Select(v => v.Name));

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode?)JsonValue.Create(t))]);

    private static JsonArray Array(IEnumerable<JsonObject> items) => new([.. items]);
}

/// <summary>A document, its bytes and the tag by which clients ask whether it changed. Made once per revision of the catalog.</summary>
internal sealed class CachedDocument(Func<ResourceCatalog, JsonObject> make)
{
    private (long Revision, byte[] Bytes, string Tag)? _cached;
    private readonly Lock _gate = new();

    public (byte[] Bytes, string Tag) Get(ResourceCatalog catalog)
    {
        lock (_gate)
        {
            if (_cached is not { } cached || cached.Revision != catalog.Revision)
            {
                byte[] bytes = JsonTree.ToBytes(make(catalog));
                _cached = cached = (catalog.Revision, bytes, Convert.ToHexString(SHA512.HashData(bytes)));
            }
            return (cached.Bytes, cached.Tag);
        }
    }
}
