using System.Text.Json.Nodes;
using Musubi.Api.Admission;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.KubeVirt.Validation;

/// <summary>Defaults and rules of virtual machines.</summary>
internal sealed class VirtualMachineAdmission(RuleOptions? options = null) : IObjectAdmission
{
    private readonly RuleOptions _options = options ?? RuleOptions.Default;

    public ResourceType Resource => VirtualMachine.Resource;

    /// <summary>Only the machine's identity is written into the template: everything else stays as the user wrote it.</summary>
    public void Default(JsonObject obj, JsonObject? old)
    {
        if (obj.Object("spec")?.Object("template")?.Object("spec") is not { } spec)
        {
            return;
        }

        VirtualMachineInstanceAdmission.KeepIdentity(spec, old?.Object("spec")?.Object("template")?.Object("spec"));
        if (spec.Object("domain") is { } domain)
        {
            VmiDefaults.AddIdentity(domain);
        }
    }

    public AdmissionVerdict Validate(JsonObject obj, JsonObject? old)
    {
        Findings findings = new();
        Field spec = new Field(obj, "", findings)["spec"];
        if (!spec.Exists)
        {
            spec.Required("runStrategy and template");
            return findings.Verdict;
        }

        if (!spec.IsObject())
        {
            return findings.Verdict;
        }

        CheckStrategy(spec);
        foreach (string misplaced in new[] { "domain", "networks", "volumes" })
        {
            if (spec[misplaced].Exists)
            {
                spec[misplaced].Forbidden($"belongs into the template: move it to spec.template.spec.{misplaced}");
            }
        }

        CheckTemplate(spec);
        return findings.Verdict;
    }

    private static void CheckStrategy(Field spec)
    {
        bool? running = spec["running"].Bool();
        spec["runStrategy"].OneOf([.. RunStrategies.All]);
        if (spec["running"].Exists && spec["runStrategy"].Exists)
        {
            spec["running"].Forbidden("running and runStrategy exclude each other; keep runStrategy");
        }
        else if (!spec["running"].Exists && !spec["runStrategy"].Exists)
        {
            spec["runStrategy"].Required($"when the machine is to run: {string.Join(", ", RunStrategies.All)}");
        }
        else if (running is { } on)
        {
            spec.Findings.Warnings.Add($"spec.running is deprecated, please use spec.runStrategy: {(on ? RunStrategies.Always : RunStrategies.Halted)} instead.");
        }
    }

    private void CheckTemplate(Field spec)
    {
        Field template = spec["template"];
        if (!template.Exists)
        {
            template.Required("what the machine looks like; its hardware goes to spec.template.spec.domain");
            return;
        }

        if (!template.IsObject())
        {
            return;
        }

        foreach (string fixedByUs in new[] { "name", "namespace" })
        {
            if (template["metadata"][fixedByUs].TextOrNothing() is { Length: > 0 })
            {
                template["metadata"][fixedByUs].Forbidden("an instance has the name and namespace of its VirtualMachine; leave it out");
            }
        }

        CheckDataVolumes(spec, template["spec"]);
        VirtualMachineInstanceAdmission.CheckSpec(template["spec"], template["metadata"], _options);
    }

    private static void CheckDataVolumes(Field spec, Field template)
    {
        HashSet<string> used = [.. (template["volumes"].Node as JsonArray ?? []).OfType<JsonObject>().Select(v => v.Object("dataVolume")?.Text("name") ?? "")];
        foreach (Field volume in spec["dataVolumeTemplates"].Items())
        {
            if (volume["metadata"]["name"].Text() is not { Length: > 0 } name)
            {
                volume["metadata"]["name"].Required("volumes find their data volume by name");
            }
            else if (!used.Contains(name))
            {
                volume["metadata"]["name"].Invalid("no volume of the template uses this data volume");
            }
        }
    }
}
