using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Admission;

/// <summary>
/// Defaulting and validation of one resource beyond what its schema says. The embedded API server calls it in process;
/// on another cluster the same code answers admission webhooks.
/// </summary>
public interface IObjectAdmission
{
    /// <summary>The resource it is for.</summary>
    ResourceType Resource { get; }

    /// <summary>Fills in what the user left out. Called before validation, on create and on update.</summary>
    /// <param name="obj">The object as it will be stored; changed in place.</param>
    /// <param name="old">The stored object; null on create.</param>
    void Default(JsonObject obj, JsonObject? old);

    /// <summary>Judges the object; every broken rule is reported, not only the first.</summary>
    /// <param name="obj">The object after defaulting.</param>
    /// <param name="old">The stored object; null on create.</param>
    AdmissionVerdict Validate(JsonObject obj, JsonObject? old);
}

/// <summary>The outcome of <see cref="IObjectAdmission.Validate"/>.</summary>
/// <param name="Errors">Broken rules; the request is refused with 422 when there are any.</param>
/// <param name="Warnings">Texts for the client's <c>Warning:</c> header; the request goes on.</param>
public sealed record AdmissionVerdict(IReadOnlyList<FieldError> Errors, IReadOnlyList<string> Warnings)
{
    /// <summary>Nothing to say.</summary>
    public static AdmissionVerdict Allowed { get; } = new([], []);
}
