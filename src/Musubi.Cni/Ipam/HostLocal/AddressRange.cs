using System.Net;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Ipam.HostLocal;

/// <summary>A part of a subnet that addresses are given out of, first to last, both included.</summary>
/// <param name="Subnet">The subnet; no host bits.</param>
/// <param name="Start">First address.</param>
/// <param name="End">Last address.</param>
/// <param name="Gateway">The subnet's gateway, never given out.</param>
internal sealed record AddressRange(Cidr Subnet, IPAddress Start, IPAddress End, IPAddress Gateway)
{
    private const int LongestIPv4Prefix = 30;
    private const int LongestIPv6Prefix = 126;

    private readonly UInt128 _start = IpText.ToNumber(Start);
    private readonly UInt128 _end = IpText.ToNumber(End);

    public bool IsIPv6 => Subnet.IsIPv6;

    public UInt128 First => _start;

    public UInt128 Last => _end;

    /// <summary>Reads <c>subnet</c>, <c>rangeStart</c>, <c>rangeEnd</c> and <c>gateway</c>, and fills in what is absent.</summary>
    public static AddressRange Read(ConfigObject range)
    {
        Cidr subnet = CniResultJson.ReadCidr(range, "subnet");
        if (subnet.PrefixLength > (subnet.IsIPv6 ? LongestIPv6Prefix : LongestIPv4Prefix))
        {
            throw CniException.InvalidConfig($"Network {subnet} too small to allocate from");
        }

        if (!subnet.IsNetwork)
        {
            throw CniException.InvalidConfig(
                $"Network has host bits set. For a subnet mask of length {subnet.PrefixLength} the network address is {IpText.Format(subnet.Network.Address)}");
        }

        IPAddress first = IpText.Add(subnet.Address, 1);
        IPAddress last = subnet.IsIPv6 ? subnet.Broadcast : IpText.Add(subnet.Broadcast, -1);
        IPAddress start = CniResultJson.ReadAddressText(range, "rangeStart") ?? first;
        IPAddress end = CniResultJson.ReadAddressText(range, "rangeEnd") ?? last;
        RequireInside(subnet, start, "RangeStart");
        RequireInside(subnet, end, "RangeEnd");
        return IpText.ToNumber(start) > IpText.ToNumber(end)
            ? throw CniException.InvalidConfig($"RangeStart {IpText.Format(start)} is behind RangeEnd {IpText.Format(end)} in network {subnet}")
            : new AddressRange(subnet, start, end, CniResultJson.ReadAddressText(range, "gateway") ?? first);
    }

    public bool Contains(IPAddress address) =>
        Subnet.Contains(address) && IpText.ToNumber(address) is var number && number >= _start && number <= _end;

    public bool Overlaps(AddressRange other) =>
        Subnet.IsIPv6 == other.Subnet.IsIPv6 && _start <= other._end && other._start <= _end;

    /// <inheritdoc/>
    public override string ToString() => $"{IpText.Format(Start)}-{IpText.Format(End)}";

    private static void RequireInside(Cidr subnet, IPAddress address, string what)
    {
        if (!subnet.Contains(address))
        {
            throw CniException.InvalidConfig($"{what} {IpText.Format(address)} not in network {subnet}");
        }
    }
}
