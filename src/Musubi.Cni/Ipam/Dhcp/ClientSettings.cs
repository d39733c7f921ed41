using System.Globalization;
using System.Text;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Dhcp;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>What a client says of itself and asks for: the keys <c>request</c>, <c>provide</c> and <c>priority</c> of the IPAM configuration.</summary>
internal sealed record ClientSettings
{
    private const int LongestValue = 255;
    private const int LongestIdentifier = 254;

    private static readonly DhcpOption[] _always = [DhcpOption.SubnetMask, DhcpOption.Router];

    /// <summary>Name resolution, which a result can carry.</summary>
    private static readonly DhcpOption[] _usual = [DhcpOption.DnsServers, DhcpOption.DomainName, DhcpOption.DomainSearch];

    /// <summary>What a message would be another one, or none, with.</summary>
    private static readonly DhcpOption[] _own =
        [DhcpOption.Pad, DhcpOption.RequestedAddress, DhcpOption.Overload, DhcpOption.MessageType, DhcpOption.ServerId, DhcpOption.End];

    /// <summary>Options that go with every message: the client identifier, and what the configuration provides.</summary>
    public required IReadOnlyList<KeyValuePair<DhcpOption, byte[]>> Options { get; init; }

    /// <summary>Codes of the options that the server is asked for.</summary>
    public required byte[] ParameterList { get; init; }

    /// <summary>Metric of every route; 0 for none.</summary>
    public int Priority { get; init; }

    /// <summary>Reads the settings of a call.</summary>
    /// <exception cref="CniException">Code 7: an option is unknown, or its value too long.</exception>
    public static ClientSettings Read(PluginCall call, ConfigObject ipam)
    {
        IReadOnlyList<ConfigObject> request = ipam.Objects("request") ?? [];
        List<DhcpOption> wanted = [.. request.Select(OptionOf)];
        if (!request.Any(r => r.Flag("skipDefault") == true))
        {
            wanted.AddRange([.. _always, .. _usual]);
        }

        Dictionary<DhcpOption, byte[]> provided = new() { [DhcpOption.ClientId] = IdentifierOf(call) };
        foreach (ConfigObject item in ipam.Objects("provide") ?? [])
        {
            DhcpOption option = OptionOf(item);
            if (_own.Contains(option))
            {
                throw CniException.InvalidConfig($"option \"{item.Text("option")}\" of {item.PathOf("option")} is the protocol's own and cannot be provided");
            }

            if (item.Text("value") is { Length: > 0 } value)
            {
                provided[option] = ValueOf(item, value);
            }

            if (item.Text("fromArg") is { Length: > 0 } key && call.Arguments[key] is { } argument)
            {
                provided[option] = ValueOf(item, argument);
            }
        }

        return new ClientSettings
        {
            Options = [.. provided],
            ParameterList = [.. wanted.Distinct().Select(o => (byte)o)],
            Priority = ipam.Number("priority") ?? 0,
        };
    }

    /// <summary>Type 0 (no hardware address), then container, network and interface: what the reference plugin says, so that a server gives the same address.</summary>
    private static byte[] IdentifierOf(PluginCall call)
    {
        byte[] text = Encoding.UTF8.GetBytes(LeaseKey.Of(call).ToString());
        return [0, .. text.AsSpan(0, Math.Min(text.Length, LongestIdentifier))];
    }

    private static DhcpOption OptionOf(ConfigObject item)
    {
        string name = item.Text("option") ?? "";
        return name switch
        {
            "dhcp-client-identifier" => DhcpOption.ClientId,
            "subnet-mask" => DhcpOption.SubnetMask,
            "routers" => DhcpOption.Router,
            "host-name" => DhcpOption.HostName,
            "user-class" => DhcpOption.UserClass,
            "vendor-class-identifier" => DhcpOption.VendorClass,
            _ when byte.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out byte code) => (DhcpOption)code,
            _ => throw CniException.InvalidConfig(
                $"Can not parse option \"{name}\" of {item.PathOf("option")}: expected dhcp-client-identifier, subnet-mask, routers, host-name, user-class, vendor-class-identifier, or a number from 0 to 255"),
        };
    }

    private static byte[] ValueOf(ConfigObject item, string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        return bytes.Length <= LongestValue
            ? bytes
            : throw CniException.InvalidConfig($"value too long for option \"{item.Text("option")}\" of {item.Path}: {bytes.Length} bytes, at most {LongestValue}");
    }
}
