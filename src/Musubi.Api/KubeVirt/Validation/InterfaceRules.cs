using System.Net.Sockets;
using System.Text.RegularExpressions;
using Musubi.Api.Admission;
using Musubi.Linux.Addresses;

namespace Musubi.Api.KubeVirt.Validation;

/// <summary>Rules about one interface by itself.</summary>
internal static partial class InterfaceRules
{
    private static readonly string[] Models = ["e1000", "e1000e", "igb", "ne2k_pci", "pcnet", "rtl8139", "virtio"];
    private static readonly long[] SidecarPorts = [15000, 15001, 15004, 15006, 15008, 15009, 15020, 15021, 15053, 15090];
    private static readonly long[] MigrationPorts = [49152, 49153];

    /// <summary>The MAC that the bridge in the sandbox has.</summary>
    private static readonly MacAddress InPodBridge = MacAddress.Parse("02:00:00:00:00:00");

    public static void Check(Field one, bool onPodNetwork, bool withSidecar, RuleOptions options)
    {
        if (one["name"].Text() is { } name && !Name().IsMatch(name))
        {
            one["name"].Invalid("may have letters, digits, '-' and '_' only, at least one");
        }

        one["model"].OneOf(["", .. Models]);
        CheckMac(one);
        if (one["pciAddress"].Text() is { Length: > 0 } pci && !PciAddress().IsMatch(pci))
        {
            one["pciAddress"].Invalid("must be a PCI address as 0000:03:00.0");
        }

        if (one["acpiIndex"].Integer() is { } index and not (>= 1 and <= 16383))
        {
            one["acpiIndex"].Invalid(index, "must be between 1 and 16383");
        }

        if (one["portRanges"].Exists)
        {
            one["portRanges"].Forbidden("port ranges are not enabled on this cluster; list single ports under ports");
        }

        if (onPodNetwork)
        {
            CheckPorts(one, withSidecar, options);
        }
        else
        {
            // Without meaning there, but still to be read as numbers by everybody.
            foreach (Field port in one["ports"].Items().Select(p => p["port"]).Where(p => p.Integer() is < 0 or > 65535))
            {
                port.Invalid("must be between 1 and 65535");
            }
        }

        CheckDhcp(one["dhcpOptions"]);
    }

    private static void CheckMac(Field one)
    {
        Field field = one["macAddress"];
        if (field.Text() is not { Length: > 0 } text)
        {
            return;
        }

        if (text.Length != 17 || text.Contains('.', StringComparison.Ordinal) || !MacAddress.TryParse(text, out MacAddress mac))
        {
            field.Invalid("must be six octets of two hexadecimal digits joined by ':' or '-', as 02:42:ac:11:00:02");
        }
        else if (mac.IsMulticast)
        {
            field.Invalid("is a multicast address; the second hexadecimal digit must be even, as in 02:42:ac:11:00:02");
        }
        else if (mac == MacAddress.Zero)
        {
            field.Invalid("must not be all zeros; leave it out to get one");
        }
        else if (one["masquerade"].Exists && mac == InPodBridge)
        {
            field.Invalid("is reserved for the bridge in the pod; choose another one");
        }
    }

    private static void CheckPorts(Field one, bool withSidecar, RuleOptions options)
    {
        HashSet<string> names = [];
        HashSet<(string Protocol, long Port)> seen = [];
        foreach (Field port in one["ports"].Items())
        {
            if (!port.IsObject())
            {
                continue;
            }

            string protocol = port["protocol"].Text() is { Length: > 0 } p ? p : "TCP";
            if (protocol is not ("TCP" or "UDP"))
            {
                port["protocol"].Invalid("must be TCP or UDP, in upper case; TCP when left out");
            }

            if (port["name"].Text() is { Length: > 0 } name)
            {
                if (!IsServiceName(name))
                {
                    port["name"].Invalid("must be a service name: at most 15 lower case letters, digits and single '-', at least one letter");
                }
                else if (!names.Add(name))
                {
                    port["name"].Duplicate("a port of this interface has that name already");
                }
            }

            CheckPortNumber(port["port"], protocol, seen, withSidecar, options);
        }
    }

    private static void CheckPortNumber(Field field, string protocol, HashSet<(string, long)> seen, bool withSidecar, RuleOptions options)
    {
        if (!field.Exists)
        {
            field.Required("the port number, 1 to 65535");
        }
        else if (field.Integer() is not { } number)
        {
            return;
        }
        else if (number is < 1 or > 65535)
        {
            field.Invalid("must be between 1 and 65535");
        }
        else if (!seen.Add((protocol, number)))
        {
            field.Duplicate($"{protocol} port {number} is listed already");
        }
        else if (withSidecar && SidecarPorts.Contains(number))
        {
            field.Forbidden($"port {number} belongs to the Istio sidecar, which {KubeVirtNames.IstioInject} asks for; its ports are {string.Join(", ", SidecarPorts)}");
        }
        else if (options.ReservedMigrationPorts && MigrationPorts.Contains(number))
        {
            field.Findings.Warnings.Add($"{field.Path}: ports 49152 and 49153 are reserved for live migration; traffic to them from outside is dropped");
        }
    }

    private static void CheckDhcp(Field options)
    {
        if (!options.Exists || !options.IsObject())
        {
            return;
        }

        foreach (Field server in options["ntpServers"].Items())
        {
            if (server.Text() is { } text && !(IpText.TryParseAddress(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork))
            {
                server.Invalid("must be an IPv4 address");
            }
        }

        HashSet<long> seen = [];
        foreach (Field option in options["privateOptions"].Items())
        {
            if (!option["option"].Exists)
            {
                option["option"].Required("the option's number, 224 to 254");
            }
            else if (option["option"].Integer() is { } number)
            {
                if (number is < 224 or > 254)
                {
                    option["option"].Invalid("must be between 224 and 254");
                }
                else if (!seen.Add(number))
                {
                    option["option"].Duplicate("each private option may be given once");
                }
            }

            option["value"].Text();
        }

        options["bootFileName"].Text();
        options["tftpServerName"].Text();
    }

    private static bool IsServiceName(string name) => name.Length <= 15 && ServiceName().IsMatch(name) && name.Any(char.IsAsciiLetter);

    [GeneratedRegex("^[A-Za-z0-9_-]+$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Name();

    [GeneratedRegex("^[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[01][0-9a-fA-F]\\.[0-7]$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex PciAddress();

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)*$", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex ServiceName();
}
