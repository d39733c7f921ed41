using System.Text.Json.Serialization;

namespace Musubi.Kubernetes.Objects;

/// <summary>Metadata of an object.</summary>
public sealed record ObjectMeta : KubePart
{
    /// <summary>Unique within the namespace and kind.</summary>
    public string? Name { get; set; }

    /// <summary>Prefix from which the server makes a name when <see cref="Name"/> is absent.</summary>
    public string? GenerateName { get; set; }

    /// <summary>Namespace; absent for cluster-scoped kinds.</summary>
    public string? Namespace { get; set; }

    /// <summary>Unique in time and space: another object of the same name has another one.</summary>
    public string? Uid { get; set; }

    /// <summary>Opaque version, changes with each write.</summary>
    public string? ResourceVersion { get; set; }

    /// <summary>Counts changes of the wanted state.</summary>
    public long? Generation { get; set; }

    /// <summary>When it was created.</summary>
    public DateTimeOffset? CreationTimestamp { get; set; }

    /// <summary>Set once deletion was asked for.</summary>
    public DateTimeOffset? DeletionTimestamp { get; set; }

    /// <summary>Seconds that a graceful deletion may take.</summary>
    public long? DeletionGracePeriodSeconds { get; set; }

    /// <summary>Labels, for selectors.</summary>
    public Dictionary<string, string>? Labels { get; set; }

    /// <summary>Annotations, for everything else.</summary>
    public Dictionary<string, string>? Annotations { get; set; }

    /// <summary>Objects this one belongs to and is deleted with.</summary>
    public List<OwnerReference>? OwnerReferences { get; set; }

    /// <summary>Who must still clean up before the object may go.</summary>
    public List<string>? Finalizers { get; set; }

    /// <summary>The owner that manages this object, if any.</summary>
    [JsonIgnore]
    public OwnerReference? Controller => OwnerReferences?.Find(o => o.Controller == true);

    /// <summary>The value of a label; null when absent.</summary>
    public string? Label(string key) => Labels is { } labels && labels.TryGetValue(key, out string? value) ? value : null;

    /// <summary>The value of an annotation; null when absent.</summary>
    public string? Annotation(string key) => Annotations is { } annotations && annotations.TryGetValue(key, out string? value) ? value : null;

    /// <summary>Whether a finalizer is set.</summary>
    public bool HasFinalizer(string finalizer) => Finalizers?.Contains(finalizer, StringComparer.Ordinal) == true;
}

/// <summary>Names an object that another one belongs to; always in the same namespace or cluster-scoped.</summary>
public sealed record OwnerReference : KubePart
{
    /// <summary><c>v1</c> or <c>group/version</c>.</summary>
    public string ApiVersion { get; set; } = "";

    /// <summary>Kind of the owner.</summary>
    public string Kind { get; set; } = "";

    /// <summary>Name of the owner.</summary>
    public string Name { get; set; } = "";

    /// <summary>UID of the owner: a new object of the same name does not own the old one's dependents.</summary>
    public string Uid { get; set; } = "";

    /// <summary>True for the one owner that manages the object.</summary>
    public bool? Controller { get; set; }

    /// <summary>Whether a foreground deletion of the owner waits for this object.</summary>
    public bool? BlockOwnerDeletion { get; set; }

    /// <summary>A reference to the managing owner.</summary>
    public static OwnerReference ControllerOf<T>(T owner)
        where T : KubeObject, IKubeObject<T> => new()
        {
            ApiVersion = T.Resource.ApiVersion,
            Kind = T.Resource.Kind,
            Name = owner.Metadata.Name ?? "",
            Uid = owner.Metadata.Uid ?? "",
            Controller = true,
            BlockOwnerDeletion = true,
        };
}
