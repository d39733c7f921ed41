using Musubi.Api.Cni;
using Musubi.Api.KubeVirt.Validation;

namespace Musubi.Api.Admission;

/// <summary>The defaulting and validation of all resources that Musubi brings.</summary>
public static class ObjectAdmissions
{
    /// <summary>One per resource.</summary>
    public static IReadOnlyList<IObjectAdmission> All { get; } =
    [
        new VirtualMachineAdmission(),
        new VirtualMachineInstanceAdmission(),
        new NetworkAttachmentDefinitionAdmission(),
    ];
}
