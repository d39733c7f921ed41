using System.Text.Json.Nodes;
using Musubi.Linux.Addresses;

namespace Musubi.Node.Attachments;

/// <summary>The network every pod is on: a bridge in the node with the node's ranges of pod addresses, IPv4 and IPv6.</summary>
internal static class DefaultNetwork
{
    public const string Name = "musubi-pods";
    public const string Bridge = "cni0";
    public const string Interface = "eth0";

    /// <summary>The CNI configuration for a node.</summary>
    public static string ConfigFor(NodeOptions options)
    {
        JsonArray ranges = [];
        foreach (Cidr cidr in options.PodCidrs)
        {
            ranges.Add(new JsonArray(new JsonObject { ["subnet"] = cidr.ToString() }));
        }

        return new JsonObject
        {
            ["cniVersion"] = "1.1.0",
            ["name"] = Name,
            ["plugins"] = new JsonArray(new JsonObject
            {
                ["type"] = "bridge",
                ["bridge"] = Bridge,
                ["isDefaultGateway"] = true,
                ["forceAddress"] = true,
                ["hairpinMode"] = true,
                ["mtu"] = options.PodMtuBytes,
                ["ipam"] = new JsonObject { ["type"] = "host-local", ["ranges"] = ranges },
            }),
        }.ToJsonString();
    }
}
