using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>VLAN memberships of bridge ports; <c>bridge vlan</c>. The bridge must have VLAN filtering on for them to count.</summary>
public sealed class BridgeVlanRequests
{
    private readonly RouteSocket _route;

    internal BridgeVlanRequests(RouteSocket route) => _route = route;

    /// <summary>Makes a port a member of VLANs, all in one request; <c>bridge vlan add dev PORT vid 100-199</c>.</summary>
    /// <param name="link">The port, or the bridge.</param>
    /// <param name="vlans">The VLANs.</param>
    /// <param name="isBridge">Whether the link is the bridge itself (<c>self</c>), not a port.</param>
    /// <exception cref="NetlinkException">EOPNOTSUPP: the kernel or the link has no bridge VLANs.</exception>
    public void Add(LinkIndex link, ReadOnlySpan<BridgeVlan> vlans, bool isBridge = false) => Change(Rtnl.RTM_SETLINK, link, vlans, isBridge);

    /// <summary>Ends a port's membership of VLANs; <c>bridge vlan delete</c>.</summary>
    /// <inheritdoc cref="Add"/>
    public void Delete(LinkIndex link, ReadOnlySpan<BridgeVlan> vlans, bool isBridge = false) => Change(Rtnl.RTM_DELLINK, link, vlans, isBridge);

    /// <summary>The VLANs of all ports and bridges; <c>bridge vlan show</c>.</summary>
    public IReadOnlyList<BridgeVlans> List()
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        BridgeVlanMessages.List(ref writer);
        return _route.Socket.Dump<BridgeVlans>(ref writer, BridgeVlanMessages.TryRead, subject: null);
    }

    /// <summary>The VLANs of one port or bridge; <c>bridge vlan show dev PORT</c>.</summary>
    public IReadOnlyList<BridgeVlan> List(LinkIndex link)
    {
        foreach (BridgeVlans vlans in List())
        {
            if (vlans.Link == link)
            {
                return vlans.Vlans;
            }
        }

        return [];
    }

    private void Change(ushort type, LinkIndex link, ReadOnlySpan<BridgeVlan> vlans, bool isBridge)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        BridgeVlanMessages.Change(ref writer, type, link, vlans, isBridge);
        _route.Socket.Execute(ref writer, link);
    }
}
