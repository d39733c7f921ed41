using System.Buffers;
using System.Net;
using System.Text.Json;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Spec;

/// <summary>Reads and writes <see cref="CniResult"/> in every version of the specification.</summary>
public static class CniResultJson
{
    private static readonly JsonWriterOptions _indented = new() { Indented = true, IndentSize = 4, Encoder = PlainJsonEncoder.Instance };
    private static readonly JsonWriterOptions _compact = new() { Encoder = PlainJsonEncoder.Instance };

    /// <summary>Writes a result as the given version has it.</summary>
    /// <exception cref="CniException">Code 999: the version cannot express the result (0.1.0 and 0.2.0 need an address).</exception>
    public static byte[] Write(CniResult result, CniVersion version, bool indented = true)
    {
        ArrayBufferWriter<byte> buffer = new(512);
        using (Utf8JsonWriter json = new(buffer, indented ? _indented : _compact))
        {
            WriteTo(json, result, version);
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Fails when <paramref name="version"/> could not express a result without addresses; call before changing anything.</summary>
    public static void RequireLayer2Support(CniVersion version)
    {
        if (version < CniVersion.V030)
        {
            throw NoAddresses();
        }
    }

    /// <summary>Writes a result as the given version has it into a larger document.</summary>
    public static void WriteTo(Utf8JsonWriter json, CniResult result, CniVersion version)
    {
        json.WriteStartObject();
        json.WriteString("cniVersion", version.ToString());
        if (version < CniVersion.V030)
        {
            WriteLegacy(json, result);
        }
        else
        {
            WriteLists(json, result, version);
        }

        if (version < CniVersion.V100 || !result.Dns.IsEmpty)
        {
            WriteDns(json, result.Dns);
        }

        json.WriteEndObject();
    }

    /// <summary>Reads a result of any supported version.</summary>
    /// <param name="result">The object.</param>
    /// <param name="fallback">The version assumed when the result does not name its own.</param>
    public static CniResult Read(ConfigObject result, CniVersion fallback)
    {
        string? text = result.Text("cniVersion");
        CniVersion version = string.IsNullOrEmpty(text) ? fallback : CniVersion.Parse(text);
        return version < CniVersion.V030 ? ReadLegacy(result) : new CniResult
        {
            Interfaces = [.. (result.Objects("interfaces") ?? []).Select(ReadInterface)],
            Addresses = [.. (result.Objects("ips") ?? []).Select(ReadAddress)],
            Routes = ReadRoutes(result.Objects("routes")),
            Dns = CniDns.Read(result.Object("dns")),
        };
    }

    /// <summary>Reads the <c>routes</c> list of a result or an IPAM configuration.</summary>
    public static IReadOnlyList<CniRoute> ReadRoutes(IReadOnlyList<ConfigObject>? routes)
    {
        if (routes is null)
        {
            return [];
        }

        CniRoute[] result = new CniRoute[routes.Count];
        for (int i = 0; i < result.Length; i++)
        {
            ConfigObject route = routes[i];
            result[i] = new CniRoute(ReadCidr(route, "dst"))
            {
                Gateway = ReadAddressText(route, "gw"),
                MtuBytes = NonZero(route.Number("mtu")),
                AdvMss = NonZero(route.Number("advmss")),
                Priority = NonZero(route.Number("priority")),
                Table = route.Number("table"),
                Scope = route.Number("scope"),
            };
        }

        return result;
    }

    /// <summary>Reads a key that must hold an address with a prefix length.</summary>
    internal static Cidr ReadCidr(ConfigObject owner, string key)
    {
        string? text = owner.Text(key);
        return text is not null && Cidr.TryParse(text, out Cidr cidr)
            ? cidr
            : throw CniException.InvalidConfig($"invalid CIDR address: {owner.PathOf(key)} is \"{text}\", expected ADDRESS/PREFIX");
    }

    /// <summary>Reads a key that may hold an address.</summary>
    internal static IPAddress? ReadAddressText(ConfigObject owner, string key)
    {
        string? text = owner.Text(key);
        return string.IsNullOrEmpty(text)
            ? null
            : IpText.TryParseAddress(text, out IPAddress? address)
                ? address
                : throw CniException.InvalidConfig($"invalid IP address: {owner.PathOf(key)} is \"{text}\"");
    }

    private static void WriteLists(Utf8JsonWriter json, CniResult result, CniVersion version)
    {
        if (result.Interfaces.Count > 0)
        {
            json.WriteStartArray("interfaces");
            foreach (CniInterface item in result.Interfaces)
            {
                json.WriteStartObject();
                json.WriteString("name", item.Name);
                WriteIfSet(json, "mac", item.Mac);
                if (version >= CniVersion.V100)
                {
                    WriteIfSet(json, "mtu", item.MtuBytes);
                    WriteIfSet(json, "socketPath", item.SocketPath);
                    WriteIfSet(json, "pciID", item.PciId);
                }

                WriteIfSet(json, "sandbox", item.Sandbox);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        if (result.Addresses.Count > 0)
        {
            json.WriteStartArray("ips");
            foreach (CniAddress item in result.Addresses)
            {
                json.WriteStartObject();
                if (version < CniVersion.V100)
                {
                    json.WriteString("version", item.Address.IsIPv6 ? "6" : "4");
                }

                WriteIfSet(json, "interface", item.Interface);
                json.WriteString("address", item.Address.ToString());
                WriteIfSet(json, "gateway", item.Gateway);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        WriteRoutes(json, result.Routes, withAttributes: true);
    }

    private static void WriteLegacy(Utf8JsonWriter json, CniResult result)
    {
        bool any = false;
        foreach (bool v6 in (ReadOnlySpan<bool>)[false, true])
        {
            if (result.Addresses.FirstOrDefault(a => a.Address.IsIPv6 == v6) is not { } address)
            {
                continue;
            }

            any = true;
            json.WriteStartObject(v6 ? "ip6" : "ip4");
            json.WriteString("ip", address.Address.ToString());
            WriteIfSet(json, "gateway", address.Gateway);
            WriteRoutes(json, [.. result.Routes.Where(r => r.Destination.IsIPv6 == v6)], withAttributes: false);
            json.WriteEndObject();
        }

        if (!any)
        {
            throw NoAddresses();
        }
    }

    private static void WriteRoutes(Utf8JsonWriter json, IReadOnlyList<CniRoute> routes, bool withAttributes)
    {
        if (routes.Count == 0)
        {
            return;
        }

        json.WriteStartArray("routes");
        foreach (CniRoute route in routes)
        {
            json.WriteStartObject();
            json.WriteString("dst", route.Destination.ToString());
            WriteIfSet(json, "gw", route.Gateway);
            if (withAttributes)
            {
                WriteIfSet(json, "mtu", route.MtuBytes);
                WriteIfSet(json, "advmss", route.AdvMss);
                WriteIfSet(json, "priority", route.Priority);
                WriteIfSet(json, "table", route.Table);
                WriteIfSet(json, "scope", route.Scope);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDns(Utf8JsonWriter json, CniDns dns)
    {
        json.WriteStartObject("dns");
        WriteIfAny(json, "nameservers", dns.Nameservers);
        WriteIfSet(json, "domain", dns.Domain);
        WriteIfAny(json, "search", dns.Search);
        WriteIfAny(json, "options", dns.Options);
        json.WriteEndObject();
    }

    private static CniResult ReadLegacy(ConfigObject result)
    {
        List<CniAddress> addresses = [];
        List<CniRoute> routes = [];
        foreach (string key in (ReadOnlySpan<string>)["ip4", "ip6"])
        {
            if (result.Object(key) is { } family)
            {
                addresses.Add(new CniAddress(ReadCidr(family, "ip")) { Gateway = ReadAddressText(family, "gateway") });
                routes.AddRange(ReadRoutes(family.Objects("routes")));
            }
        }

        return new CniResult { Addresses = addresses, Routes = routes, Dns = CniDns.Read(result.Object("dns")) };
    }

    private static CniInterface ReadInterface(ConfigObject item) => new(item.Text("name") ?? "")
    {
        Mac = item.Text("mac"),
        MtuBytes = NonZero(item.Number("mtu")),
        Sandbox = item.Text("sandbox"),
        SocketPath = item.Text("socketPath"),
        PciId = item.Text("pciID"),
    };

    private static CniAddress ReadAddress(ConfigObject item) => new(ReadCidr(item, "address"))
    {
        Interface = item.Number("interface"),
        Gateway = ReadAddressText(item, "gateway"),
    };

    private static CniException NoAddresses() => new(CniErrorCode.Internal, "cannot convert: no valid IP addresses");

    private static int? NonZero(int? value) => value is 0 ? null : value;

    private static void WriteIfSet(Utf8JsonWriter json, string key, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(key, value);
        }
    }

    private static void WriteIfSet(Utf8JsonWriter json, string key, IPAddress? value)
    {
        if (value is not null)
        {
            json.WriteString(key, IpText.Format(value));
        }
    }

    private static void WriteIfSet(Utf8JsonWriter json, string key, int? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(key, number);
        }
    }

    private static void WriteIfAny(Utf8JsonWriter json, string key, IReadOnlyList<string> values)
    {
        if (values.Count == 0)
        {
            return;
        }

        json.WriteStartArray(key);
        foreach (string value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
