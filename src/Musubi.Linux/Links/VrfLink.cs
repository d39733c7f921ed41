using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>A routing domain: interfaces whose master it is use its table; <c>ip link add NAME type vrf table TABLE</c>.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Table">The routing table, from 1.</param>
public sealed record VrfLink(string Name, uint Table) : LinkSpec(Name)
{
    internal override string Kind => "vrf";

    internal override void WriteOptions(ref MessageWriter writer) => writer.UInt32(Rtnl.IFLA_VRF_TABLE, Table);
}
