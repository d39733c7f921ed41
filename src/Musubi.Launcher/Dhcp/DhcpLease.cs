using System.Buffers.Binary;
using System.Net;
using System.Text;
using Musubi.Linux.Addresses;
using Musubi.Machines;

namespace Musubi.Launcher.Dhcp;

/// <summary>A route told by option 121.</summary>
/// <param name="Destination">Where to.</param>
/// <param name="Gateway">Next hop; 0.0.0.0 for on-link.</param>
internal readonly record struct DhcpRoute(Cidr Destination, IPAddress Gateway);

/// <summary>Everything one guest interface is told: the one address it can have, and the options with it.</summary>
internal sealed record DhcpLease
{
    /// <summary>A guest's address never changes while its machine runs, so the lease is as good as endless: 999 days.</summary>
    private static readonly TimeSpan _leaseTime = TimeSpan.FromDays(999);

    public required Cidr Address { get; init; }

    /// <summary>The server's own address, as the client names it in requests.</summary>
    public required IPAddress ServerId { get; init; }

    public IPAddress? Router { get; init; }

    public required int MtuBytes { get; init; }

    public string? HostName { get; init; }

    public MachineDns Dns { get; init; } = new();

    public IReadOnlyList<DhcpRoute> Routes { get; init; } = [];

    public MachineDhcpOptions Extra { get; init; } = new();

    /// <summary>Serve only this client; null serves any.</summary>
    public MacAddress? OnlyClient { get; init; }

    /// <summary>The options in ascending order. What cannot be expressed is left out: a guest without a search list is better than no guest.</summary>
    public IReadOnlyList<KeyValuePair<DhcpOption, byte[]>> Options()
    {
        SortedList<DhcpOption, byte[]> options = new()
        {
            [DhcpOption.SubnetMask] = Address.Mask.GetAddressBytes(),
            [DhcpOption.LeaseTime] = UInt32((uint)_leaseTime.TotalSeconds),
            [DhcpOption.InterfaceMtu] = [(byte)(MtuBytes >> 8), (byte)MtuBytes],
        };
        Add(DhcpOption.Router, Router?.GetAddressBytes());
        Add(DhcpOption.DnsServers, Addresses(Dns.Nameservers));
        Add(DhcpOption.HostName, Text(HostName));
        Add(DhcpOption.DomainName, Text(Dns.Searches.MaxBy(s => s.Length)));
        Add(DhcpOption.DomainSearch, DomainSearch(Dns.Searches));
        Add(DhcpOption.ClasslessRoutes, ClasslessRoutes(Routes));
        Add(DhcpOption.NtpServers, Addresses(Extra.NtpServers));
        Add(DhcpOption.TftpServerName, Text(Extra.TftpServerName));
        Add(DhcpOption.BootFileName, Text(Extra.BootFileName));
        foreach ((int number, string value) in Extra.PrivateOptions)
        {
            if (number is >= (int)DhcpOption.FirstPrivate and <= (int)DhcpOption.LastPrivate)
            {
                Add((DhcpOption)number, Text(value));
            }
        }

        return [.. options];

        void Add(DhcpOption option, byte[]? value)
        {
            if (value is { Length: > 0 })
            {
                options[option] = value;
            }
        }
    }

    /// <summary>Option 121: prefix length, the significant octets of the destination, next hop (RFC 3442).</summary>
    internal static byte[] ClasslessRoutes(IReadOnlyList<DhcpRoute> routes)
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

    /// <summary>Option 119 without compression; names that are no DNS names are left out (RFC 3397).</summary>
    internal static byte[] DomainSearch(IReadOnlyList<string> searches)
    {
        using MemoryStream bytes = new();
        foreach (string search in searches)
        {
            string[] labels = search.TrimEnd('.').ToLowerInvariant().Split('.');
            if (labels.Any(l => l.Length is 0 or > 63 || !l.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
            {
                continue;
            }

            foreach (string label in labels)
            {
                bytes.WriteByte((byte)label.Length);
                bytes.Write(Encoding.ASCII.GetBytes(label));
            }

            bytes.WriteByte(0);
        }

        return bytes.ToArray();
    }

    private static byte[] Addresses(IReadOnlyList<string> texts)
    {
        using MemoryStream bytes = new();
        foreach (string text in texts)
        {
            if (IpText.TryParseAddress(text, out IPAddress? address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork)
            {
                bytes.Write(address.GetAddressBytes());
            }
        }

        return bytes.ToArray();
    }

    private static byte[]? Text(string? value) =>
        string.IsNullOrEmpty(value) || Encoding.UTF8.GetByteCount(value) > byte.MaxValue ? null : Encoding.UTF8.GetBytes(value);

    private static byte[] UInt32(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
