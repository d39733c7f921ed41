using System.Buffers.Binary;
using System.Net;
using System.Text;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;
using Musubi.Machines;

namespace Musubi.Launcher.Dhcp;

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
        Add(DhcpOption.DomainSearch, DhcpDomainSearch.Write(Dns.Searches));
        Add(DhcpOption.ClasslessRoutes, DhcpRoute.WriteClassless(Routes));
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
