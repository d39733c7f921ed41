using Musubi.Api.Admission;
using Musubi.Kubernetes.Objects;
using Musubi.Linux.Addresses;

namespace Musubi.Api.KubeVirt.Validation;

/// <summary>Rules about memory, processors, identity, names and probes.</summary>
internal static class MachineRules
{
    private const long MaxProcessors = 512;
    private const int MaxNameservers = 3;
    private const int MaxSearches = 6;
    private const int MaxSearchCharacters = 256;

    public static void Check(Field spec)
    {
        Field domain = spec["domain"];
        CheckMemory(domain);
        CheckProcessors(domain);
        if (domain["firmware"]["uuid"].Text() is { Length: > 0 } uuid && !Guid.TryParseExact(uuid, "D", out _))
        {
            domain["firmware"]["uuid"].Invalid("must be a UUID as 5d307ca9-b3ef-428c-8861-06e72d69f223");
        }

        if (domain["machine"]["type"].Text() is { Length: > 0 } machine && !IsMachineType(machine))
        {
            domain["machine"]["type"].NotSupported("q35", "pc-q35-*", "virt", "s390-ccw-virtio");
        }

        CheckNames(spec);
        CheckDns(spec);
        CheckProbe(spec, spec["readinessProbe"]);
        CheckProbe(spec, spec["livenessProbe"]);
        spec["evictionStrategy"].OneOf("", "None", "LiveMigrate", "LiveMigrateIfPossible", "External");
        spec["startStrategy"].OneOf("", "Paused");
        spec["architecture"].OneOf("", "amd64", "arm64", "s390x");
        if (spec["terminationGracePeriodSeconds"].Integer() is < 0)
        {
            spec["terminationGracePeriodSeconds"].Invalid("must be 0 or more seconds");
        }

        CheckMap(spec["nodeSelector"]);
    }

    private static void CheckMemory(Field domain)
    {
        Field guest = domain["memory"]["guest"];
        Field request = domain["resources"]["requests"]["memory"];
        Field limit = domain["resources"]["limits"]["memory"];
        Field page = domain["memory"]["hugepages"]["pageSize"];
        Quantity? guestSize = guest.Amount();
        Quantity? requested = request.Amount();
        Quantity? limited = limit.Amount();
        if (!guest.Exists && !request.Exists && !limit.Exists && !page.Exists)
        {
            guest.Required("how much memory the guest gets, as 512Mi; set memory.guest or resources.requests.memory");
        }

        foreach (Field given in new[] { guest, request, limit })
        {
            if (given.Exists && Quantity.TryParse(given.Node?.ToString(), out Quantity size) && size.IsZero)
            {
                given.Invalid("must be above zero, as 512Mi");
            }
        }

        if (requested is { } r && limited is { } l && r > l)
        {
            request.Invalid($"must not be above resources.limits.memory, {l}");
        }

        if (limited is { } most && guestSize is { } g && g > most)
        {
            limit.Invalid($"must not be below memory.guest, {g}");
        }

        if (domain["resources"]["requests"]["cpu"].Amount() is { } cpu && domain["resources"]["limits"]["cpu"].Amount() is { } cpuLimit && cpu > cpuLimit)
        {
            domain["resources"]["requests"]["cpu"].Invalid($"must not be above resources.limits.cpu, {cpuLimit}");
        }

        if (page.Exists)
        {
            Quantity? pageSize = page.Amount();
            Quantity? memory = guestSize ?? requested ?? limited;
            if (pageSize is { IsZero: true })
            {
                page.Invalid("must be above zero, as 2Mi or 1Gi");
            }
            else if (pageSize is { } p && memory is { } m && m.ToBytes() % p.ToBytes() != 0)
            {
                page.Invalid($"must divide the memory of {m} without rest");
            }
        }
    }

    private static void CheckProcessors(Field domain)
    {
        long total = 1;
        foreach (string part in new[] { "sockets", "cores", "threads" })
        {
            Field field = domain["cpu"][part];
            if (field.Integer() is not { } count)
            {
                continue;
            }

            if (count is < 1 or > MaxProcessors)
            {
                field.Invalid($"must be between 1 and {MaxProcessors}");
            }
            else
            {
                total *= count;
            }
        }

        if (total > MaxProcessors)
        {
            domain["cpu"].Invalid(total, $"sockets × cores × threads may be at most {MaxProcessors}");
        }

        if (domain["cpu"]["maxSockets"].Integer() is { } most && (most > MaxProcessors || (domain["cpu"]["sockets"].Integer() ?? 1) > most))
        {
            domain["cpu"]["maxSockets"].Invalid($"must be between cpu.sockets and {MaxProcessors}");
        }
    }

    private static bool IsMachineType(string type) =>
        type is "q35" or "virt" or "s390-ccw-virtio" || type.StartsWith("pc-q35-", StringComparison.Ordinal) || type.StartsWith("virt-", StringComparison.Ordinal);

    private static void CheckNames(Field spec)
    {
        if (spec["hostname"].Text() is { Length: > 0 } host && !IsLabel(host))
        {
            spec["hostname"].Invalid("must be a DNS label: at most 63 lower case letters, digits and '-', not beginning or ending with '-'");
        }

        if (spec["subdomain"].Text() is { Length: > 0 } sub && !(sub.Length <= 253 && sub.Split('.').All(IsLabel)))
        {
            spec["subdomain"].Invalid("must be a DNS name: labels of lower case letters, digits and '-' joined by '.'");
        }
    }

    private static void CheckDns(Field spec)
    {
        spec["dnsPolicy"].OneOf("", "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None");
        Field config = spec["dnsConfig"];
        IReadOnlyList<Field> servers = config["nameservers"].Items();
        if (spec["dnsPolicy"].TextOrNothing() == "None" && servers.Count == 0)
        {
            config["nameservers"].Required("at least one name server when dnsPolicy is None");
        }

        if (servers.Count > MaxNameservers)
        {
            config["nameservers"].Invalid(servers.Count, $"may have at most {MaxNameservers} entries");
        }

        foreach (Field server in servers)
        {
            if (server.Text() is { } text && !IpText.TryParseAddress(text, out _))
            {
                server.Invalid("must be an IP address");
            }
        }

        IReadOnlyList<Field> searches = config["searches"].Items();
        int characters = searches.Sum(s => (s.Text() ?? "").Length + 1);
        if (searches.Count > MaxSearches || characters > MaxSearchCharacters + 1)
        {
            config["searches"].Invalid(searches.Count, $"may have at most {MaxSearches} domains and {MaxSearchCharacters} characters");
        }
    }

    private static void CheckProbe(Field spec, Field probe)
    {
        if (!probe.Exists || !probe.IsObject())
        {
            return;
        }

        string[] handlers = [.. new[] { "httpGet", "tcpSocket", "exec", "guestAgentPing" }.Where(h => probe[h].Exists)];
        if (handlers.Length != 1)
        {
            probe.Invalid(string.Join(" and ", handlers), "exactly one handler is needed: httpGet, tcpSocket, exec or guestAgentPing");
        }

        bool dials = handlers.Any(h => h is "httpGet" or "tcpSocket");
        bool hasPodNetwork = spec["networks"].Node is System.Text.Json.Nodes.JsonArray { Count: > 0 } networks
            ? networks.Any(n => n is System.Text.Json.Nodes.JsonObject o && o["pod"] is not null)
            : spec["domain"]["devices"]["autoattachPodInterface"].Node is not System.Text.Json.Nodes.JsonValue v || !v.TryGetValue(out bool auto) || auto;
        if (dials && !hasPodNetwork)
        {
            probe.Invalid(handlers[0], "httpGet and tcpSocket dial the pod's address and need a pod network; use exec or guestAgentPing");
        }
    }

    private static void CheckMap(Field map)
    {
        if (!map.Exists || !map.IsObject())
        {
            return;
        }

        foreach ((string name, Field value) in map.Members())
        {
            if (LabelSyntax.KeyError(name) is { } keyError)
            {
                map.Invalid(name, keyError);
            }

            if (value.Text() is { } text && LabelSyntax.ValueError(text) is { } valueError)
            {
                value.Invalid(valueError);
            }
        }
    }

    private static bool IsLabel(string text) =>
        text.Length is > 0 and <= 63 && text[0] != '-' && text[^1] != '-' && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
