using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Kinds;

/// <summary>Pods: defaults, what may change, and deletion that gives the node time.</summary>
internal sealed class PodRules : KindRules
{
    private const long DefaultGraceSeconds = 30;

    public override bool HasGeneration => true;

    public override bool AnswersDeletedObject => true;

    public override IReadOnlyList<string> SelectableFields { get; } =
    [
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
    ];

    public override string? Field(JsonObject obj, string path) => path switch
    {
        "spec.hostNetwork" => base.Field(obj, path) ?? "false",
        "status.podIPs" => string.Join(',', obj.Object("status")?.Array("podIPs").Objects().Select(ip => ip.Text("ip")) ?? []),
        _ => base.Field(obj, path),
    };

    public override void PrepareCreate(JsonObject obj, WriteContext context)
    {
        JsonObject spec = obj.ObjectOrNew("spec");
        PodDefaults.Apply(spec);
        obj["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = PodDefaults.QosClass(spec) };
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
        if (context.Subresource is "" or "ephemeralcontainers" or "resize") PodDefaults.Apply(obj.ObjectOrNew("spec"));
        if (context.Subresource == "status" && old.Object("status")?.Text("qosClass") is { } qos) obj.ObjectOrNew("status")["qosClass"] = qos;
    }

    public override long? GracePeriod(JsonObject obj, long? asked)
    {
        bool unscheduled = string.IsNullOrEmpty(obj.Object("spec")?.Text("nodeName"));
        bool terminal = obj.Object("status")?.Text("phase") is "Succeeded" or "Failed";
        if (unscheduled || terminal) return 0;
        return asked ?? obj.Object("spec")?.Integer("terminationGracePeriodSeconds") ?? DefaultGraceSeconds;
    }

    public override void Validate(JsonObject obj, JsonObject? old, ICollection<FieldError> errors)
    {
        JsonObject spec = obj.ObjectOrNew("spec");
        if (spec.Array("containers") is null or { Count: 0 }) errors.Add(FieldError.Required("spec.containers", ""));
        var names = new HashSet<string>();
        HashSet<string> volumes = [.. spec.Array("volumes").Objects().Select(v => v.Text("name") ?? "")];
        foreach (string list in (ReadOnlySpan<string>)["initContainers", "containers", "ephemeralContainers"])
        {
            int index = 0;
            foreach (JsonObject container in spec.Array(list).Objects())
                ValidateContainer(container, $"spec.{list}[{index++}]", names, volumes, errors);
        }
        ValidateVolumes(spec, errors);
        foreach ((string field, string[] allowed) in s_enumerations)
            if (spec.Text(field) is { } value && !allowed.Contains(value)) errors.Add(FieldError.NotSupported($"spec.{field}", value, allowed));
        if (spec.Text("hostname") is { } hostname && NameSyntax.LabelError(hostname) is { } wrong) errors.Add(FieldError.Invalid("spec.hostname", hostname, wrong));
        Operations.ObjectMetadata.ValidateLabels(spec.Object("nodeSelector"), "spec.nodeSelector", errors);
        if (old?.Object("spec") is { } before) ValidateChange(spec, before, errors);
    }

    private static readonly (string Field, string[] Allowed)[] s_enumerations =
    [
        ("restartPolicy", ["Always", "OnFailure", "Never"]), ("dnsPolicy", ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"]),
    ];

    private static void ValidateContainer(JsonObject container, string path, HashSet<string> names, HashSet<string> volumes, ICollection<FieldError> errors)
    {
        string name = container.Text("name") ?? "";
        if (name.Length == 0) errors.Add(FieldError.Required($"{path}.name", ""));
        else if (NameSyntax.LabelError(name) is { } wrong) errors.Add(FieldError.Invalid($"{path}.name", name, wrong));
        else if (!names.Add(name)) errors.Add(FieldError.Duplicate($"{path}.name", name));
        if (string.IsNullOrEmpty(container.Text("image"))) errors.Add(FieldError.Required($"{path}.image", ""));
        int index = 0;
        foreach (JsonObject port in container.Array("ports").Objects())
        {
            string at = $"{path}.ports[{index++}]";
            if (port.Integer("containerPort") is not (>= 1 and <= 65535))
                errors.Add(FieldError.Invalid($"{at}.containerPort", port.Integer("containerPort") ?? 0, "must be between 1 and 65535, inclusive"));
            if (port.Text("protocol") is not ("TCP" or "UDP" or "SCTP")) errors.Add(FieldError.NotSupported($"{at}.protocol", port.Text("protocol"), "SCTP", "TCP", "UDP"));
        }
        index = 0;
        foreach (JsonObject mount in container.Array("volumeMounts").Objects())
        {
            string at = $"{path}.volumeMounts[{index++}]";
            if (string.IsNullOrEmpty(mount.Text("mountPath"))) errors.Add(FieldError.Required($"{at}.mountPath", ""));
            if (!volumes.Contains(mount.Text("name") ?? "")) errors.Add(FieldError.NotFound($"{at}.name", mount.Text("name")));
        }
        ValidateResources(container.Object("resources"), $"{path}.resources", errors);
    }

    private static void ValidateResources(JsonObject? resources, string path, ICollection<FieldError> errors)
    {
        foreach ((string name, string text) in resources?.Object("requests").TextMembers() ?? [])
        {
            if (!Quantity.TryParse(text, out Quantity request)) continue;
            if (request.IsNegative) errors.Add(FieldError.Invalid($"{path}.requests[{name}]", text, "must be greater than or equal to 0"));
            if (resources?.Object("limits")?.Text(name) is { } limitText && Quantity.TryParse(limitText, out Quantity limit) && request > limit)
                errors.Add(FieldError.Invalid($"{path}.requests", text, $"must be less than or equal to {name} limit of {limitText}"));
        }
    }

    private static void ValidateVolumes(JsonObject spec, ICollection<FieldError> errors)
    {
        var names = new HashSet<string>();
        int index = 0;
        foreach (JsonObject volume in spec.Array("volumes").Objects())
        {
            string path = $"spec.volumes[{index++}].name", name = volume.Text("name") ?? "";
            if (name.Length == 0) errors.Add(FieldError.Required(path, ""));
            else if (NameSyntax.LabelError(name) is { } wrong) errors.Add(FieldError.Invalid(path, name, wrong));
            else if (!names.Add(name)) errors.Add(FieldError.Duplicate(path, name));
        }
    }

    /// <summary>A pod runs what it was created with: only images, limits on its life, and additional tolerations may change.</summary>
    private static void ValidateChange(JsonObject spec, JsonObject before, ICollection<FieldError> errors)
    {
        var comparable = (JsonObject)spec.DeepClone();
        foreach (string key in (ReadOnlySpan<string>)["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "schedulingGates", "ephemeralContainers", "nodeName"])
        {
            comparable.Remove(key);
            if (before[key] is { } kept) comparable[key] = kept.DeepClone();
        }
        foreach (string list in (ReadOnlySpan<string>)["containers", "initContainers"])
        {
            foreach ((JsonObject now, JsonObject then) in comparable.Array(list).Objects().Zip(before.Array(list).Objects()))
            {
                now["image"] = then["image"].Copy();
                now.Remove("resources");
                if (then["resources"] is { } resources) now["resources"] = resources.DeepClone();
            }
        }
        if (!JsonTree.Equal(comparable, before))
        {
            errors.Add(FieldError.Forbidden("spec", "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
                + "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds`"));
        }
        string had = before.Text("nodeName") ?? "";
        if ((spec.Text("nodeName") ?? "") != had)
            errors.Add(FieldError.Forbidden("spec.nodeName", "a pod is placed on a node through its binding subresource"));
        if (before.Array("tolerations").Objects().Any(t => !spec.Array("tolerations").Objects().Any(n => JsonTree.Equal(n, t))))
            errors.Add(FieldError.Forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"));
    }
}
