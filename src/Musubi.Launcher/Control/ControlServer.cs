using System.Net.Sockets;
using System.Text.Json;
using Musubi.Machines;

namespace Musubi.Launcher.Control;

/// <summary>Takes <see cref="MachineRequest"/> lines on the control socket.</summary>
internal sealed class ControlServer : IDisposable
{
    private readonly Socket _listener;
    private readonly StatusBoard _board;
    private readonly Action<TimeSpan?> _shutdown;

    /// <summary>Opens the socket.</summary>
    /// <param name="path">Where; a socket left by an earlier process is replaced.</param>
    /// <param name="board">What is reported.</param>
    /// <param name="shutdown">Called for shutdown with its limit (null: the machine's own) and for kill with zero.</param>
    public ControlServer(string path, StatusBoard board, Action<TimeSpan?> shutdown)
    {
        _board = board;
        _shutdown = shutdown;
        File.Delete(path);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _listener.Listen(16);
    }

    /// <summary>Serves until cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptAsync(ct), ct);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The machine is ending.
        }
    }

    public void Dispose() => _listener.Dispose();

    private async Task ServeAsync(Socket connection, CancellationToken ct)
    {
        await using NetworkStream stream = new(connection, ownsSocket: true);
        using StreamReader reader = new(stream);
        try
        {
            while (await reader.ReadLineAsync(ct) is { } line)
            {
                await AnswerAsync(stream, line, ct);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The other side left, or the machine is ending.
        }
    }

    private async Task AnswerAsync(Stream stream, string line, CancellationToken ct)
    {
        MachineRequest? request = Parse(line);
        switch (request?.Command)
        {
            case "status":
                await WriteAsync(stream, _board.Current, ct);
                break;
            case "watch":
                while (true)
                {
                    (MachineStatus status, Task changed) = _board.Observe();
                    await WriteAsync(stream, status, ct);
                    await changed.WaitAsync(ct);
                }

            case "shutdown":
                _shutdown(request.GraceSeconds is { } seconds ? TimeSpan.FromSeconds(Math.Max(0, seconds)) : null);
                await WriteAsync(stream, _board.Current, ct);
                break;
            case "kill":
                _shutdown(TimeSpan.Zero);
                await WriteAsync(stream, _board.Current, ct);
                break;
            default:
                throw new IOException("not a request");
        }
    }

    private static MachineRequest? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, MachineJson.Default.MachineRequest);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task WriteAsync(Stream stream, MachineStatus status, CancellationToken ct)
    {
        byte[] json = [.. JsonSerializer.SerializeToUtf8Bytes(status, MachineJson.Default.MachineStatus), (byte)'\n'];
        await stream.WriteAsync(json, ct);
    }
}
