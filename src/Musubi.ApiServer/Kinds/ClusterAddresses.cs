using System.Net;
using Musubi.Linux.Addresses;

namespace Musubi.ApiServer.Kinds;

/// <summary>Addresses and node ports that Services hold. Kept in memory: filled from the stored Services at start.</summary>
internal sealed class ClusterAddresses(Cidr ipv4, Cidr ipv6)
{
    private const int FirstNodePort = 30000, LastNodePort = 32767;
    private const int MaxTries = 4096;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _addresses = new(StringComparer.Ordinal);
    private readonly HashSet<int> _nodePorts = [];

    public Cidr Range(bool isIPv6) => isIPv6 ? ipv6 : ipv4;

    /// <summary>Takes a free address.</summary>
    /// <returns>Null when the range has none left.</returns>
    public string? TakeAddress(bool isIPv6)
    {
        Cidr range = Range(isIPv6);
        int hostBits = Math.Min(range.Bits - range.PrefixLength, 24);
        int size = (1 << hostBits) - 2;
        lock (_gate)
        {
            // The lower part is left to those who ask for a certain address.
            int reserved = Math.Clamp(size / 16, 1, 256);
            for (int attempt = 0; attempt < MaxTries; attempt++)
            {
                int offset = attempt < MaxTries / 2 ? reserved + Random.Shared.Next(Math.Max(size - reserved, 1)) : 1 + attempt - (MaxTries / 2);
                if (offset < 1 || offset > size) continue;
                string address = IpText.Format(IpText.Add(range.Network.Address, offset));
                if (_addresses.Add(address)) return address;
            }
        }
        return null;
    }

    /// <summary>Takes a certain address.</summary>
    /// <returns>Why not; null when it is taken now.</returns>
    public string? Take(string address)
    {
        if (!IpText.TryParseAddress(address, out IPAddress? parsed)) return "must be a valid IP address";
        Cidr range = Range(parsed.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6);
        if (!range.Contains(parsed)) return $"the provided IP ({address}) is not in the valid range. The range of valid IPs is {range}";
        lock (_gate) return _addresses.Add(IpText.Format(parsed)) ? null : "provided IP is already allocated";
    }

    public int? TakeNodePort()
    {
        lock (_gate)
        {
            for (int attempt = 0; attempt < MaxTries; attempt++)
            {
                int port = attempt < MaxTries / 2 ? Random.Shared.Next(FirstNodePort, LastNodePort + 1) : FirstNodePort + attempt - (MaxTries / 2);
                if (port <= LastNodePort && _nodePorts.Add(port)) return port;
            }
        }
        return null;
    }

    /// <returns>Why not; null when it is taken now.</returns>
    public string? TakeNodePort(int port)
    {
        if (port is < FirstNodePort or > LastNodePort) return $"provided port is not in the valid range. The range of valid ports is {FirstNodePort}-{LastNodePort}";
        lock (_gate) return _nodePorts.Add(port) ? null : "provided port is already allocated";
    }

    public void Release(IEnumerable<string> addresses, IEnumerable<int> nodePorts)
    {
        lock (_gate)
        {
            foreach (string address in addresses) _addresses.Remove(address);
            foreach (int port in nodePorts) _nodePorts.Remove(port);
        }
    }
}
