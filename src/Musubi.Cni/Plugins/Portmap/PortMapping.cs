using System.Net;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Nftables;

namespace Musubi.Cni.Plugins.Portmap;

/// <summary>A port of the host that leads to one of the container; an entry of <c>runtimeConfig.portMappings</c>.</summary>
/// <param name="Protocol">The protocol.</param>
/// <param name="HostPort">The host's port.</param>
/// <param name="ContainerPort">The container's port.</param>
/// <param name="HostAddress">The one address of the host that counts; null for all.</param>
internal sealed record PortMapping(NftTransport Protocol, ushort HostPort, ushort ContainerPort, IPAddress? HostAddress)
{
    /// <summary>The family, when <c>hostIP</c> says one; the unspecified address of a family stands for all of that family.</summary>
    private bool? _isIPv6;

    /// <summary>Whether it leads to a container's address of this family.</summary>
    public bool Serves(bool isIPv6) => _isIPv6 is not { } said || said == isIPv6;

    /// <summary>Reads the list; absent means empty.</summary>
    public static IReadOnlyList<PortMapping> ReadAll(ConfigObject? runtimeConfig) => [.. (runtimeConfig?.Objects("portMappings") ?? []).Select(Read)];

    private static PortMapping Read(ConfigObject entry)
    {
        ushort container = ReadPort(entry, "containerPort", "Invalid container port number");
        ushort host = ReadPort(entry, "hostPort", "Invalid host port number");
        NftTransport protocol = entry.Text("protocol")?.ToLowerInvariant() switch
        {
            null or "" or "tcp" => NftTransport.Tcp,
            "udp" => NftTransport.Udp,
            "sctp" => NftTransport.Sctp,
            _ => throw CniException.InvalidConfig($"{entry.PathOf("protocol")} must be tcp, udp or sctp, not \"{entry.Text("protocol")}\""),
        };
        if (entry.Text("hostIP") is not { Length: > 0 } text)
        {
            return new PortMapping(protocol, host, container, null);
        }

        if (!IpText.TryParseAddress(text, out IPAddress? address))
        {
            throw CniException.InvalidConfig($"{entry.PathOf("hostIP")} is not an IP address: \"{text}\"");
        }

        bool all = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
        return new PortMapping(protocol, host, container, all ? null : address) { _isIPv6 = address.AddressFamily == IPAddress.IPv6Any.AddressFamily };
    }

    private static ushort ReadPort(ConfigObject entry, string key, string complaint) =>
        entry.Number(key) is { } number and > 0 and <= ushort.MaxValue
            ? (ushort)number
            : throw CniException.InvalidConfig($"{complaint}: {entry.Number(key) ?? 0} ({entry.PathOf(key)} must be between 1 and {ushort.MaxValue})");
}
