using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Tables;

/// <summary>Tables of the built-in kinds: the columns come from the resource table, the cells from here.</summary>
internal static class BuiltInTables
{
    public static TableFormat For(ResourceType type, IReadOnlyList<TableColumn> columns)
    {
        if (columns.Count == 0) return TableFormat.NameAndAge;
        Func<JsonObject, DateTimeOffset, JsonArray>? cells = type.QualifiedName switch
        {
            "pods" => PodTable.Cells,
            "nodes" => NodeTable.Cells,
            "services" => ServiceTable.Cells,
            "events" or "events.events.k8s.io" => EventTable.Cells,
            "namespaces" => static (o, now) => [Cell.Name(o), o.At("status", "phase").Copy(), Cell.Age(o, now)],
            "configmaps" => static (o, now) => [Cell.Name(o), Count(o, "data") + Count(o, "binaryData"), Cell.Age(o, now)],
            "secrets" => static (o, now) => [Cell.Name(o), o.Text("type"), Count(o, "data"), Cell.Age(o, now)],
            "serviceaccounts" => static (o, now) => [Cell.Name(o), Cell.Age(o, now)],
            "leases.coordination.k8s.io" => static (o, now) => [Cell.Name(o), o.At("spec", "holderIdentity").Copy(), Cell.Age(o, now)],
            "customresourcedefinitions.apiextensions.k8s.io" or "limitranges" or "roles.rbac.authorization.k8s.io" or "clusterroles.rbac.authorization.k8s.io"
                or "csistoragecapacities.storage.k8s.io" => static (o, now) => [Cell.Name(o), o.At("metadata", "creationTimestamp").Copy()],
            "rolebindings.rbac.authorization.k8s.io" or "clusterrolebindings.rbac.authorization.k8s.io" => RbacTable.Binding,
            "persistentvolumeclaims" => VolumeTable.Claim,
            "persistentvolumes" => VolumeTable.Volume,
            "storageclasses.storage.k8s.io" => VolumeTable.Class,
            "runtimeclasses.node.k8s.io" => static (o, now) => [Cell.Name(o), o.Text("handler"), Cell.Age(o, now)],
            "priorityclasses.scheduling.k8s.io" => static (o, now) =>
                [Cell.Name(o), o["value"].Copy(), o.Bool("globalDefault") == true, Cell.Age(o, now), o.Text("preemptionPolicy") ?? "PreemptLowerPriority"],
            "endpointslices.discovery.k8s.io" => EndpointTable.Slice,
            "endpoints" => EndpointTable.Endpoints,
            "ingressclasses.networking.k8s.io" => static (o, now) => [Cell.Name(o), o.At("spec", "controller").Copy(), Cell.None, Cell.Age(o, now)],
            "networkpolicies.networking.k8s.io" => static (o, now) => [Cell.Name(o), Selector(o.At("spec", "podSelector", "matchLabels") as JsonObject), Cell.Age(o, now)],
            "poddisruptionbudgets.policy" => static (o, now) =>
                [Cell.Name(o), Scalar(o.At("spec", "minAvailable"), "N/A"), Scalar(o.At("spec", "maxUnavailable"), "N/A"), o.At("status", "disruptionsAllowed").Copy() ?? 0, Cell.Age(o, now)],
            _ => null,
        };
        return cells is null ? Generic(columns) : new CellTable(columns, cells);
    }

    /// <summary>Kinds without rules of their own: the cells that can be known, the others empty.</summary>
    private static CellTable Generic(IReadOnlyList<TableColumn> columns) => new(columns, (o, now) =>
        new JsonArray([.. columns.Select(c => c.Name switch
        {
            "Name" => Cell.Name(o),
            "Age" => Cell.Age(o, now),
            _ => c.Type == "string" ? (JsonNode?)JsonValue.Create(Cell.None) : null,
        })]));

    public static int Count(JsonObject obj, string map) => obj.Object(map)?.Count ?? 0;

    public static string Selector(JsonObject? labels) => labels is null or { Count: 0 } ? Cell.None
        : string.Join(',', labels.TextMembers().OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));

    public static string Scalar(JsonNode? node, string absent) => node switch
    {
        null => absent,
        _ => node.AsText() ?? node.ToJsonString(),
    };

    public static string OrNone(string? text) => string.IsNullOrEmpty(text) ? Cell.None : text;
}

internal static class NodeTable
{
    private const string RolePrefix = "node-role.kubernetes.io/";

    public static JsonArray Cells(JsonObject node, DateTimeOffset now)
    {
        JsonObject? ready = node.Object("status")?.Array("conditions").Objects().FirstOrDefault(c => c.Text("type") == "Ready");
        string status = ready is null ? "Unknown" : ready.Text("status") == "True" ? "Ready" : ready.Text("status") == "Unknown" ? "Unknown" : "NotReady";
        if (node.Object("spec")?.Bool("unschedulable") == true) status += ",SchedulingDisabled";
        var roles = new SortedSet<string>(StringComparer.Ordinal);
        foreach ((string key, string value) in (node.At("metadata", "labels") as JsonObject).TextMembers())
        {
            if (key.StartsWith(RolePrefix, StringComparison.Ordinal) && key.Length > RolePrefix.Length) roles.Add(key[RolePrefix.Length..]);
            else if (key == "kubernetes.io/role" && value.Length > 0) roles.Add(value);
        }
        JsonObject? info = node.At("status", "nodeInfo") as JsonObject;
        string kernel = info?.Text("kernelVersion") is { Length: > 0 } version ? version : "<unknown>";
        return
        [
            Cell.Name(node), status, roles.Count == 0 ? Cell.None : string.Join(',', roles), Cell.Age(node, now), info?.Text("kubeletVersion") ?? "",
            Address(node, "InternalIP"), Address(node, "ExternalIP"), info?.Text("osImage") is { Length: > 0 } os ? os : "<unknown>", kernel,
            info?.Text("containerRuntimeVersion") is { Length: > 0 } runtime ? runtime : "<unknown>",
        ];
    }

    private static string Address(JsonObject node, string type) => BuiltInTables.OrNone(
        node.Object("status")?.Array("addresses").Objects().FirstOrDefault(a => a.Text("type") == type)?.Text("address"));
}

internal static class ServiceTable
{
    public static JsonArray Cells(JsonObject service, DateTimeOffset now)
    {
        JsonObject spec = service.Object("spec") ?? [];
        return
        [
            Cell.Name(service), spec.Text("type"), BuiltInTables.OrNone(spec.Text("clusterIP")), External(service, spec), Ports(spec), Cell.Age(service, now),
            BuiltInTables.Selector(spec.Object("selector")),
        ];
    }

    private static string External(JsonObject service, JsonObject spec)
    {
        List<string> addresses = [];
        switch (spec.Text("type"))
        {
            case "ExternalName": return BuiltInTables.OrNone(spec.Text("externalName"));
            case "LoadBalancer":
                addresses.AddRange((service.At("status", "loadBalancer", "ingress") as JsonArray).Objects()
                    .Select(i => i.Text("ip") ?? i.Text("hostname")).OfType<string>().Distinct().Order(StringComparer.Ordinal));
                addresses.AddRange(spec.Array("externalIPs").Texts());
                return addresses.Count == 0 ? "<pending>" : string.Join(',', addresses);
            default:
                addresses.AddRange(spec.Array("externalIPs").Texts());
                return addresses.Count == 0 ? Cell.None : string.Join(',', addresses);
        }
    }

    private static string Ports(JsonObject spec)
    {
        IEnumerable<string> ports = spec.Array("ports").Objects().Select(p =>
            p.Integer("nodePort") is { } node and > 0 ? $"{p.Integer("port")}:{node}/{p.Text("protocol")}" : $"{p.Integer("port")}/{p.Text("protocol")}");
        string text = string.Join(',', ports);
        return BuiltInTables.OrNone(text);
    }
}

internal static class EventTable
{
    public static JsonArray Cells(JsonObject e, DateTimeOffset now)
    {
        bool core = e.ContainsKey("involvedObject");
        JsonObject subject = e.Object(core ? "involvedObject" : "regarding") ?? [];
        string kind = (subject.Text("kind") ?? "").ToLowerInvariant();
        string first = e.Text(core ? "firstTimestamp" : "deprecatedFirstTimestamp") ?? e.Text("eventTime") ?? "";
        string last = e.At("series", "lastObservedTime").AsText() ?? e.Text(core ? "lastTimestamp" : "deprecatedLastTimestamp") ?? first;
        JsonNode count = e.At("series", "count").Copy() ?? e[core ? "count" : "deprecatedCount"].Copy() ?? 1;
        JsonObject? source = e.Object(core ? "source" : "deprecatedSource");
        string component = source?.Text("component") ?? e.Text(core ? "reportingComponent" : "reportingController") ?? "";
        string host = source?.Text("host") ?? "";
        return
        [
            Cell.Age(last, now), e.Text("type"), e.Text("reason"), kind.Length > 0 ? $"{kind}/{subject.Text("name")}" : subject.Text("name"), subject.Text("fieldPath") ?? "",
            host.Length > 0 ? $"{component}, {host}" : component, (e.Text(core ? "message" : "note") ?? "").Trim(), Cell.Age(first, now), count.ToJsonString(), Cell.Name(e),
        ];
    }
}

internal static class RbacTable
{
    public static JsonArray Binding(JsonObject o, DateTimeOffset now)
    {
        string Subjects(string kind) => string.Join(", ", o.Array("subjects").Objects().Where(s => s.Text("kind") == kind)
            .Select(s => kind == "ServiceAccount" ? $"{s.Text("namespace")}/{s.Text("name")}" : s.Text("name")));
        return [Cell.Name(o), $"{o.At("roleRef", "kind").AsText()}/{o.At("roleRef", "name").AsText()}", Cell.Age(o, now), Subjects("User"), Subjects("Group"), Subjects("ServiceAccount")];
    }
}

internal static class VolumeTable
{
    public static JsonArray Claim(JsonObject o, DateTimeOffset now) =>
    [
        Cell.Name(o), Phase(o), o.At("spec", "volumeName").AsText() ?? "", o.At("status", "capacity", "storage").AsText() ?? "", Modes(o.At("status", "accessModes")),
        o.At("spec", "storageClassName").AsText() ?? "", o.At("spec", "volumeAttributesClassName").AsText() ?? "<unset>", Cell.Age(o, now), o.At("spec", "volumeMode").AsText() ?? "<unset>",
    ];

    public static JsonArray Volume(JsonObject o, DateTimeOffset now)
    {
        JsonNode? claim = o.At("spec", "claimRef");
        return
        [
            Cell.Name(o), o.At("spec", "capacity", "storage").AsText() ?? "", Modes(o.At("spec", "accessModes")), o.At("spec", "persistentVolumeReclaimPolicy").AsText() ?? "", Phase(o),
            claim is null ? "" : $"{claim.At("namespace").AsText()}/{claim.At("name").AsText()}", o.At("spec", "storageClassName").AsText() ?? "",
            o.At("spec", "volumeAttributesClassName").AsText() ?? "<unset>", o.At("status", "reason").AsText() ?? "", Cell.Age(o, now), o.At("spec", "volumeMode").AsText() ?? "<unset>",
        ];
    }

    public static JsonArray Class(JsonObject o, DateTimeOffset now)
    {
        bool isDefault = o.At("metadata", "annotations", "storageclass.kubernetes.io/is-default-class").AsText() == "true";
        return
        [
            o.At("metadata", "name").AsText() + (isDefault ? " (default)" : ""), o.Text("provisioner"), o.Text("reclaimPolicy") ?? "Delete", o.Text("volumeBindingMode") ?? "Immediate",
            o.Bool("allowVolumeExpansion") == true ? "true" : "false", Cell.Age(o, now),
        ];
    }

    private static string Phase(JsonObject o) => o.At("metadata", "deletionTimestamp") is null ? o.At("status", "phase").AsText() ?? "" : "Terminating";

    private static string Modes(JsonNode? modes) => string.Join(',', (modes as JsonArray).Texts().Distinct().Select(m => m switch
    {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => m,
    }));
}

internal static class EndpointTable
{
    private const int Shown = 3;

    public static JsonArray Slice(JsonObject o, DateTimeOffset now) =>
    [
        Cell.Name(o), o.Text("addressType"), Join(o.Array("ports").Objects().Select(p => p["port"]?.ToJsonString() ?? "*"), "<unset>"),
        Join(o.Array("endpoints").Objects().SelectMany(e => e.Array("addresses").Texts()), "<unset>"), Cell.Age(o, now),
    ];

    public static JsonArray Endpoints(JsonObject o, DateTimeOffset now) =>
    [
        Cell.Name(o), Join(o.Array("subsets").Objects().SelectMany(s => s.Array("addresses").Objects().SelectMany(a =>
            s.Array("ports") is null or { Count: 0 } ? [a.Text("ip") ?? ""] : s.Array("ports").Objects().Select(p => $"{a.Text("ip")}:{p.Integer("port")}"))), Cell.None), Cell.Age(o, now),
    ];

    private static string Join(IEnumerable<string> items, string absent)
    {
        List<string> all = [.. items];
        if (all.Count == 0) return absent;
        string text = string.Join(',', all.Take(Shown));
        return all.Count > Shown ? $"{text} + {all.Count - Shown} more..." : text;
    }
}
