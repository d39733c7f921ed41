using System.Net;
using Musubi.Api.Admission;
using Musubi.Linux.Addresses;

namespace Musubi.Api.KubeVirt.Validation;

/// <summary>Rules about networks and how interfaces connect to them.</summary>
internal static class NetworkRules
{
    private static readonly string[] Bindings = ["bridge", "masquerade", "sriov", "passtBinding", "binding"];
    private static readonly string[] Discontinued = ["slirp", "passt", "macvtap"];

    private enum Source
    {
        None,
        Pod,
        Multus,
        Other,
    }

    public static void Check(Field spec, bool withSidecar, RuleOptions options)
    {
        IReadOnlyList<Field> networks = spec["networks"].Items();
        IReadOnlyList<Field> interfaces = spec["domain"]["devices"]["interfaces"].Items();
        Dictionary<string, Field> networkByName = Index(networks, "networks have unique names");
        Dictionary<string, Field> interfaceByName = Index(interfaces, "there is one interface per network");
        Dictionary<string, Source> sources = [];
        foreach (Field network in networks)
        {
            Source source = CheckNetwork(network);
            if (network["name"].TextOrNothing() is { Length: > 0 } name)
            {
                sources.TryAdd(name, source);
                if (!interfaceByName.ContainsKey(name))
                {
                    network["name"].Required($"{spec["domain"]["devices"]["interfaces"].Path} '{name}' not found; every network needs an interface of its name");
                }
            }
        }

        CheckDefaults(spec, networks, interfaces);
        Dictionary<MacAddress, string> macs = [];
        foreach (Field one in interfaces)
        {
            if (!one.IsObject())
            {
                continue;
            }

            string name = one["name"].TextOrNothing() ?? "";
            if (name.Length > 0 && !networkByName.ContainsKey(name))
            {
                one["name"].Invalid($"{spec["networks"].Path} '{name}' not found; every interface needs a network of its name");
            }

            Source source = sources.GetValueOrDefault(name);
            bool multusDefault = networkByName.TryGetValue(name, out Field network) && IsMultusDefault(network);
            CheckBinding(one, source, options);
            CheckState(one, source == Source.Pod || multusDefault);
            InterfaceRules.Check(one, source == Source.Pod, withSidecar, options);
            if (MacAddress.TryParse(one["macAddress"].TextOrNothing() ?? "", out MacAddress mac) && mac != MacAddress.Zero && !macs.TryAdd(mac, name))
            {
                one["macAddress"].Duplicate($"interface '{macs[mac]}' of this machine has it already");
            }
        }
    }

    private static Dictionary<string, Field> Index(IReadOnlyList<Field> list, string rule)
    {
        Dictionary<string, Field> byName = [];
        foreach (Field one in list)
        {
            if (!one.IsObject())
            {
                continue;
            }

            if (one["name"].Text() is not { Length: > 0 } name)
            {
                one["name"].Required(rule);
            }
            else if (!byName.TryAdd(name, one))
            {
                one["name"].Duplicate(rule);
            }
        }

        return byName;
    }

    private static Source CheckNetwork(Field network)
    {
        if (!network.IsObject())
        {
            return Source.None;
        }

        string[] given = [.. new[] { "pod", "multus", "resourceClaim" }.Where(s => network[s].Exists)];
        if (given.Length != 1)
        {
            network.Required(given.Length == 0
                ? "a network type: pod or multus"
                : $"only one network type may be given, found {string.Join(" and ", given)}");
            return given.Length == 0 ? Source.None : Source.Other;
        }

        Field source = network[given[0]];
        if (!source.IsObject())
        {
            return Source.Other;
        }

        switch (given[0])
        {
            case "pod":
                CheckVmNetwork(source["vmNetworkCIDR"], wantIPv6: false);
                CheckVmNetwork(source["vmIPv6NetworkCIDR"], wantIPv6: true);
                return Source.Pod;
            case "multus":
                CheckMultus(network, source);
                return Source.Multus;
            default:
                source.Forbidden("networks from resource claims are not enabled on this cluster; use pod or multus");
                return Source.Other;
        }
    }

    private static void CheckMultus(Field network, Field multus)
    {
        multus["default"].Bool();
        if (multus["networkName"].Text() is not { Length: > 0 } name)
        {
            network.Required("multus needs networkName, the name of a NetworkAttachmentDefinition as 'name' or 'namespace/name'");
            return;
        }

        string[] parts = name.Split('/');
        if (parts.Length > 2 || parts.Any(p => !IsDnsName(p)))
        {
            multus["networkName"].Invalid("must be the name of a NetworkAttachmentDefinition as 'name' or 'namespace/name', in lower case");
        }
    }

    private static void CheckVmNetwork(Field field, bool wantIPv6)
    {
        if (field.Text() is not { Length: > 0 } text)
        {
            return;
        }

        string example = wantIPv6 ? "an IPv6 network as fd10:0:2::/120" : "an IPv4 network as 10.0.2.0/24";
        if (!text.Contains('/', StringComparison.Ordinal) || !Cidr.TryParse(text, out Cidr cidr) || cidr.IsIPv6 != wantIPv6)
        {
            field.Invalid($"must be {example}");
        }
        else if (cidr.PrefixLength > cidr.Bits - 2)
        {
            field.Invalid($"is too small: gateway and guest need two addresses, so the prefix length may be at most {cidr.Bits - 2}");
        }
        else if (cidr.PrefixLength == 0 || IPAddress.IsLoopback(cidr.Address) || cidr.Address.IsIPv6Multicast || (!wantIPv6 && cidr.Address.GetAddressBytes()[0] is 0 or >= 224))
        {
            field.Invalid($"must be a network of unicast addresses, as {example}");
        }
    }

    private static void CheckDefaults(Field spec, IReadOnlyList<Field> networks, IReadOnlyList<Field> interfaces)
    {
        HashSet<string> pods = [.. networks.Where(n => n["pod"].Exists).Select(n => n["name"].TextOrNothing() ?? "")];
        int multusDefaults = networks.Count(IsMultusDefault);
        if (pods.Count > 1 || interfaces.Count(i => pods.Contains(i["name"].TextOrNothing() ?? "")) > 1)
        {
            Field list = spec["domain"]["devices"]["interfaces"];
            list.Findings.Errors.Add(new(
                Kubernetes.Objects.FieldErrorReason.Duplicate,
                list.Path,
                "more than one interface is connected to a pod network; connect the others through a NetworkAttachmentDefinition (multus)"));
        }

        if (multusDefaults > 1)
        {
            spec["networks"].Invalid(multusDefaults, "only one multus network may be the default");
        }

        if (pods.Count > 0 && multusDefaults > 0)
        {
            spec["networks"].Invalid(multusDefaults, "a pod network and a multus network with default: true exclude each other; drop one of them");
        }
    }

    private static void CheckBinding(Field one, Source source, RuleOptions options)
    {
        foreach (string old in Discontinued.Where(d => one[d].Exists))
        {
            one[old].Invalid($"{old} was discontinued; use masquerade or bridge");
        }

        string[] given = [.. Bindings.Where(b => one[b].Exists)];
        if (given.Length != 1)
        {
            if (given.Length > 1 || !Discontinued.Any(d => one[d].Exists))
            {
                string found = given.Length == 0 ? UnknownBinding(one) : $"found {string.Join(" and ", given)}";
                one.Invalid(one["name"].TextOrNothing() ?? "", $"exactly one binding is needed: masquerade, bridge, sriov or binding; {found}");
            }

            return;
        }

        one[given[0]].IsObject();
        switch (given[0])
        {
            case "masquerade" when source is Source.Multus or Source.Other:
                one["name"].Invalid("masquerade works on a pod network only; use bridge for this network");
                break;
            case "bridge" when source == Source.Pod && !options.BridgeOnPodNetwork:
                one["name"].Invalid("bridge on the pod network is not enabled on this cluster; use masquerade");
                break;
            case "sriov" when source == Source.Pod:
                one["name"].Invalid("sriov needs a multus network; use masquerade on the pod network");
                break;
            case "passtBinding":
                one["name"].Invalid("the passt binding is not enabled on this cluster; use masquerade");
                break;
            case "binding" when one["binding"]["name"].Text() is not { Length: > 0 } plugin:
                one["binding"]["name"].Required("the name of a registered network binding plugin");
                break;
            case "binding" when !options.BindingPlugins.Contains(one["binding"]["name"].TextOrNothing() ?? "", StringComparer.Ordinal):
                one["binding"]["name"].NotFound("no network binding plugin of this name is registered; use masquerade or bridge");
                break;
        }
    }

    /// <summary>A member whose value is an empty object is meant as binding: naming it helps to see a misspelt one.</summary>
    private static string UnknownBinding(Field one)
    {
        string[] unknown = [.. one.Members().Where(m => m.Value.Node is System.Text.Json.Nodes.JsonObject && m.Name != "dhcpOptions").Select(m => m.Name)];
        return unknown.Length == 0 ? "found none" : $"'{string.Join("', '", unknown)}' is not a binding";
    }

    private static void CheckState(Field one, bool onDefaultNetwork)
    {
        Field state = one["state"];
        switch (state.Text())
        {
            case null or "":
                break;
            case "up" or "down":
                if (one["sriov"].Exists)
                {
                    state.Invalid("the link state of sriov interfaces cannot be set; leave it out");
                }

                break;
            case "absent":
                if (!one["bridge"].Exists)
                {
                    state.Invalid("only interfaces with bridge binding can be unplugged");
                }
                else if (onDefaultNetwork)
                {
                    state.Invalid("the interface on the default network cannot be unplugged");
                }

                break;
            default:
                state.Invalid("must be up, down or absent");
                break;
        }
    }

    private static bool IsMultusDefault(Field network) => network["multus"]["default"].Node is System.Text.Json.Nodes.JsonValue v && v.TryGetValue(out bool b) && b;

    private static bool IsDnsName(string name) =>
        name.Length is > 0 and <= 253 && name.Split('.').All(l => l.Length is > 0 and <= 63 && l[0] != '-' && l[^1] != '-'
            && l.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'));
}
