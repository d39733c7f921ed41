using System.Collections.Frozen;
using Musubi.ApiServer.Data;
using Musubi.ApiServer.Kinds;
using Musubi.ApiServer.Schemas;
using Musubi.ApiServer.Storage;
using Musubi.ApiServer.Tables;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Discovery;

/// <summary>One version of a group and what is served in it.</summary>
internal sealed record GroupVersion(string Group, string Version, IReadOnlyList<ServedResource> Resources)
{
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";
}

/// <summary>All resources at one moment. Groups are in the order in which clients resolve short names; versions best first.</summary>
internal sealed class ResourceCatalog
{
    private readonly Dictionary<(string Group, string Version, string Plural), ServedResource> _byPath;
    private readonly Dictionary<(string Group, string Kind), ServedResource> _byKind;
    private readonly Dictionary<Bucket, ServedResource> _byBucket;

    public ResourceCatalog(IEnumerable<ServedResource> resources, long revision)
    {
        Revision = revision;
        All = [.. resources];
        _byPath = All.ToDictionary(r => (r.Type.Group, r.Type.Version, r.Type.Plural));
        _byKind = All.GroupBy(r => (r.Type.Group, r.Type.Kind)).ToDictionary(g => g.Key, g => g.First());
        _byBucket = All.GroupBy(r => r.Bucket).ToDictionary(g => g.Key, g => g.First());
        Groups = [.. All.GroupBy(r => r.Type.Group).Select(g => (g.Key, (IReadOnlyList<GroupVersion>)[.. g.GroupBy(r => r.Type.Version)
            .Select(v => new GroupVersion(g.Key, v.Key, [.. v]))
            .OrderBy(v => v.Version, VersionPriority.Instance)]))];
    }

    /// <summary>Grows with every change.</summary>
    public long Revision { get; }

    public IReadOnlyList<ServedResource> All { get; }

    public IReadOnlyList<(string Group, IReadOnlyList<GroupVersion> Versions)> Groups { get; }

    public ServedResource? Find(string group, string version, string plural) => _byPath.GetValueOrDefault((group, version, plural));

    /// <summary>Some version of a kind.</summary>
    public ServedResource? FindKind(string group, string kind) => _byKind.GetValueOrDefault((group, kind));

    /// <summary>Some version of the resource whose objects are in a bucket.</summary>
    public ServedResource? ForBucket(Bucket bucket) => _byBucket.GetValueOrDefault(bucket);

    public GroupVersion? FindVersion(string group, string version) =>
        Groups.FirstOrDefault(g => g.Group == group).Versions?.FirstOrDefault(v => v.Version == version);
}

/// <summary>Which resources are served: the built-in ones, and those that CustomResourceDefinitions add while the server runs.</summary>
internal sealed class ResourceRegistry
{
    private readonly ServedResource[] _builtIn;
    private volatile ResourceCatalog _current;

    public ResourceRegistry(ObjectStore store, ClusterAddresses addresses)
    {
        _builtIn = [.. BuiltInResources.Load(store, addresses)];
        _current = new ResourceCatalog(_builtIn, 0);
    }

    public ResourceCatalog Current => _current;

    public IReadOnlyList<ServedResource> BuiltIn => _builtIn;

    /// <summary>Replaces all custom resources.</summary>
    public void SetCustom(IEnumerable<ServedResource> custom) =>
        _current = new ResourceCatalog(_builtIn.Concat(custom.OrderBy(r => r.Type.Group, StringComparer.Ordinal)), _current.Revision + 1);
}

/// <summary>GA before beta before alpha, higher numbers first, other names last by name.</summary>
internal sealed class VersionPriority : IComparer<string>
{
    public static VersionPriority Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        (int stage, int major, int minor) a = Rank(x!), b = Rank(y!);
        int order = b.CompareTo(a);
        return order != 0 ? order : string.CompareOrdinal(x, y);
    }

    private static (int Stage, int Major, int Minor) Rank(string version)
    {
        if (version.Length < 2 || version[0] != 'v' || !char.IsAsciiDigit(version[1])) return (0, 0, 0);
        int end = 1;
        while (end < version.Length && char.IsAsciiDigit(version[end])) end++;
        if (!int.TryParse(version.AsSpan(1, end - 1), out int major)) return (0, 0, 0);
        string rest = version[end..];
        if (rest.Length == 0) return (3, major, 0);
        if (rest.StartsWith("beta", StringComparison.Ordinal) && int.TryParse(rest.AsSpan(4), out int beta)) return (2, major, beta);
        if (rest.StartsWith("alpha", StringComparison.Ordinal) && int.TryParse(rest.AsSpan(5), out int alpha)) return (1, major, alpha);
        return (0, 0, 0);
    }
}

/// <summary>The built-in resources, from the resource table.</summary>
internal static class BuiltInResources
{
    /// <summary>Groups whose kinds would be accepted and then ignored: nothing here acts on them yet.</summary>
    private static readonly FrozenSet<string> s_notServed = new[]
    {
        "v1/bindings", "v1/componentstatuses", "v1/replicationcontrollers", "apiregistration.k8s.io/v1/apiservices", "apps/v1/daemonsets", "apps/v1/deployments",
        "apps/v1/replicasets", "apps/v1/statefulsets", "autoscaling/v2/horizontalpodautoscalers", "autoscaling/v1/horizontalpodautoscalers",
        "batch/v1/cronjobs", "batch/v1/jobs", "certificates.k8s.io/v1/certificatesigningrequests", "networking.k8s.io/v1/ipaddresses",
        "networking.k8s.io/v1/servicecidrs", "storage.k8s.io/v1/volumeattributesclasses", "authentication.k8s.io/v1/tokenreviews",
        "authorization.k8s.io/v1/localsubjectaccessreviews",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> s_groupsNotServed =
        new[] { "admissionregistration.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Subresources that need a node's help or a controller that is not there.</summary>
    private static readonly FrozenSet<string> s_subresourcesNotServed =
        new[] { "proxy", "attach", "exec", "log", "portforward", "token", "approval" }.ToFrozenSet(StringComparer.Ordinal);

    public static IEnumerable<ServedResource> Load(ObjectStore store, ClusterAddresses addresses)
    {
        foreach (string[] line in EmbeddedTable.Lines("resources.tsv"))
        {
            (string group, string version) = SplitApiVersion(line[0]);
            if (s_groupsNotServed.Contains(group) || s_notServed.Contains($"{line[0]}/{line[1]}")) continue;
            var type = new ResourceType(group, version, line[1], line[2], line[3] == "N");
            bool events = type.Plural == "events";
            yield return new ServedResource
            {
                Type = type,
                Verbs = ParseVerbs(line[4]),
                Bucket = store.Bucket(events ? "/events" : $"{group}/{type.Plural}"),
                Singular = type.Kind.ToLowerInvariant(),
                ListKind = type.Kind + "List",
                ShortNames = Words(line, 5),
                Categories = Words(line, 6),
                Subresources = [.. ParseSubresources(line, type)],
                Rules = BuiltInKinds.Rules(type, addresses),
                Schema = new LazyTypedSchema(type),
                Conversion = events && group.Length > 0 ? EventConversion.Instance : SameVersion.Instance,
                Table = BuiltInTables.For(type, ParseColumns(line)),
            };
        }
    }

    public static (string Group, string Version) SplitApiVersion(string apiVersion)
    {
        int slash = apiVersion.IndexOf('/');
        return slash < 0 ? ("", apiVersion) : (apiVersion[..slash], apiVersion[(slash + 1)..]);
    }

    private static Verbs ParseVerbs(string letters) => letters.Aggregate(Verbs.None, (verbs, letter) => verbs | letter switch
    {
        'c' => Verbs.Create,
        'd' => Verbs.Delete,
        'D' => Verbs.DeleteCollection,
        'g' => Verbs.Get,
        'l' => Verbs.List,
        'p' => Verbs.Patch,
        'u' => Verbs.Update,
        'w' => Verbs.Watch,
        _ => Verbs.None,
    });

    private static IEnumerable<Subresource> ParseSubresources(string[] line, ResourceType type)
    {
        if (line.Length <= 7) yield break;
        foreach (string entry in line[7].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = entry.Split(':');
            if (s_subresourcesNotServed.Contains(parts[0])) continue;
            (string group, string version) = parts[1] switch
            {
                "Scale" => ("autoscaling", "v1"),
                "Eviction" => ("policy", "v1"),
                _ => (type.Group, type.Version),
            };
            yield return new Subresource(parts[0], group, version, parts[1], ParseVerbs(parts[2]));
        }
    }

    private static List<TableColumn> ParseColumns(string[] line)
    {
        var columns = new List<TableColumn>();
        if (line.Length <= 8) return columns;
        foreach (string entry in line[8].Split(" | ", StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = entry.LastIndexOf(':');
            string type = entry[(colon + 1)..];
            int priority = 0;
            string format = "";
            if (type.IndexOf('!') is >= 0 and var bang)
            {
                priority = int.Parse(type[(bang + 1)..]);
                type = type[..bang];
            }
            if (type.IndexOf('(') is >= 0 and var open)
            {
                format = type[(open + 1)..^1];
                type = type[..open];
            }
            columns.Add(new TableColumn(entry[..colon], type, format, "", priority));
        }
        return columns;
    }

    private static string[] Words(string[] line, int column) =>
        column < line.Length ? line[column].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) : [];
}
