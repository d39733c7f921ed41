using Musubi.Api.Core;
using Musubi.Kubernetes.Objects;

namespace Musubi.Controllers.Scheduling;

/// <summary>A node with what is taken on it.</summary>
/// <param name="Node">The node.</param>
/// <param name="Taken">Sum of the requests of its pods.</param>
/// <param name="Pods">How many pods it has.</param>
internal sealed record NodeLoad(Node Node, IReadOnlyDictionary<string, Quantity> Taken, int Pods);

/// <summary>Whether a pod fits on a node, and how well. Pure.</summary>
internal static class NodeFit
{
    private const string PodsResource = "pods";
    private static readonly Quantity DefaultPods = Quantity.FromInteger(110);

    /// <summary>Why the pod cannot go there; empty when it can. In the words that schedulers of the field use.</summary>
    public static IReadOnlyList<string> Obstacles(Pod pod, NodeLoad load)
    {
        Node node = load.Node;
        List<string> reasons = [];
        if (node.Spec?.Unschedulable == true && !Tolerates(pod, new Taint { Key = "node.kubernetes.io/unschedulable", Effect = "NoSchedule" }))
        {
            reasons.Add("node(s) were unschedulable");
        }

        if (node.Status?.Conditions.Find("Ready") is not { IsTrue: true })
        {
            reasons.Add("node(s) were not ready");
        }

        foreach (Taint taint in node.Spec?.Taints ?? [])
        {
            if (taint.Effect is "NoSchedule" or "NoExecute" && taint.Key != "node.kubernetes.io/unschedulable" && !Tolerates(pod, taint))
            {
                reasons.Add($"node(s) had untolerated taint {{{taint.Key}: {taint.Value}}}");
                break;
            }
        }

        if (!Selected(pod, node))
        {
            reasons.Add("node(s) didn't match Pod's node affinity/selector");
        }

        Quantity maxPods = Allocatable(node, PodsResource) is { IsZero: false } most ? most : DefaultPods;
        if (Quantity.FromInteger(load.Pods + 1) > maxPods)
        {
            reasons.Add("Too many pods");
        }

        foreach ((string resource, Quantity asked) in Requests(pod))
        {
            if (!asked.IsZero && load.Taken.GetValueOrDefault(resource) + asked > Allocatable(node, resource))
            {
                reasons.Add($"Insufficient {resource}");
            }
        }

        return reasons;
    }

    /// <summary>How much of the node would be left; more is better.</summary>
    public static double Score(Pod pod, NodeLoad load)
    {
        IReadOnlyDictionary<string, Quantity> asked = Requests(pod);
        double left = 0;
        foreach (string resource in new[] { "memory", "cpu" })
        {
            double all = Allocatable(load.Node, resource).ToMilli();
            double taken = (load.Taken.GetValueOrDefault(resource) + asked.GetValueOrDefault(resource)).ToMilli();
            left += all <= 0 ? 0 : (all - taken) / all;
        }

        return left;
    }

    /// <summary>What a pod asks for: its containers together, and its overhead. Init containers run before the others, so the larger counts.</summary>
    public static IReadOnlyDictionary<string, Quantity> Requests(Pod pod)
    {
        Dictionary<string, Quantity> sum = [];
        foreach (Container container in pod.Spec?.Containers ?? [])
        {
            foreach ((string resource, Quantity amount) in RequestsOf(container))
            {
                sum[resource] = sum.GetValueOrDefault(resource) + amount;
            }
        }

        foreach (Container container in pod.Spec?.InitContainers ?? [])
        {
            foreach ((string resource, Quantity amount) in RequestsOf(container))
            {
                sum[resource] = sum.GetValueOrDefault(resource) > amount ? sum[resource] : amount;
            }
        }

        foreach ((string resource, Quantity amount) in pod.Spec?.Overhead ?? [])
        {
            sum[resource] = sum.GetValueOrDefault(resource) + amount;
        }

        return sum;
    }

    /// <summary>A resource of a node that pods may have.</summary>
    public static Quantity Allocatable(Node node, string resource) =>
        (node.Status?.Allocatable ?? node.Status?.Capacity) is { } all && all.TryGetValue(resource, out Quantity amount) ? amount : Quantity.Zero;

    private static Dictionary<string, Quantity> RequestsOf(Container container)
    {
        // A limit without a request counts as request.
        Dictionary<string, Quantity> requests = new(container.Resources?.Requests ?? []);
        foreach ((string resource, Quantity amount) in container.Resources?.Limits ?? [])
        {
            requests.TryAdd(resource, amount);
        }

        return requests;
    }

    private static bool Tolerates(Pod pod, Taint taint) => (pod.Spec?.Tolerations ?? []).Exists(t =>
        (string.IsNullOrEmpty(t.Effect) || t.Effect == taint.Effect)
        && (string.IsNullOrEmpty(t.Key) ? t.Operator == "Exists" : t.Key == taint.Key)
        && (t.Operator == "Exists" || (t.Value ?? "") == (taint.Value ?? "")));

    private static bool Selected(Pod pod, Node node)
    {
        if (pod.Spec?.NodeSelector is { Count: > 0 } labels && !LabelSelector.Of(labels).Matches(node.Metadata.Labels))
        {
            return false;
        }

        return pod.Spec?.Affinity?.NodeAffinity?.RequiredDuringSchedulingIgnoredDuringExecution?.NodeSelectorTerms is not { Count: > 0 } terms
            || terms.Exists(term => Matches(term, node));
    }

    private static bool Matches(NodeSelectorTerm term, Node node)
    {
        if (term is { MatchExpressions: null or [], MatchFields: null or [] })
        {
            return false; // an empty term selects nothing
        }

        try
        {
            LabelSelector byLabels = LabelSelector.Of(new LabelSelectorSpec { MatchExpressions = term.MatchExpressions });
            LabelSelector byFields = LabelSelector.Of(new LabelSelectorSpec { MatchExpressions = term.MatchFields });
            return byLabels.Matches(node.Metadata.Labels) && byFields.Matches(new Dictionary<string, string> { ["metadata.name"] = node.Metadata.Name ?? "" });
        }
        catch (FormatException)
        {
            return false; // an expression that means nothing selects nothing
        }
    }
}
