using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Storage;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Kinds;

/// <summary>What a write is about, for the rules of its kind.</summary>
/// <param name="Time">The time of the write, in whole seconds.</param>
/// <param name="Subresource">Empty for the object itself.</param>
/// <param name="DryRun">Nothing may be reserved.</param>
internal sealed record WriteContext(DateTimeOffset Time, string Subresource, bool DryRun);

/// <summary>What distinguishes a kind beyond its schema. The base holds what most kinds do.</summary>
internal class KindRules
{
    /// <summary>Plain kinds whose metadata and content are one, as ConfigMap.</summary>
    public static KindRules Plain { get; } = new();

    /// <summary>A PUT creates the object when it is absent.</summary>
    public virtual bool CreatesOnUpdate => false;

    /// <summary>A PUT must say which version it replaces.</summary>
    public virtual bool UpdateNeedsVersion => false;

    /// <summary>Whether <c>metadata.generation</c> counts changes of what is wanted.</summary>
    public virtual bool HasGeneration => false;

    /// <summary>A DELETE that removes the object answers with its last state rather than a Status.</summary>
    public virtual bool AnswersDeletedObject => false;

    /// <summary>Changes to metadata through the status subresource are ignored.</summary>
    public virtual bool StatusKeepsMetadata => false;

    /// <summary>Field selectors beyond name and namespace.</summary>
    public virtual IReadOnlyList<string> SelectableFields => [];

    /// <summary>Why a name is not allowed; null when it is.</summary>
    public virtual string? NameError(string name) => NameSyntax.SubdomainError(name);

    /// <summary>Fills in what a new object leaves out.</summary>
    public virtual void PrepareCreate(JsonObject obj, WriteContext context)
    {
    }

    /// <summary>Carries over what an update may not touch, and fills in what it leaves out.</summary>
    public virtual void PrepareUpdate(JsonObject obj, JsonObject old, WriteContext context)
    {
    }

    /// <summary>Judges the kind's own fields.</summary>
    public virtual void Validate(JsonObject obj, JsonObject? old, ICollection<FieldError> errors)
    {
    }

    /// <summary>What an object of this kind gets as a grace period; null when its deletion is immediate.</summary>
    public virtual long? GracePeriod(JsonObject obj, long? asked) => null;

    /// <summary>Whether something besides <c>metadata.finalizers</c> keeps a deleted object.</summary>
    public virtual bool IsHeld(JsonObject obj) => false;

    /// <summary>Marks an object whose deletion begins.</summary>
    public virtual void DeletionBegins(JsonObject obj)
    {
    }

    /// <summary>Why this object may never be deleted; null when it may.</summary>
    public virtual string? DeletionForbidden(StoredObject obj) => null;

    /// <summary>The value of a selectable field.</summary>
    public virtual string? Field(JsonObject obj, string path) => obj.At(path.Split('.')) switch
    {
        JsonValue v when v.AsText() is { } text => text,
        JsonValue v => v.ToJsonString(),
        _ => null,
    };

    /// <summary>Takes what the object needs from a common supply (addresses, ports), after everything else about it is right.</summary>
    /// <returns>Gives it back, should the object not be stored.</returns>
    public virtual Action? Reserve(JsonObject obj, JsonObject? old, ICollection<FieldError> errors) => null;

    /// <summary>Gives back what an object no longer needs.</summary>
    /// <param name="old">The object as it was.</param>
    /// <param name="next">As it is now; null when it is gone.</param>
    public virtual void Release(JsonObject old, JsonObject? next)
    {
    }
}
