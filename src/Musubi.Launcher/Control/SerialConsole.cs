using System.Net.Sockets;

namespace Musubi.Launcher.Control;

/// <summary>
/// The guest's serial console for people: keeps the last output in a file, and passes bytes to and from one client at a time;
/// a new client takes over from the one before, as KubeVirt's console does.
/// </summary>
internal sealed class SerialConsole : IDisposable
{
    private const int KeptBytes = 64 * 1024;

    // A client that does not read must not hold up the guest.
    private static readonly TimeSpan _sendLimit = TimeSpan.FromSeconds(1);

    private readonly Socket _listener;
    private readonly Socket _guest;
    private readonly string _logPath;
    private readonly Lock _gate = new();
    private FileStream _log;
    private Socket? _client;

    /// <summary>Connects to QEMU's end and opens the socket for clients.</summary>
    public SerialConsole(string guestSocket, string clientSocket, string logPath)
    {
        _guest = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _guest.Connect(new UnixDomainSocketEndPoint(guestSocket));
        File.Delete(clientSocket);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(clientSocket));
        _listener.Listen(4);
        _logPath = logPath;
        _log = OpenLog();
    }

    /// <summary>Serves until cancelled or the guest's end closes.</summary>
    public Task RunAsync(CancellationToken ct) => Task.WhenAll(ReadGuestAsync(ct), AcceptAsync(ct));

    public void Dispose()
    {
        _listener.Dispose();
        _guest.Dispose();
        _client?.Dispose();
        _log.Dispose();
    }

    private async Task ReadGuestAsync(CancellationToken ct)
    {
        byte[] buffer = new byte[4096];
        try
        {
            for (int read; (read = await _guest.ReceiveAsync(buffer, ct)) > 0;)
            {
                await KeepAsync(buffer.AsMemory(0, read), ct);
                Socket? client;
                lock (_gate)
                {
                    client = _client;
                }

                if (client is not null)
                {
                    await SendToClientAsync(client, buffer.AsMemory(0, read), ct);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException or IOException)
        {
            // The machine is ending, or its log cannot be written.
        }
    }

    private async Task SendToClientAsync(Socket client, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_sendLimit);
        try
        {
            await client.SendAsync(bytes, limit.Token);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            Forget(client);
        }
    }

    private async Task AcceptAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                Socket client = await _listener.AcceptAsync(ct);
                Socket? before;
                lock (_gate)
                {
                    before = _client;
                    _client = client;
                }

                before?.Dispose();
                _ = ReadClientAsync(client, ct);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The machine is ending.
        }
    }

    private async Task ReadClientAsync(Socket client, CancellationToken ct)
    {
        byte[] buffer = new byte[1024];
        try
        {
            for (int read; (read = await client.ReceiveAsync(buffer, ct)) > 0;)
            {
                await _guest.SendAsync(buffer.AsMemory(0, read), ct);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Gone, or another client took over.
        }

        Forget(client);
    }

    private void Forget(Socket client)
    {
        lock (_gate)
        {
            _client = ReferenceEquals(_client, client) ? null : _client;
        }

        client.Dispose();
    }

    /// <summary>The file is begun anew at twice the size that is kept, with the second half of what it held.</summary>
    private async Task KeepAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        await _log.WriteAsync(bytes, ct);
        await _log.FlushAsync(ct);
        if (_log.Length < 2 * KeptBytes)
        {
            return;
        }

        byte[] tail = new byte[KeptBytes];
        _log.Position = _log.Length - KeptBytes;
        await _log.ReadExactlyAsync(tail, ct);
        await _log.DisposeAsync();
        _log = OpenLog();
        await _log.WriteAsync(tail, ct);
    }

    private FileStream OpenLog() => new(_logPath, new FileStreamOptions
    {
        Mode = FileMode.Create,
        Access = FileAccess.ReadWrite,
        Share = FileShare.ReadWrite,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });
}
