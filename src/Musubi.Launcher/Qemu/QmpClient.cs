using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text.Json;

namespace Musubi.Launcher.Qemu;

/// <summary>QEMU refused a command.</summary>
internal sealed class QmpException(string command, string why) : Exception($"QMP {command}: {why}");

/// <summary>
/// The QEMU Machine Protocol on a Unix socket: commands with their answers, and events. The guest agent speaks the same
/// language without greeting and events.
/// </summary>
internal sealed class QmpClient : IAsyncDisposable
{
    // The guest agent is the guest's word: it must not fill our memory.
    private const int LongestLine = 1 << 20;

    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly Action<string, JsonElement> _onEvent;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> _waiting = new();
    private readonly SemaphoreSlim _sending = new(1);
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _reading;
    private long _lastId;

    private QmpClient(Socket socket, Action<string, JsonElement> onEvent)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: true);
        _onEvent = onEvent;
        _reading = ReadAsync();
    }

    /// <summary>Ends when the other side is gone.</summary>
    public Task Closed => _reading;

    /// <summary>Connects and, for QEMU itself, negotiates capabilities.</summary>
    /// <param name="path">The socket.</param>
    /// <param name="negotiate">True for QEMU, false for the guest agent.</param>
    /// <param name="onEvent">Gets every event's name and data.</param>
    /// <param name="ct">Ends the attempt.</param>
    public static async Task<QmpClient> ConnectAsync(string path, bool negotiate, Action<string, JsonElement> onEvent, CancellationToken ct)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), ct);
        }
        catch (Exception)
        {
            socket.Dispose();
            throw;
        }

        QmpClient client = new(socket, onEvent);
        if (negotiate)
        {
            await client.ExecuteAsync("qmp_capabilities", arguments: null, TimeSpan.FromSeconds(10), ct);
        }

        return client;
    }

    /// <summary>Runs a command.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="arguments">Writes the members of its arguments; null for none.</param>
    /// <param name="limit">How long the answer may take.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="QmpException">The command was refused.</exception>
    /// <exception cref="TimeoutException">No answer came.</exception>
    public async Task<JsonElement> ExecuteAsync(string command, Action<Utf8JsonWriter>? arguments, TimeSpan limit, CancellationToken ct)
    {
        long id = Interlocked.Increment(ref _lastId);
        TaskCompletionSource<JsonElement> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = answer;
        try
        {
            if (_reading.IsCompleted)
            {
                throw new QmpException(command, "the connection is closed");
            }

            await SendAsync(Encode(command, arguments, id), ct);
            JsonElement reply = await answer.Task.WaitAsync(limit, ct);
            return reply.TryGetProperty("error", out JsonElement error)
                ? throw new QmpException(command, error.TryGetProperty("desc", out JsonElement text) ? text.GetString() ?? "refused" : error.GetRawText())
                : reply.TryGetProperty("return", out JsonElement value) ? value : default;
        }
        catch (IOException e)
        {
            throw new QmpException(command, e.Message);
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _stream.DisposeAsync();
        await _reading;
        _socket.Dispose();
        _sending.Dispose();
        _closing.Dispose();
    }

    private static ReadOnlyMemory<byte> Encode(string command, Action<Utf8JsonWriter>? arguments, long id)
    {
        ArrayBufferWriter<byte> buffer = new(256);
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("execute", command);
            if (arguments is not null)
            {
                json.WriteStartObject("arguments");
                arguments(json);
                json.WriteEndObject();
            }

            json.WriteNumber("id", id);
            json.WriteEndObject();
        }

        buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private async Task SendAsync(ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        await _sending.WaitAsync(ct);
        try
        {
            await _stream.WriteAsync(message, ct);
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReadAsync()
    {
        PipeReader reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(leaveOpen: true));
        try
        {
            while (true)
            {
                ReadResult result = await reader.ReadAsync(_closing.Token);
                ReadOnlySequence<byte> buffer = result.Buffer;
                while (buffer.PositionOf((byte)'\n') is { } end)
                {
                    Handle(buffer.Slice(0, end));
                    buffer = buffer.Slice(buffer.GetPosition(1, end));
                }

                reader.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted || buffer.Length > LongestLine)
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The other side is gone, or this one is closing: both end the conversation.
        }
        finally
        {
            foreach (TaskCompletionSource<JsonElement> waiting in _waiting.Values)
            {
                waiting.TrySetException(new QmpException("connection", "closed by the other side"));
            }
        }
    }

    private void Handle(ReadOnlySequence<byte> line)
    {
        JsonElement message;
        try
        {
            // An agent that starts anew may send a byte 0xff or half a line first: what is no JSON is not for us.
            using JsonDocument document = JsonDocument.Parse(line);
            message = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return;
        }

        if (message.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        if (message.TryGetProperty("event", out JsonElement name))
        {
            _onEvent(name.GetString() ?? "", message.TryGetProperty("data", out JsonElement data) ? data : default);
        }
        else if (message.TryGetProperty("id", out JsonElement id) && id.TryGetInt64(out long number) && _waiting.TryGetValue(number, out TaskCompletionSource<JsonElement>? waiting))
        {
            waiting.TrySetResult(message);
        }
    }
}
