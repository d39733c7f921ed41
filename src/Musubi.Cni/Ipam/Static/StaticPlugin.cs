using System.Net;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Ipam.Static;

/// <summary>IPAM that gives the addresses written in the configuration, or handed over by the runtime, and keeps no books.</summary>
internal sealed class StaticPlugin : ICniPlugin
{
    /// <inheritdoc/>
    public string Name => "static";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        ConfigObject ipam = IpamArguments.Ipam(call);
        List<CniAddress> addresses = Addresses(call, ipam);
        IpamArguments.RequireExpressible(call, addresses.Count(a => !a.Address.IsIPv6), addresses.Count(a => a.Address.IsIPv6));
        return new CniResult
        {
            Addresses = addresses,
            Routes = CniResultJson.ReadRoutes(ipam.Objects("routes")),
            Dns = CniDns.Read(ipam.Object("dns")),
        };
    }

    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        CniResult previous = call.PreviousResult ?? throw CniException.InvalidConfig("Required prevResult missing");
        foreach (CniAddress wanted in Addresses(call, IpamArguments.Ipam(call)))
        {
            foreach (CniAddress given in previous.Addresses)
            {
                if (given.Address == wanted.Address && wanted.Gateway is not null && !wanted.Gateway.Equals(given.Gateway))
                {
                    throw new CniException(CniErrorCode.Internal, $"static: Failed to match addr {wanted.Address} with gateway {wanted.Gateway}");
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Del(PluginCall call)
    {
        // Nothing is kept, so there is nothing to give back; the configuration may even have become wrong since.
    }

    /// <summary>runtimeConfig.ips wins over args.cni.ips, which wins over the configuration with CNI_ARGS' IP appended.</summary>
    private static List<CniAddress> Addresses(PluginCall call, ConfigObject ipam)
    {
        // Those of CNI_ARGS are read even when others take their place: a slip in them is told.
        CniAddress[] appended = [.. FromCniArgs(call)];
        if ((IpsOf(call.RuntimeConfig) ?? IpsOf(call.CniArgs)) is { } replacement)
        {
            return [.. replacement.Select(text => new CniAddress(Cidr.TryParse(text, out Cidr cidr)
                ? cidr
                : throw CniException.InvalidConfig($"an entry in the 'ips' field is NOT in CIDR notation, got: '{text}'")))];
        }

        List<CniAddress> addresses = [];
        foreach (ConfigObject item in ipam.Objects("addresses") ?? [])
        {
            string text = item.Text("address") ?? "";
            addresses.Add(Cidr.TryParse(text, out Cidr cidr)
                ? new CniAddress(cidr) { Gateway = CniResultJson.ReadAddressText(item, "gateway") }
                : throw CniException.InvalidConfig($"the 'address' field is expected to be in CIDR notation, got: '{text}'"));
        }

        addresses.AddRange(appended);
        return addresses;
    }

    private static IReadOnlyList<string>? IpsOf(ConfigObject? section) => section?.Texts("ips") is { Count: > 0 } ips ? ips : null;

    private static IEnumerable<CniAddress> FromCniArgs(PluginCall call)
    {
        IPAddress[] gateways = [.. Split(call.Arguments["GATEWAY"]).Select(text => IpamArguments.ParseAddress(text, "gateway address"))];
        foreach (string text in Split(call.Arguments["IP"]))
        {
            Cidr cidr = Cidr.TryParse(text, out Cidr parsed)
                ? parsed
                : throw CniException.InvalidConfig($"the 'ip' field is expected to be in CIDR notation, got: '{text}'");
            yield return new CniAddress(cidr) { Gateway = gateways.FirstOrDefault(cidr.Contains) };
        }

        static string[] Split(string? list) => list?.Split(',') ?? [];
    }
}
