using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Musubi.Api.Admission;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Cni;

/// <summary>The CNI configuration in a definition is judged when it is written, not when the first pod fails on it.</summary>
internal sealed partial class NetworkAttachmentDefinitionAdmission : IObjectAdmission
{
    private static readonly string[] Versions = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

    public ResourceType Resource => NetworkAttachmentDefinition.Resource;

    public void Default(JsonObject obj, JsonObject? old)
    {
        // Nothing: the configuration is kept byte by byte.
    }

    public AdmissionVerdict Validate(JsonObject obj, JsonObject? old)
    {
        Findings findings = new();
        Field config = new Field(obj, "", findings)["spec"]["config"];
        if (config.Text() is not { Length: > 0 } text)
        {
            return findings.Verdict; // a file on the node, found by the definition's name
        }

        JsonNode? parsed;
        try
        {
            parsed = JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            config.Invalid("...", $"is not JSON: {e.Message}");
            return findings.Verdict;
        }

        if (parsed is not JsonObject)
        {
            config.Invalid("...", "must be a JSON object with \"type\" or \"plugins\"");
            return findings.Verdict;
        }

        // Findings inside the text are about the text's own keys, below spec.config.
        CheckConfig(new Field(parsed, config.Path, findings));
        return findings.Verdict;
    }

    private static void CheckConfig(Field config)
    {
        if (config["cniVersion"].Text() is { Length: > 0 } version && !Versions.Contains(version, StringComparer.Ordinal))
        {
            config["cniVersion"].NotSupported(Versions);
        }

        if (config["name"].Text() is { Length: > 0 } name && !NetworkName().IsMatch(name))
        {
            config["name"].Invalid("must begin with a letter or digit, followed by letters, digits, '_', '.' or '-'");
        }

        if (!config["plugins"].Exists)
        {
            CheckPlugin(config, "the plugin to call, or \"plugins\" with a list of them");
            return;
        }

        IReadOnlyList<Field> plugins = config["plugins"].Items();
        if (plugins.Count == 0 && config["plugins"].Node is JsonArray)
        {
            config["plugins"].Required("at least one plugin");
        }

        foreach (Field plugin in plugins)
        {
            if (plugin.IsObject())
            {
                CheckPlugin(plugin, "the plugin to call");
            }
            else if (!plugin.Exists)
            {
                plugin.Required("an object with \"type\"");
            }
        }
    }

    private static void CheckPlugin(Field plugin, string need)
    {
        CheckType(plugin["type"], need);
        Field ipam = plugin["ipam"];
        if (ipam.Exists && ipam.IsObject() && ipam.Node is JsonObject { Count: > 0 })
        {
            CheckType(ipam["type"], "the plugin that gives addresses; leave ipam out when there are none");
        }

        if (plugin["capabilities"] is { Exists: true } capabilities)
        {
            capabilities.IsObject();
        }

        if (plugin["mtu"].Exists && plugin["mtu"].Integer() is < 0 or > 65536)
        {
            plugin["mtu"].Invalid("must be between 0 and 65536");
        }

        if (plugin["vlan"].Exists && plugin["vlan"].Integer() is < 0 or > 4094)
        {
            plugin["vlan"].Invalid("must be between 0 and 4094");
        }
    }

    private static void CheckType(Field type, string need)
    {
        if (!type.Exists || type.TextOrNothing() is "")
        {
            type.Required(need);
        }
        else if (type.Text() is { } text && text.AsSpan().ContainsAny('/', '\0'))
        {
            type.Invalid("must be the name of a plugin, not a path");
        }
    }

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9_.-]*$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex NetworkName();
}
