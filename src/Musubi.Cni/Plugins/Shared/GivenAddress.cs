using Musubi.Linux.Addresses;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>An address of a result as interfaces get it.</summary>
internal static class GivenAddress
{
    private const int ShortestWithoutBroadcast = 31;

    /// <summary>An address; in IPv4 with its network's broadcast address, which the kernel leaves empty and programs ask for.</summary>
    public static InterfaceAddress Of(Cidr address, AddressFlags flags = AddressFlags.None) => new(address)
    {
        Flags = flags,
        Broadcast = !address.IsIPv6 && address.PrefixLength < ShortestWithoutBroadcast ? address.Broadcast : null,
    };

    /// <summary>An address that in IPv6 is used at once, or only after a check that nobody else has it.</summary>
    public static InterfaceAddress Of(Cidr address, bool detectDuplicates) => Of(address, address.IsIPv6 && !detectDuplicates ? AddressFlags.NoDad : AddressFlags.None);
}
