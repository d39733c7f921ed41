using System.Net.Sockets;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Conntrack;

/// <summary>
/// A socket by which one namespace's tracked connections are read and forgotten; <c>conntrack</c>(8). It belongs to that namespace for life and may be
/// used from any thread.
/// </summary>
public sealed class ConntrackSocket : IDisposable
{
    private readonly NetlinkSocket _socket;

    private ConntrackSocket(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens a socket in a namespace, or in the calling thread's own. The caller disposes it.</summary>
    public static ConntrackSocket Open(NetworkNamespace? network = null) => new(NetlinkSocket.Open(network, NetlinkProtocol.NETLINK_NETFILTER));

    /// <summary>
    /// Connections of a family and protocol that were begun to a port, or to any when that is null; <c>conntrack -L -f FAMILY -p PROTOCOL --orig-port-dst PORT</c>.
    /// The kernel walks its whole table (15 ms on a host whose table has its usual size), so that one call for several ports is better than several calls.
    /// </summary>
    public IReadOnlyList<ConntrackEntry> List(AddressFamily family, byte protocol, ushort? destinationPort = null)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        ConntrackMessages.List(ref writer, family, protocol, destinationPort);
        List<ConntrackEntry> entries = _socket.Dump<ConntrackEntry>(ref writer, ConntrackMessages.TryRead, subject: null);

        // Not every kernel filters what it was asked to.
        entries.RemoveAll(e => e.Protocol != protocol || (destinationPort is { } port && e.DestinationPort != port) || e.Source.AddressFamily != family);
        return entries;
    }

    /// <summary>Forgets a connection, so that its next packet begins a new one; answers whether it was still there.</summary>
    public bool Delete(ConntrackEntry entry)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        ConntrackMessages.Delete(ref writer, entry);
        NetlinkAcknowledgement acknowledgement = _socket.TryExecute(ref writer, entry);
        return acknowledgement.IsSuccess
            || (acknowledgement.Errno == Errno.ENOENT
                ? false
                : throw acknowledgement.ToException(_socket.Protocol, (Ctnl.NFNL_SUBSYS_CTNETLINK << 8) | Ctnl.IPCTNL_MSG_CT_DELETE, entry));
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
