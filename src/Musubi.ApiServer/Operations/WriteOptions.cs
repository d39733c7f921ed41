namespace Musubi.ApiServer.Operations;

/// <summary>What happens with fields that a kind does not have.</summary>
internal enum FieldValidation
{
    /// <summary>They are dropped silently.</summary>
    Ignore,

    /// <summary>They are dropped with a warning.</summary>
    Warn,

    /// <summary>The request is refused.</summary>
    Strict,
}

/// <summary>How a write is to be done, and where its warnings go.</summary>
internal sealed class WriteOptions
{
    public bool DryRun { get; init; }

    public FieldValidation Validation { get; init; } = FieldValidation.Warn;

    /// <summary>Repeated keys that the body had; treated like unknown fields.</summary>
    public List<string> Duplicates { get; init; } = [];

    public List<string> Warnings { get; } = [];

    /// <summary>For the server's own writes.</summary>
    public static WriteOptions Internal => new() { Validation = FieldValidation.Ignore };
}

/// <summary>How an object is to be deleted.</summary>
internal sealed record DeleteOptions
{
    public long? GracePeriodSeconds { get; init; }

    /// <summary><c>Background</c>, <c>Foreground</c>, <c>Orphan</c>; null leaves it to the object's finalizers.</summary>
    public string? PropagationPolicy { get; init; }

    public string? PreconditionUid { get; init; }

    public string? PreconditionVersion { get; init; }

    public bool DryRun { get; init; }
}

/// <summary>The outcome of a write.</summary>
/// <param name="Json">The object in the version that was asked for.</param>
/// <param name="Created">The object is new.</param>
/// <param name="Gone">The object exists no longer.</param>
internal readonly record struct WriteOutcome(byte[] Json, bool Created = false, bool Gone = false);
