using Musubi.Api.Core;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Scheduling;

/// <summary>Where a pod goes, or why nowhere.</summary>
/// <param name="Node">Name of the node; null when none fits.</param>
/// <param name="Message">Why none fits.</param>
internal sealed record Placement(string? Node, string Message)
{
    /// <summary>Chooses the node that has most left; of equals the first by name.</summary>
    public static Placement Choose(Pod pod, IReadOnlyList<NodeLoad> nodes)
    {
        Dictionary<string, int> reasons = [];
        List<NodeLoad> fitting = [];
        foreach (NodeLoad load in nodes)
        {
            IReadOnlyList<string> obstacles = NodeFit.Obstacles(pod, load);
            if (obstacles.Count == 0)
            {
                fitting.Add(load);
            }

            foreach (string reason in obstacles)
            {
                reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
            }
        }

        if (fitting.Count == 0)
        {
            return new Placement(null, Explain(pod, nodes, reasons));
        }

        NodeLoad best = fitting
            .OrderByDescending(load => NodeFit.Score(pod, load))
            .ThenBy(load => load.Node.Metadata.Name, StringComparer.Ordinal)
            .First();
        return new Placement(best.Node.Metadata.Name, "");
    }

    private static string Explain(Pod pod, IReadOnlyList<NodeLoad> nodes, Dictionary<string, int> reasons)
    {
        if (nodes.Count == 0)
        {
            return "no nodes available to schedule pods";
        }

        string counts = string.Join(", ", reasons.Select(r => $"{r.Value} {r.Key}").Order(StringComparer.Ordinal));
        string text = $"0/{nodes.Count} nodes are available: {counts}.";
        foreach ((string resource, Quantity asked) in NodeFit.Requests(pod).OrderBy(r => r.Key, StringComparer.Ordinal))
        {
            if (reasons.ContainsKey($"Insufficient {resource}"))
            {
                Quantity most = nodes.Select(n => NodeFit.Allocatable(n.Node, resource) - n.Taken.GetValueOrDefault(resource)).Max();
                string free = most.IsNegative ? "0" : most.ToString();
                text += $" It asks for {asked} of {resource} (resources.requests.{resource}), the most that a node has free is {free}.";
            }
        }

        return text;
    }
}
