using System.Diagnostics.CodeAnalysis;
using System.Net;
using Musubi.Linux.Addresses;

namespace Musubi.Linux.Dhcp;

/// <summary>A route told by option 121 or 33.</summary>
/// <param name="Destination">Where to.</param>
/// <param name="Gateway">Next hop; 0.0.0.0 for on-link.</param>
public readonly record struct DhcpRoute(Cidr Destination, IPAddress Gateway)
{
    private const int AddressLength = 4;

    /// <summary>Option 121: prefix length, the significant octets of the destination, next hop (RFC 3442).</summary>
    public static byte[] WriteClassless(IReadOnlyList<DhcpRoute> routes)
    {
        using MemoryStream bytes = new();
        foreach (DhcpRoute route in routes)
        {
            int significant = (route.Destination.PrefixLength + 7) / 8;
            bytes.WriteByte((byte)route.Destination.PrefixLength);
            bytes.Write(route.Destination.Network.Address.GetAddressBytes().AsSpan(0, significant));
            bytes.Write(route.Gateway.GetAddressBytes());
        }

        return bytes.ToArray();
    }

    /// <summary>Reads option 121.</summary>
    /// <returns>False when the value is not of that form; a client then has no routes of it rather than some.</returns>
    public static bool TryReadClassless(ReadOnlySpan<byte> value, [NotNullWhen(true)] out IReadOnlyList<DhcpRoute>? routes)
    {
        routes = null;
        List<DhcpRoute> read = [];
        Span<byte> destination = stackalloc byte[AddressLength];
        while (!value.IsEmpty)
        {
            int prefix = value[0];
            int significant = (prefix + 7) / 8;
            if (prefix > 32 || value.Length < 1 + significant + AddressLength)
            {
                return false;
            }

            destination.Clear();
            value.Slice(1, significant).CopyTo(destination);
            read.Add(new DhcpRoute(new Cidr(new IPAddress(destination), prefix).Network, new IPAddress(value.Slice(1 + significant, AddressLength))));
            value = value[(1 + significant + AddressLength)..];
        }

        routes = read;
        return true;
    }

    /// <summary>Reads option 33: pairs of destination and router, where the destination's class says how long its prefix is (RFC 2132, 5.8).</summary>
    /// <returns>False when the value is not of that form. Destinations without a class (and the default route, which is not allowed) are left out.</returns>
    public static bool TryReadClassful(ReadOnlySpan<byte> value, [NotNullWhen(true)] out IReadOnlyList<DhcpRoute>? routes)
    {
        routes = null;
        if (value.Length % (2 * AddressLength) != 0)
        {
            return false;
        }

        List<DhcpRoute> read = [];
        for (; !value.IsEmpty; value = value[(2 * AddressLength)..])
        {
            int? prefix = value[0] switch
            {
                0 => null,
                < 128 => 8,
                < 192 => 16,
                < 224 => 24,
                _ => null,
            };
            if (prefix is { } length)
            {
                Cidr destination = new(new IPAddress(value[..AddressLength]), length);
                read.Add(new DhcpRoute(destination.Network, new IPAddress(value.Slice(AddressLength, AddressLength))));
            }
        }

        routes = read;
        return true;
    }
}
