using System.Text.Json.Nodes;
using Musubi.Api.Admission;
using Musubi.ApiServer.Discovery;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Admission;

/// <summary>Calls the product's own admission, resource by resource, in the order in which it was given.</summary>
internal sealed class AdmissionChain(IReadOnlyList<IObjectAdmission> admissions)
{
    private readonly ILookup<(string Group, string Plural), IObjectAdmission> _byResource =
        admissions.ToLookup(a => (a.Resource.Group, a.Resource.Plural));

    public void Default(ServedResource resource, JsonObject obj, JsonObject? old)
    {
        foreach (IObjectAdmission admission in For(resource)) admission.Default(obj, old);
    }

    public void Validate(ServedResource resource, JsonObject obj, JsonObject? old, ICollection<FieldError> errors, ICollection<string> warnings)
    {
        foreach (IObjectAdmission admission in For(resource))
        {
            AdmissionVerdict verdict = admission.Validate(obj, old);
            foreach (FieldError error in verdict.Errors) errors.Add(error);
            foreach (string warning in verdict.Warnings) warnings.Add(warning);
        }
    }

    private IEnumerable<IObjectAdmission> For(ServedResource resource) => _byResource[(resource.Type.Group, resource.Type.Plural)];
}
