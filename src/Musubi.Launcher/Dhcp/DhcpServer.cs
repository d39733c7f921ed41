using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Dhcp;
using Musubi.Linux.Packets;

namespace Musubi.Launcher.Dhcp;

/// <summary>Serves one lease on one interface of the pod until cancelled.</summary>
internal sealed class DhcpServer : IDisposable
{
    private const int LargestPacket = 2048;

    private readonly Socket _socket;
    private readonly DhcpResponder _responder;
    private readonly TextWriter _log;
    private readonly string _device;

    /// <summary>Opens the server's port on an interface.</summary>
    public DhcpServer(string device, DhcpLease lease, TextWriter log)
    {
        _device = device;
        _log = log;
        _responder = new DhcpResponder(lease);
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            _socket.EnableBroadcast = true;
            _socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);

            // Bound to the interface, so that several guests' interfaces can be served and nothing is sent to the pod network.
            _socket.BindToDevice(device);
            _socket.Bind(new IPEndPoint(IPAddress.Any, DhcpMessage.ServerPort));
        }
        catch (SocketException)
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Answers until cancelled. A packet that cannot be answered is logged and does not end the service.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        byte[] buffer = new byte[LargestPacket];
        IPEndPoint any = new(IPAddress.Any, 0);
        while (!ct.IsCancellationRequested)
        {
            try
            {
                SocketReceiveFromResult received = await _socket.ReceiveFromAsync(buffer, SocketFlags.None, any, ct);
                if (_responder.Answer(buffer.AsSpan(0, received.ReceivedBytes)) is { } answer)
                {
                    await _socket.SendToAsync(answer.Packet, SocketFlags.None, new IPEndPoint(answer.Destination, DhcpMessage.ClientPort), ct);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException e)
            {
                await _log.WriteLineAsync($"dhcp on {_device}: {e.Message}");
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
