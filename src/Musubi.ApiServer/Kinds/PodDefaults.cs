using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Kinds;

/// <summary>What a pod's specification means where it says nothing.</summary>
internal static class PodDefaults
{
    public static void Apply(JsonObject spec)
    {
        Default(spec, "restartPolicy", "Always");
        Default(spec, "dnsPolicy", "ClusterFirst");
        Default(spec, "schedulerName", "default-scheduler");
        Default(spec, "serviceAccountName", spec.Text("serviceAccount") is { Length: > 0 } old ? old : "default");
        spec["serviceAccount"] = spec.Text("serviceAccountName");
        if (!spec.ContainsKey("terminationGracePeriodSeconds")) spec["terminationGracePeriodSeconds"] = 30L;
        if (!spec.ContainsKey("securityContext")) spec["securityContext"] = new JsonObject();
        if (!spec.ContainsKey("enableServiceLinks")) spec["enableServiceLinks"] = true;
        if (!spec.ContainsKey("priority")) spec["priority"] = 0L;
        Default(spec, "preemptionPolicy", "PreemptLowerPriority");
        Tolerate(spec, "node.kubernetes.io/not-ready");
        Tolerate(spec, "node.kubernetes.io/unreachable");
        foreach (string list in (ReadOnlySpan<string>)["containers", "initContainers", "ephemeralContainers"])
            foreach (JsonObject container in spec.Array(list).Objects()) ApplyContainer(container);
        foreach (JsonObject volume in spec.Array("volumes").Objects()) ApplyVolume(volume);
    }

    /// <summary>How the pod ranks when memory is short.</summary>
    public static string QosClass(JsonObject spec)
    {
        bool any = false, guaranteed = true;
        foreach (JsonObject container in spec.Array("containers").Objects().Concat(spec.Array("initContainers").Objects()))
        {
            JsonObject? requests = container.Object("resources")?.Object("requests"), limits = container.Object("resources")?.Object("limits");
            foreach (string resource in (ReadOnlySpan<string>)["cpu", "memory"])
            {
                string? limit = limits?.Text(resource), request = requests?.Text(resource) ?? limit;
                any |= IsSet(limit) || IsSet(request);
                guaranteed &= IsSet(limit) && Quantity.Parse(limit!) == Quantity.Parse(request!);
            }
        }
        return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";

        static bool IsSet(string? text) => Quantity.TryParse(text, out Quantity q) && !q.IsZero;
    }

    private static void ApplyContainer(JsonObject container)
    {
        string image = container.Text("image") ?? "";
        int slash = image.LastIndexOf('/');
        string last = image[(slash + 1)..];
        bool latest = last.EndsWith(":latest", StringComparison.Ordinal) || !last.Contains(':') && !last.Contains('@');
        Default(container, "imagePullPolicy", latest ? "Always" : "IfNotPresent");
        Default(container, "terminationMessagePath", "/dev/termination-log");
        Default(container, "terminationMessagePolicy", "File");
        JsonObject resources = container.ObjectOrNew("resources");
        foreach ((string name, string limit) in resources.Object("limits").TextMembers())
            if (resources.Object("requests")?.ContainsKey(name) != true) resources.ObjectOrNew("requests")[name] = limit;
        foreach (JsonObject port in container.Array("ports").Objects()) Default(port, "protocol", "TCP");
        foreach (string probe in (ReadOnlySpan<string>)["livenessProbe", "readinessProbe", "startupProbe"])
            if (container.Object(probe) is { } settings) ApplyProbe(settings);
        foreach (JsonObject variable in container.Array("env").Objects())
            if (variable.Object("valueFrom")?.Object("fieldRef") is { } field) Default(field, "apiVersion", "v1");
    }

    private static void ApplyProbe(JsonObject probe)
    {
        foreach ((string key, long value) in (ReadOnlySpan<(string, long)>)[("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)])
            if (probe.Integer(key) is null or 0) probe[key] = value;
        if (probe.Object("httpGet") is not { } get) return;
        Default(get, "path", "/");
        Default(get, "scheme", "HTTP");
    }

    private static void ApplyVolume(JsonObject volume)
    {
        if (volume.Count == 1 && volume.ContainsKey("name")) volume["emptyDir"] = new JsonObject();
        foreach (string source in (ReadOnlySpan<string>)["configMap", "secret", "downwardAPI", "projected"])
            if (volume.Object(source) is { } files && !files.ContainsKey("defaultMode")) files["defaultMode"] = 420L;
        if (volume.Object("hostPath") is { } host && !host.ContainsKey("type")) host["type"] = "";
        foreach (JsonObject item in volume.Object("downwardAPI")?.Array("items").Objects() ?? [])
            if (item.Object("fieldRef") is { } field) Default(field, "apiVersion", "v1");
    }

    private static void Tolerate(JsonObject spec, string taint)
    {
        if (spec.Array("tolerations").Objects().Any(t => (t.Text("key") ?? "") == taint || string.IsNullOrEmpty(t.Text("key")) && t.Text("operator") == "Exists")) return;
        if (spec.Array("tolerations") is not { } tolerations) spec["tolerations"] = tolerations = [];
        tolerations.Add((JsonNode)new JsonObject { ["key"] = taint, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = 300L });
    }

    private static void Default(JsonObject map, string key, string value)
    {
        if (string.IsNullOrEmpty(map.Text(key))) map[key] = value;
    }
}
