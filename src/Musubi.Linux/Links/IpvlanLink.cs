using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>An interface that shares the address of its lower link; <c>ip link add link LOWER name NAME type ipvlan mode MODE</c>.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Lower">The link it shares.</param>
public sealed record IpvlanLink(string Name, LinkIndex Lower) : LinkSpec(Name)
{
    /// <summary>Where packets are told apart; the kernel's default is layer 3. All interfaces of one lower link have the same mode.</summary>
    public IpvlanMode? Mode { get; init; }

    internal override string Kind => "ipvlan";

    internal override LinkIndex? LowerLink => Lower;

    internal override void WriteOptions(ref MessageWriter writer)
    {
        if (Mode is { } mode)
        {
            writer.UInt16(Rtnl.IFLA_IPVLAN_MODE, (ushort)mode);
        }
    }
}

/// <summary>Where ipvlan tells the packets of its interfaces apart.</summary>
public enum IpvlanMode
{
    /// <summary>Like a switch: each interface does its own ARP and routing.</summary>
    L2 = 0,

    /// <summary>Like a router: the lower link's namespace routes, and there is no broadcast.</summary>
    L3 = 1,

    /// <summary>As layer 3, through the lower link's netfilter hooks.</summary>
    L3S = 2,
}
