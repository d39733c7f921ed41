using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Tables;

/// <summary>A pod's row: the one word that says best how it is.</summary>
internal static class PodTable
{
    public static JsonArray Cells(JsonObject pod, DateTimeOffset now)
    {
        JsonObject spec = pod.Object("spec") ?? [], status = pod.Object("status") ?? [];
        HashSet<string> sidecars = [.. spec.Array("initContainers").Objects().Where(c => c.Text("restartPolicy") == "Always").Select(c => c.Text("name") ?? "")];
        int total = (spec.Array("containers")?.Count ?? 0) + sidecars.Count, ready = 0;
        long restarts = 0;
        DateTimeOffset lastRestart = default;
        void CountRestarts(JsonObject container)
        {
            restarts += container.Integer("restartCount") ?? 0;
            if (KubeTime.TryParse(container.At("lastState", "terminated", "finishedAt").AsText(), out DateTimeOffset finished) && finished > lastRestart) lastRestart = finished;
        }

        string reason = status.Text("reason") is { Length: > 0 } given ? given : status.Text("phase") ?? "Unknown";
        if (status.Array("conditions").Objects().Any(c => c.Text("type") == "PodScheduled" && c.Text("reason") == "SchedulingGated")) reason = "SchedulingGated";
        string? initializing = Initializing(spec, status, sidecars, ref ready, CountRestarts);
        if (initializing is not null) reason = initializing;
        if (initializing is null || IsTrue(status, "Initialized"))
        {
            bool running = false;
            restarts = sidecars.Count == 0 ? 0 : restarts;
            foreach (JsonObject container in status.Array("containerStatuses").Objects().Reverse())
            {
                CountRestarts(container);
                if (Reason(container) is { } word) reason = word;
                else if (container.Bool("ready") == true && container.At("state", "running") is not null)
                {
                    running = true;
                    ready++;
                }
            }
            if (reason == "Completed" && running) reason = IsTrue(status, "Ready") ? "Running" : "NotReady";
        }
        if (pod.At("metadata", "deletionTimestamp") is not null)
        {
            if (status.Text("reason") == "NodeLost") reason = "Unknown";
            else if (status.Text("phase") is not ("Succeeded" or "Failed")) reason = "Terminating";
        }
        string restartText = restarts > 0 && lastRestart != default ? $"{restarts} ({Cell.HumanDuration(now - lastRestart)} ago)" : restarts.ToString();
        string ip = status.Array("podIPs").Objects().FirstOrDefault()?.Text("ip") ?? status.Text("podIP") ?? "";
        return
        [
            Cell.Name(pod), $"{ready}/{total}", reason, restartText, Cell.Age(pod, now), BuiltInTables.OrNone(ip), BuiltInTables.OrNone(spec.Text("nodeName")),
            BuiltInTables.OrNone(status.Text("nominatedNodeName")), Gates(spec, status),
        ];
    }

    /// <summary>The word for a pod whose init containers are not done; null when they are.</summary>
    private static string? Initializing(JsonObject spec, JsonObject status, HashSet<string> sidecars, ref int ready, Action<JsonObject> countRestarts)
    {
        int index = 0, total = spec.Array("initContainers")?.Count ?? 0;
        foreach (JsonObject container in status.Array("initContainerStatuses").Objects())
        {
            index++;
            countRestarts(container);
            bool sidecar = sidecars.Contains(container.Text("name") ?? "");
            if (sidecar && container.Bool("ready") == true) ready++;
            if (container.At("state", "terminated", "exitCode") is JsonValue code && code.TryInt64(out long exit) && exit == 0) continue;
            if (sidecar && container.Bool("started") == true) continue;
            if (container.At("state", "terminated") is JsonObject terminated) return "Init:" + Ended(terminated);
            if (container.At("state", "waiting", "reason").AsText() is { Length: > 0 } waiting && waiting != "PodInitializing") return "Init:" + waiting;
            return $"Init:{index - 1}/{total}";
        }
        return null;
    }

    private static string? Reason(JsonObject container)
    {
        if (container.At("state", "waiting", "reason").AsText() is { Length: > 0 } waiting) return waiting;
        return container.At("state", "terminated") is JsonObject terminated ? Ended(terminated) : null;
    }

    private static string Ended(JsonObject terminated)
    {
        if (terminated.Text("reason") is { Length: > 0 } reason) return reason;
        return terminated.Integer("signal") is { } signal and not 0 ? $"Signal:{signal}" : $"ExitCode:{terminated.Integer("exitCode") ?? 0}";
    }

    private static bool IsTrue(JsonObject status, string condition) =>
        status.Array("conditions").Objects().Any(c => c.Text("type") == condition && c.Text("status") == "True");

    private static string Gates(JsonObject spec, JsonObject status)
    {
        List<string> gates = [.. spec.Array("readinessGates").Objects().Select(g => g.Text("conditionType") ?? "")];
        return gates.Count == 0 ? Cell.None : $"{gates.Count(g => IsTrue(status, g))}/{gates.Count}";
    }
}
