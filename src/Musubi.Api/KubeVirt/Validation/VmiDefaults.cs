using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.KubeVirt.Validation;

/// <summary>
/// What an instance's specification means where the user left something out. Applying it twice changes nothing, and values of a wrong
/// type are left for validation to name.
/// </summary>
public static class VmiDefaults
{
    /// <summary>Completes a specification in place.</summary>
    public static void Apply(JsonObject spec)
    {
        if (Child(spec, "domain") is not { } domain || Child(domain, "devices") is not { } devices)
        {
            return;
        }

        SetIfAbsent(spec, "architecture", "amd64");
        if (Child(domain, "machine") is { } machine)
        {
            SetIfAbsent(machine, "type", spec.Text("architecture") == "arm64" ? "virt" : "q35");
        }

        if (Child(domain, "cpu") is { } cpu)
        {
            SetIfAbsent(cpu, "model", "host-model");
        }

        AddGuestMemory(domain);
        AddIdentity(domain);
        AddDefaultNetwork(spec, devices);
        AddDisks(spec, devices);
        NormalizeAddresses(spec, devices);
    }

    /// <summary>Gives a machine its firmware UUID and serial, once and for all.</summary>
    internal static void AddIdentity(JsonObject domain)
    {
        if (Child(domain, "firmware") is { } firmware)
        {
            SetIfAbsent(firmware, "uuid", Guid.NewGuid().ToString());
            SetIfAbsent(firmware, "serial", Guid.NewGuid().ToString());
        }
    }

    private static void AddGuestMemory(JsonObject domain)
    {
        JsonObject? resources = domain.Object("resources");
        JsonNode? asked = resources?.Object("requests")?["memory"] ?? resources?.Object("limits")?["memory"];
        if (domain.Object("memory")?["guest"] is null && asked is not null && Child(domain, "memory") is { } memory)
        {
            memory["guest"] = asked.DeepClone();
        }
    }

    /// <summary>A machine that names neither interfaces nor networks gets the cluster's network, behind the pod's address.</summary>
    private static void AddDefaultNetwork(JsonObject spec, JsonObject devices)
    {
        bool none = devices["interfaces"] is null or JsonArray { Count: 0 } && spec["networks"] is null or JsonArray { Count: 0 };
        if (!none || devices.Bool("autoattachPodInterface") == false)
        {
            return;
        }

        devices["interfaces"] = new JsonArray(new JsonObject { ["name"] = "default", ["masquerade"] = new JsonObject() });
        spec["networks"] = new JsonArray(new JsonObject { ["name"] = "default", ["pod"] = new JsonObject() });
    }

    private static void AddDisks(JsonObject spec, JsonObject devices)
    {
        if (spec["volumes"] is JsonArray volumes && devices["disks"] is null or JsonArray)
        {
            JsonArray disks = devices["disks"] as JsonArray ?? [];
            HashSet<string> known = [.. disks.OfType<JsonObject>().Select(d => d.Text("name") ?? "")];
            foreach (JsonObject volume in volumes.OfType<JsonObject>())
            {
                if (volume.Text("name") is { Length: > 0 } name && known.Add(name))
                {
                    disks.Add(new JsonObject { ["name"] = name, ["disk"] = new JsonObject() });
                }
            }

            if (disks.Count > 0 && disks.Parent is null)
            {
                devices["disks"] = disks;
            }
        }

        foreach (JsonObject disk in (devices["disks"] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (disk["disk"] is null && disk["lun"] is null && disk["cdrom"] is null)
            {
                disk["disk"] = new JsonObject();
            }

            foreach ((string target, string bus) in new[] { ("disk", "virtio"), ("lun", "virtio"), ("cdrom", "sata") })
            {
                if (disk.Object(target) is { } options)
                {
                    SetIfAbsent(options, "bus", bus);
                }
            }
        }
    }

    /// <summary>IPv4 octets with leading zeros were accepted by older releases as decimal; they are stored without.</summary>
    private static void NormalizeAddresses(JsonObject spec, JsonObject devices)
    {
        foreach (JsonObject network in (spec["networks"] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (network.Object("pod") is { } pod && pod.Text("vmNetworkCIDR") is { } cidr)
            {
                pod["vmNetworkCIDR"] = WithoutLeadingZeros(cidr);
            }
        }

        NormalizeList(spec.Object("dnsConfig"), "nameservers");
        foreach (JsonObject one in (devices["interfaces"] as JsonArray ?? []).OfType<JsonObject>())
        {
            NormalizeList(one.Object("dhcpOptions"), "ntpServers");
        }
    }

    private static void NormalizeList(JsonObject? holder, string name)
    {
        if (holder?[name] is JsonArray list)
        {
            for (int i = 0; i < list.Count; i++)
            {
                if (list[i] is JsonValue v && v.TryGetValue(out string? text))
                {
                    list[i] = WithoutLeadingZeros(text);
                }
            }
        }
    }

    private static string WithoutLeadingZeros(string address)
    {
        int slash = address.IndexOf('/', StringComparison.Ordinal);
        string[] octets = (slash < 0 ? address : address[..slash]).Split('.');
        if (octets.Length != 4 || !octets.All(o => o.Length is > 0 and <= 4 && o.All(char.IsAsciiDigit)))
        {
            return address;
        }

        return string.Join('.', octets.Select(o => o.TrimStart('0') is { Length: > 0 } digits ? digits : "0")) + (slash < 0 ? "" : address[slash..]);
    }

    /// <summary>A member that is an object, added when absent; null when it is something else.</summary>
    private static JsonObject? Child(JsonObject parent, string name)
    {
        if (parent[name] is null)
        {
            parent[name] = new JsonObject();
        }

        return parent[name] as JsonObject;
    }

    private static void SetIfAbsent(JsonObject obj, string name, string value)
    {
        if (obj[name] is null || obj.Text(name) is { Length: 0 })
        {
            obj[name] = value;
        }
    }
}
