using System.Net;
using Musubi.Linux.Dhcp;

namespace Musubi.Launcher.Dhcp;

/// <summary>An answer and where it goes.</summary>
/// <param name="Packet">The message.</param>
/// <param name="Destination">The client's address, or the broadcast address for a client that has none yet.</param>
internal readonly record struct DhcpAnswer(byte[] Packet, IPAddress Destination);

/// <summary>The server's side of the protocol for one lease, without a socket (RFC 2131, section 4.3).</summary>
internal sealed class DhcpResponder(DhcpLease lease)
{
    private static readonly DhcpOption[] _always = [DhcpOption.SubnetMask, DhcpOption.LeaseTime, DhcpOption.Router, DhcpOption.ClasslessRoutes, DhcpOption.InterfaceMtu];

    private readonly IReadOnlyList<KeyValuePair<DhcpOption, byte[]>> _options = lease.Options();

    /// <summary>Answers a packet; null when it is not for this server or asks for no answer.</summary>
    public DhcpAnswer? Answer(ReadOnlySpan<byte> packet)
    {
        if (DhcpMessage.Parse(packet) is not { IsReply: false } request || (lease.OnlyClient is { } only && request.ClientMac != only))
        {
            return null;
        }

        return request.Type switch
        {
            DhcpMessageType.Discover => Reply(request, DhcpMessageType.Offer),
            DhcpMessageType.Request when request.FindAddress(DhcpOption.ServerId) is { } chosen && !chosen.Equals(lease.ServerId) => null,
            DhcpMessageType.Request => Reply(request, IsOurs(request) ? DhcpMessageType.Ack : DhcpMessageType.Nak),
            DhcpMessageType.Inform => Reply(request, DhcpMessageType.Ack),
            _ => null,
        };
    }

    /// <summary>A client that asks for another address than its own would keep it, were it not told no.</summary>
    private bool IsOurs(DhcpMessage request)
    {
        IPAddress? wanted = request.FindAddress(DhcpOption.RequestedAddress) ?? (request.ClientAddress.Equals(IPAddress.Any) ? null : request.ClientAddress);
        return wanted is null || wanted.Equals(lease.Address.Address);
    }

    private DhcpAnswer Reply(DhcpMessage request, DhcpMessageType type)
    {
        bool nak = type == DhcpMessageType.Nak;
        bool inform = request.Type == DhcpMessageType.Inform;
        List<KeyValuePair<DhcpOption, byte[]>> options = [new(DhcpOption.ServerId, lease.ServerId.GetAddressBytes())];
        byte[] wanted = request.Find(DhcpOption.ParameterList) ?? [];
        options.AddRange(nak ? [] : _options.Where(o => IsWanted(wanted, o.Key) && !(inform && o.Key == DhcpOption.LeaseTime)));
        if (request.Find(DhcpOption.ClientId) is { } clientId)
        {
            // RFC 6842: an answer repeats it.
            options.Add(new(DhcpOption.ClientId, clientId));
        }

        DhcpMessage answer = new()
        {
            Type = type,
            IsReply = true,
            TransactionId = request.TransactionId,
            Broadcast = request.Broadcast,
            ClientAddress = type == DhcpMessageType.Ack ? request.ClientAddress : IPAddress.Any,
            YourAddress = nak || inform ? IPAddress.Any : lease.Address.Address,
            ClientMac = request.ClientMac,
            Options = options,
        };
        bool reachable = !nak && !request.Broadcast && !request.ClientAddress.Equals(IPAddress.Any);
        return new DhcpAnswer(answer.Write(), reachable ? request.ClientAddress : IPAddress.Broadcast);
    }

    private static bool IsWanted(byte[] parameterList, DhcpOption option) =>
        parameterList.Length == 0 || _always.Contains(option) || parameterList.Contains((byte)option);
}
