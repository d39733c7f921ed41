using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Linux.Namespaces;

namespace Musubi.Cli.Demo;

/// <summary>A client inside a namespace: its packets go where that namespace's go.</summary>
internal sealed class NodeProbe : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);
    private readonly NetworkNamespace _network;
    private readonly HttpClient _http;

    public NodeProbe(string path)
    {
        _network = NetworkNamespace.Open(path);
        _http = new HttpClient(new SocketsHttpHandler { ConnectCallback = async (context, ct) => await ConnectAsync(context.DnsEndPoint, ct), UseProxy = false }) { Timeout = _limit };
    }

    /// <summary>Fetches a page.</summary>
    public Task<string> GetAsync(string address, CancellationToken ct) =>
        _http.GetStringAsync(new Uri(address.Contains(':', StringComparison.Ordinal) ? $"http://[{address}]/" : $"http://{address}/"), ct);

    /// <summary>Tries a TCP port.</summary>
    /// <returns>Null when it accepted, otherwise how it refused.</returns>
    public async Task<SocketError?> TryConnectAsync(string address, int port, CancellationToken ct)
    {
        IPAddress target = IpText.ParseAddress(address);
        using Socket socket = _network.OpenSocket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_limit);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(target, port), limit.Token);
            return null;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return SocketError.TimedOut;
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _network.Dispose();
    }

    private async ValueTask<Stream> ConnectAsync(DnsEndPoint target, CancellationToken ct)
    {
        IPAddress address = IpText.ParseAddress(target.Host.Trim('[', ']'));
        Socket socket = _network.OpenSocket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, target.Port), ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (Exception)
        {
            socket.Dispose();
            throw;
        }
    }
}
