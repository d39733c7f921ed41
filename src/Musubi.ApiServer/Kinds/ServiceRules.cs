using System.Net;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;
using Musubi.Linux.Addresses;

namespace Musubi.ApiServer.Kinds;

/// <summary>Services get their addresses and node ports when they are created, and keep them.</summary>
internal sealed class ServiceRules(ClusterAddresses addresses) : KindRules
{
    private const string Headless = "None";

    private static readonly (string Field, string[] Allowed)[] s_enumerations =
    [
        ("type", ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]), ("sessionAffinity", ["ClientIP", "None"]),
        ("ipFamilyPolicy", ["SingleStack", "PreferDualStack", "RequireDualStack"]), ("externalTrafficPolicy", ["Cluster", "Local"]),
        ("internalTrafficPolicy", ["Cluster", "Local"]),
    ];

    public override bool CreatesOnUpdate => true;

    public override bool AnswersDeletedObject => true;

    public override IReadOnlyList<string> SelectableFields { get; } = ["spec.clusterIP", "spec.type"];

    public override string? NameError(string name) => NameSyntax.ServiceNameError(name);

    public override void PrepareCreate(JsonObject obj, WriteContext context)
    {
        SetDefaults(obj.ObjectOrNew("spec"));
        obj["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        if (context.Subresource.Length > 0) return;
        JsonObject spec = obj.ObjectOrNew("spec"), before = old.ObjectOrNew("spec");
        bool external = spec.Text("type") == "ExternalName";
        if (external)
        {
            foreach (string key in (ReadOnlySpan<string>)["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"])
                if (JsonTree.Equal(spec[key], before[key])) spec.Remove(key);
        }
        else if (before.Text("type") != "ExternalName")
        {
            foreach (string key in (ReadOnlySpan<string>)["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"])
                if (!spec.ContainsKey(key) && before[key] is { } kept) spec[key] = kept.DeepClone();
        }
        SetDefaults(spec);
        if (HasNodePorts(spec)) KeepNodePorts(spec, before);
    }

    public override void Validate(JsonObject obj, JsonObject? old, ICollection<FieldError> errors)
    {
        JsonObject spec = obj.ObjectOrNew("spec");
        bool headless = spec.Text("clusterIP") == Headless, external = spec.Text("type") == "ExternalName";
        if (external && string.IsNullOrEmpty(spec.Text("externalName"))) errors.Add(FieldError.Required("spec.externalName", ""));
        if (spec.Array("ports") is null or { Count: 0 } && !headless && !external) errors.Add(FieldError.Required("spec.ports", ""));
        ValidatePorts(spec, errors);
        foreach ((string field, string[] allowed) in s_enumerations)
            if (spec.Text(field) is { } value && !allowed.Contains(value)) errors.Add(FieldError.NotSupported($"spec.{field}", value, allowed));
        Operations.ObjectMetadata.ValidateLabels(spec.Object("selector"), "spec.selector", errors);
        if (spec.Array("clusterIPs") is { Count: > 0 } listed && spec.Text("clusterIP") is { Length: > 0 } first && listed[0].AsText() != first)
            errors.Add(FieldError.Invalid("spec.clusterIPs[0]", listed[0].AsText(), "first value must match `clusterIP`"));
        if (old?.ObjectOrNew("spec") is not { } before || external || before.Text("type") == "ExternalName") return;
        if (before.Text("clusterIP") is { Length: > 0 } had && spec.Text("clusterIP") != had)
            errors.Add(FieldError.Invalid("spec.clusterIPs[0]", spec.Text("clusterIP"), "field is immutable"));
    }

    public override Action? Reserve(JsonObject obj, JsonObject? old, ICollection<FieldError> errors)
    {
        JsonObject spec = obj.ObjectOrNew("spec");
        JsonObject before = old?.ObjectOrNew("spec") ?? [];
        var takenAddresses = new List<string>();
        var takenPorts = new List<int>();
        if (spec.Text("type") != "ExternalName" && before.Text("clusterIP") is null or "") ReserveAddresses(spec, takenAddresses, errors);
        if (HasNodePorts(spec)) ReserveNodePorts(spec, before, takenPorts, errors);
        return () => addresses.Release(takenAddresses, takenPorts);
    }

    public override void Release(JsonObject old, JsonObject? next)
    {
        JsonObject before = old.ObjectOrNew("spec"), after = next?.ObjectOrNew("spec") ?? [];
        addresses.Release(before.Array("clusterIPs").Texts().Except(after.Array("clusterIPs").Texts()), NodePorts(before).Except(NodePorts(after)));
    }

    /// <summary>Notes what a stored Service holds, at start.</summary>
    public void Restore(JsonObject obj)
    {
        JsonObject spec = obj.ObjectOrNew("spec");
        foreach (string address in spec.Array("clusterIPs").Texts()) addresses.Take(address);
        foreach (int port in NodePorts(spec)) addresses.TakeNodePort(port);
    }

    private static void SetDefaults(JsonObject spec)
    {
        Default(spec, "type", "ClusterIP");
        Default(spec, "sessionAffinity", "None");
        string type = spec.Text("type")!;
        if (spec.Text("sessionAffinity") == "ClientIP" && spec.Object("sessionAffinityConfig") is null)
            spec["sessionAffinityConfig"] = new JsonObject { ["clientIP"] = new JsonObject { ["timeoutSeconds"] = 10800L } };
        foreach (JsonObject port in spec.Array("ports").Objects())
        {
            Default(port, "protocol", "TCP");
            if (IsUnset(port["targetPort"])) port["targetPort"] = port["port"].Copy();
            if (type == "ClusterIP") port.Remove("nodePort");
        }
        if (type == "ExternalName") return;
        Default(spec, "internalTrafficPolicy", "Cluster");
        if (type is "NodePort" or "LoadBalancer") Default(spec, "externalTrafficPolicy", "Cluster");
        else spec.Remove("externalTrafficPolicy");
        if (type == "LoadBalancer" && !spec.ContainsKey("allocateLoadBalancerNodePorts")) spec["allocateLoadBalancerNodePorts"] = true;
        if (spec.Text("clusterIP") is { Length: > 0 } single && spec.Array("clusterIPs") is null or { Count: 0 }) spec["clusterIPs"] = new JsonArray(spec.Text("clusterIP"));
        else if (spec.Text("clusterIP") is null or "" && spec.Array("clusterIPs") is { Count: > 0 } list && list[0].AsText() is { } first) spec["clusterIP"] = first;
    }

    private void ReserveAddresses(JsonObject spec, List<string> taken, ICollection<FieldError> errors)
    {
        string policy = spec.Text("ipFamilyPolicy") ?? "";
        List<string> families = [.. spec.Array("ipFamilies").Texts()];
        List<string> given = [.. spec.Array("clusterIPs").Texts()];
        bool headless = given is [Headless, ..] || spec.Text("clusterIP") == Headless;
        foreach (string address in given)
            if (!headless && IpText.TryParseAddress(address, out IPAddress? ip) && !families.Contains(FamilyOf(ip))) families.Add(FamilyOf(ip));
        if (policy.Length == 0) policy = families.Count == 2 || given.Count == 2 ? "RequireDualStack" : "SingleStack";
        if (families.Count == 0) families.Add("IPv4");
        if (policy != "SingleStack" && families.Count == 1) families.Add(families[0] == "IPv4" ? "IPv6" : "IPv4");
        if (policy == "SingleStack" && families.Count > 1)
            errors.Add(FieldError.Invalid("spec.ipFamilyPolicy", policy, "may not be SingleStack when multiple IP families are specified"));
        foreach (string family in families)
            if (family is not ("IPv4" or "IPv6")) errors.Add(FieldError.NotSupported("spec.ipFamilies[0]", family, "IPv4", "IPv6"));
        if (errors.Count > 0) return;

        var addressesOf = new List<string>();
        for (int i = 0; i < families.Count && !headless; i++)
        {
            if (i < given.Count)
            {
                if (addresses.Take(given[i]) is { } why)
                {
                    errors.Add(FieldError.Invalid($"spec.clusterIPs[{i}]", given[i], $"failed to allocate IP {given[i]}: {why}"));
                    continue;
                }
                addressesOf.Add(given[i]);
            }
            else if (addresses.TakeAddress(families[i] == "IPv6") is { } free) addressesOf.Add(free);
            else
            {
                errors.Add(FieldError.Invalid($"spec.clusterIPs[{i}]", "", $"failed to allocate a service IP: the range {addresses.Range(families[i] == "IPv6")} is full"));
                continue;
            }
            taken.Add(addressesOf[^1]);
        }
        if (headless) addressesOf.Add(Headless);
        if (addressesOf.Count == 0) return;
        spec["clusterIP"] = addressesOf[0];
        spec["clusterIPs"] = new JsonArray([.. addressesOf.Select(a => (JsonNode?)JsonValue.Create(a))]);
        spec["ipFamilies"] = new JsonArray([.. families.Select(f => (JsonNode?)JsonValue.Create(f))]);
        spec["ipFamilyPolicy"] = policy;
    }

    private void ReserveNodePorts(JsonObject spec, JsonObject before, List<int> taken, ICollection<FieldError> errors)
    {
        HashSet<int> had = [.. NodePorts(before)];
        int index = 0;
        foreach (JsonObject port in spec.Array("ports").Objects())
        {
            int wanted = (int)Math.Clamp(port.Integer("nodePort") ?? 0, 0, 65536);
            string? why = null;
            if (wanted == 0)
            {
                if (addresses.TakeNodePort() is { } free) port["nodePort"] = (long)(wanted = free);
                else why = "no free node port";
            }
            else if (!had.Contains(wanted) && !taken.Contains(wanted)) why = addresses.TakeNodePort(wanted);
            if (why is not null) errors.Add(FieldError.Invalid($"spec.ports[{index}].nodePort", wanted, why));
            else if (!had.Contains(wanted)) taken.Add(wanted);
            index++;
        }
    }

    /// <summary>Ports that an update does not mention keep their node ports.</summary>
    private static void KeepNodePorts(JsonObject spec, JsonObject before)
    {
        foreach (JsonObject port in spec.Array("ports").Objects())
        {
            if (port.Integer("nodePort") is > 0) continue;
            JsonObject? same = before.Array("ports").Objects().FirstOrDefault(p => JsonTree.Equal(p["port"], port["port"]) && p.Text("protocol") == port.Text("protocol"));
            if (same?.Integer("nodePort") is { } kept and > 0) port["nodePort"] = kept;
        }
    }

    private static void ValidatePorts(JsonObject spec, ICollection<FieldError> errors)
    {
        int index = 0;
        var names = new HashSet<string>();
        var seen = new HashSet<(string?, long?)>();
        bool several = spec.Array("ports") is { Count: > 1 };
        foreach (JsonObject port in spec.Array("ports").Objects())
        {
            string path = $"spec.ports[{index++}]";
            string name = port.Text("name") ?? "";
            if (several && name.Length == 0) errors.Add(FieldError.Required($"{path}.name", ""));
            else if (name.Length > 0 && NameSyntax.LabelError(name) is { } wrong) errors.Add(FieldError.Invalid($"{path}.name", name, wrong));
            else if (name.Length > 0 && !names.Add(name)) errors.Add(FieldError.Duplicate($"{path}.name", name));
            if (port.Integer("port") is not (>= 1 and <= 65535)) errors.Add(FieldError.Invalid($"{path}.port", port.Integer("port") ?? 0, "must be between 1 and 65535, inclusive"));
            if (port.Text("protocol") is not ("TCP" or "UDP" or "SCTP")) errors.Add(FieldError.NotSupported($"{path}.protocol", port.Text("protocol"), "SCTP", "TCP", "UDP"));
            if (port["targetPort"] is JsonValue target && target.TryInt64(out long number) && number is < 1 or > 65535)
                errors.Add(FieldError.Invalid($"{path}.targetPort", number, "must be between 1 and 65535, inclusive"));
            if (!seen.Add((port.Text("protocol"), port.Integer("port")))) errors.Add(FieldError.Duplicate(path, port));
        }
    }

    private static bool HasNodePorts(JsonObject spec) =>
        spec.Text("type") == "NodePort" || (spec.Text("type") == "LoadBalancer" && spec.Bool("allocateLoadBalancerNodePorts") != false);

    private static IEnumerable<int> NodePorts(JsonObject spec) =>
        spec.Array("ports").Objects().Select(p => (int)Math.Clamp(p.Integer("nodePort") ?? 0, 0, 65536)).Where(p => p > 0);

    private static bool IsUnset(JsonNode? target) =>
        target is null || target.AsText() == "" || (target is JsonValue number && number.TryInt64(out long n) && n == 0);

    private static string FamilyOf(IPAddress ip) => ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "IPv6" : "IPv4";

    private static void Default(JsonObject map, string key, string value)
    {
        if (string.IsNullOrEmpty(map.Text(key))) map[key] = value;
    }
}
