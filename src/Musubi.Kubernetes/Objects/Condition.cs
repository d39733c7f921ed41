namespace Musubi.Kubernetes.Objects;

/// <summary>One observed aspect of an object's state.</summary>
public sealed record Condition : KubePart
{
    /// <summary>The value <c>True</c> of <see cref="Status"/>.</summary>
    public const string True = "True";

    /// <summary>The value <c>False</c> of <see cref="Status"/>.</summary>
    public const string False = "False";

    /// <summary>The value <c>Unknown</c> of <see cref="Status"/>.</summary>
    public const string Unknown = "Unknown";

    /// <summary>Which aspect, as <c>Ready</c>.</summary>
    public string Type { get; set; } = "";

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public string Status { get; set; } = Unknown;

    /// <summary>Machine-readable reason, one CamelCase word.</summary>
    public string? Reason { get; set; }

    /// <summary>Text for a person.</summary>
    public string? Message { get; set; }

    /// <summary>When <see cref="Status"/> last changed.</summary>
    public DateTimeOffset? LastTransitionTime { get; set; }

    /// <summary>When the aspect was last looked at.</summary>
    public DateTimeOffset? LastProbeTime { get; set; }

    /// <summary>Node conditions: last report.</summary>
    public DateTimeOffset? LastHeartbeatTime { get; set; }

    /// <summary>The generation of the object that was judged.</summary>
    public long? ObservedGeneration { get; set; }

    /// <summary>Whether the status is <c>True</c>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsTrue => Status == True;

    /// <summary>Whether the status is <c>False</c>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsFalse => Status == False;
}

/// <summary>Looks up and changes conditions in a list.</summary>
public static class Conditions
{
    /// <summary>The condition of a type; null when absent.</summary>
    public static Condition? Find(this IReadOnlyList<Condition>? conditions, string type) =>
        conditions?.FirstOrDefault(c => string.Equals(c.Type, type, StringComparison.Ordinal));

    /// <summary>
    /// The list with one condition put in place of its predecessor, or at the end. The transition time is kept while the status is the same,
    /// and so is the order: two writers of one list that moved their conditions about would undo each other's order for ever.
    /// </summary>
    public static List<Condition> With(this IReadOnlyList<Condition>? conditions, Condition wanted, DateTimeOffset now)
    {
        Condition? old = conditions.Find(wanted.Type);
        DateTimeOffset since = old?.Status == wanted.Status ? old.LastTransitionTime ?? now : now;
        Condition next = wanted with { LastTransitionTime = since };
        return old is null
            ? [.. conditions ?? [], next]
            : [.. conditions!.Where(c => ReferenceEquals(c, old) || c.Type != wanted.Type).Select(c => ReferenceEquals(c, old) ? next : c)];
    }

    /// <summary>The list without the condition of a type.</summary>
    public static List<Condition> Without(this IReadOnlyList<Condition>? conditions, string type) =>
        [.. (conditions ?? []).Where(c => c.Type != type)];
}
