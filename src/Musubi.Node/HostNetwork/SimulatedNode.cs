using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Node.HostNetwork;

/// <summary>
/// A node that is a network namespace: eth0 on the cluster network, eth1 and eth2 on two data networks. The cables end in bridges
/// of one more namespace, the fabric, so that nothing of it touches the machine's own network.
/// </summary>
public static class SimulatedNode
{
    private static readonly string[] _networks = ["cluster", "data1", "data2"];

    /// <summary>The fabric's namespace of a platform.</summary>
    public static string FabricPath(string cluster) => $"/run/netns/{cluster}-fabric";

    /// <summary>Makes what is missing of fabric and node, and opens the node. What is there stays as it is.</summary>
    /// <remarks>The caller disposes the namespace.</remarks>
    public static NetworkNamespace Ensure(NodeOptions options)
    {
        using NetworkNamespace fabric = EnsureNamespace(FabricPath(options.Cluster));
        NetworkNamespace node = EnsureNamespace(options.NetworkNamespacePath);
        try
        {
            using RouteSocket fabricRoute = RouteSocket.Open(fabric);
            using RouteSocket nodeRoute = RouteSocket.Open(node);
            SetUp(nodeRoute, "lo");
            for (int i = 0; i < _networks.Length; i++)
            {
                LinkIndex bridge = EnsureBridge(fabricRoute, _networks[i]);
                EnsureCable(fabricRoute, nodeRoute, node, bridge, $"{options.Name}-{i}", $"eth{i}");
            }

            LinkIndex eth0 = nodeRoute.Links.IndexOf("eth0");
            foreach (Cidr address in options.Addresses)
            {
                nodeRoute.Addresses.Replace(eth0, new InterfaceAddress(address) { NoDad = address.IsIPv6 });
            }

            Sysctl.Ensure(node, "net/ipv4/ip_forward", "1");
            Sysctl.Ensure(node, "net/ipv6/conf/all/forwarding", "1");
            return node;
        }
        catch (Exception)
        {
            node.Dispose();
            throw;
        }
    }

    /// <summary>Removes a node's namespace, and with it every link in it.</summary>
    public static void Remove(NodeOptions options) => NetworkNamespace.Remove(options.NetworkNamespacePath);

    /// <summary>Removes a platform's fabric.</summary>
    public static void RemoveFabric(string cluster) => NetworkNamespace.Remove(FabricPath(cluster));

    private static NetworkNamespace EnsureNamespace(string path)
    {
        NetworkNamespace? there = null;
        try
        {
            there = NetworkNamespace.Find(path);
        }
        catch (LinuxException)
        {
            // A file without a namespace under it: left by a crash between making the file and pinning the namespace.
            NetworkNamespace.Remove(path);
        }

        return there ?? NetworkNamespace.Create(path);
    }

    private static LinkIndex EnsureBridge(RouteSocket route, string name)
    {
        if (route.Links.Find(name) is { } there)
        {
            return there.Index;
        }

        LinkIndex bridge = route.Links.Create(new BridgeLink(name) { Mac = MacAddress.Random(), MtuBytes = 9000, ForwardDelay = TimeSpan.Zero });
        route.Links.Change(bridge, new LinkChange { AdminUp = true });
        return bridge;
    }

    private static void EnsureCable(RouteSocket fabric, RouteSocket node, NetworkNamespace nodeNamespace, LinkIndex bridge, string fabricEnd, string nodeEnd)
    {
        if (node.Links.Find(nodeEnd) is null)
        {
            fabric.Links.DeleteIfExists(fabricEnd);
            fabric.Links.Create(new VethLink(fabricEnd, nodeEnd)
            {
                MtuBytes = 9000,
                Mac = MacAddress.Random(),
                Master = bridge,
                AdminUp = true,
                PeerNamespace = nodeNamespace,
                PeerMac = MacAddress.Random(),
            });
        }

        SetUp(node, nodeEnd);
    }

    private static void SetUp(RouteSocket route, string name)
    {
        LinkInfo link = route.Links.Get(name);
        if (!link.AdminUp)
        {
            route.Links.Change(link.Index, new LinkChange { AdminUp = true });
        }
    }
}
