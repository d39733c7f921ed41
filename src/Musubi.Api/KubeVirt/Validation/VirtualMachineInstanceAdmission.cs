using System.Text.Json.Nodes;
using Musubi.Api.Admission;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.KubeVirt.Validation;

/// <summary>Defaults and rules of instances.</summary>
internal sealed class VirtualMachineInstanceAdmission(RuleOptions? options = null) : IObjectAdmission
{
    private const int MaxItems = 256;
    private readonly RuleOptions _options = options ?? RuleOptions.Default;

    public ResourceType Resource => VirtualMachineInstance.Resource;

    public void Default(JsonObject obj, JsonObject? old)
    {
        if (obj.Object("spec") is { } spec)
        {
            KeepIdentity(spec, old?.Object("spec"));
            VmiDefaults.Apply(spec);
        }

        if (old is null && obj.Object("metadata") is { } metadata && metadata["finalizers"] is null or JsonArray)
        {
            JsonArray finalizers = metadata["finalizers"] as JsonArray ?? [];
            if (!finalizers.Any(f => f is JsonValue v && v.TryGetValue(out string? s) && s == KubeVirtNames.VmiFinalizer))
            {
                finalizers.Add(KubeVirtNames.VmiFinalizer);
            }

            if (finalizers.Parent is null)
            {
                metadata["finalizers"] = finalizers;
            }
        }
    }

    public AdmissionVerdict Validate(JsonObject obj, JsonObject? old)
    {
        Findings findings = new();
        Field root = new(obj, "", findings);
        CheckSpec(root["spec"], root["metadata"], _options);
        if (old is not null && !old["spec"].SameAs(obj["spec"]))
        {
            root["spec"].Forbidden("an instance cannot be changed once it is there; change the VirtualMachine's template and restart it");
        }

        return findings.Verdict;
    }

    /// <summary>All rules of an instance's specification, wherever it stands.</summary>
    internal static void CheckSpec(Field spec, Field metadata, RuleOptions options)
    {
        if (!spec.Exists)
        {
            spec.Required("what the machine looks like");
            return;
        }

        if (!spec.IsObject())
        {
            return;
        }

        if (!spec["domain"].Exists)
        {
            spec["domain"].Required("the virtual hardware: memory, disks and interfaces");
        }

        foreach (Field part in new[] { spec["domain"], spec["domain"]["devices"], spec["domain"]["resources"], spec["domain"]["memory"], spec["domain"]["cpu"] })
        {
            if (part.Exists)
            {
                part.IsObject();
            }
        }

        foreach (Field list in new[] { spec["networks"], spec["volumes"], spec["domain"]["devices"]["interfaces"], spec["domain"]["devices"]["disks"] })
        {
            if (list.Node is JsonArray { Count: > MaxItems } items)
            {
                list.Findings.Errors.Add(new("FieldValueTooMany", list.Path, $"Too many: {items.Count}: must have at most {MaxItems} items"));
                return;
            }
        }

        bool withSidecar = metadata["annotations"][KubeVirtNames.IstioInject].TextOrNothing() == "true";
        NetworkRules.Check(spec, withSidecar, options);
        DiskRules.Check(spec);
        MachineRules.Check(spec);
    }

    /// <summary>A replacement that leaves the identity out keeps the one the machine has.</summary>
    internal static void KeepIdentity(JsonObject spec, JsonObject? oldSpec)
    {
        if (oldSpec?.Object("domain")?.Object("firmware") is not { } was || spec.Object("domain") is not { } domain || domain["firmware"] is not (null or JsonObject))
        {
            return;
        }

        JsonObject firmware = domain.ObjectOrNew("firmware");
        foreach (string identity in new[] { "uuid", "serial" })
        {
            if (firmware[identity] is null && was[identity] is { } value)
            {
                firmware[identity] = value.DeepClone();
            }
        }
    }
}
