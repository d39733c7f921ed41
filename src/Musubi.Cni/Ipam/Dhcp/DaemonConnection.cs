using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Events;
using Musubi.Linux.Sockets;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>A plugin's connection to the daemon: one request, one answer.</summary>
internal sealed class DaemonConnection : IDisposable
{
    /// <summary>A plugin writes its request at once.</summary>
    private static readonly TimeSpan _requestLimit = TimeSpan.FromSeconds(10);

    private readonly LocalSocket _socket;
    private readonly Func<ConfigObject, DaemonConnection, Action?> _answer;
    private readonly IDisposable _watch;
    private readonly LoopTimer _limit;
    private readonly MemoryStream _request = new();
    private bool _asked;
    private Action? _abandoned;
    private bool _closed;

    /// <summary>Serves a connection, which it owns.</summary>
    /// <param name="loop">The loop to wait in.</param>
    /// <param name="socket">The connection.</param>
    /// <param name="answer">Answers a request by <see cref="Reply"/>, at once or later, and says what to do when the plugin is gone before.</param>
    public DaemonConnection(EventLoop loop, LocalSocket socket, Func<ConfigObject, DaemonConnection, Action?> answer)
    {
        _socket = socket;
        _answer = answer;
        _watch = loop.WatchReadable(socket.Handle, Receive);
        _limit = loop.Timer(Dispose);
        _limit.Set(loop.Now + _requestLimit);
    }

    public event Action? Closed;

    /// <summary>Sends the answer and closes.</summary>
    public void Reply(byte[] message)
    {
        try
        {
            // An answer fits into the socket's buffer; a plugin that does not read is not waited for.
            _socket.Send(message, TimeSpan.Zero);
        }
        catch (Exception e) when (e is LinuxException or TimeoutException)
        {
            // It is gone. What it asked for stands; DEL or GC will take it back.
        }

        _abandoned = null;
        Dispose();
    }

    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        _limit.Set(null);
        _watch.Dispose();
        _socket.Dispose();
        _abandoned?.Invoke();
        Closed?.Invoke();
    }

    private void Receive()
    {
        byte[] buffer = new byte[4096];
        try
        {
            while (!_closed && _socket.TryReceive(buffer, out int received))
            {
                if (received == 0 || _request.Length + received > DaemonProtocol.LargestRequest)
                {
                    Dispose();
                    return;
                }

                _request.Write(buffer, 0, received);
                if (!_asked && buffer.AsSpan(0, received).Contains(DaemonProtocol.End))
                {
                    _asked = true;
                    _limit.Set(null);
                    Ask();
                }
            }
        }
        catch (LinuxException)
        {
            Dispose();
        }
    }

    private void Ask()
    {
        try
        {
            Action? abandoned = _answer(DaemonProtocol.Read(_request.ToArray()), this);
            _abandoned = _closed ? null : abandoned;
        }
        catch (CniException e)
        {
            Reply(DaemonProtocol.Error(e));
        }
        catch (Exception e) when (e is LinuxException or IOException or UnauthorizedAccessException or FormatException or OverflowException or ArgumentException)
        {
            Reply(DaemonProtocol.Error(new CniException(CniErrorCode.Internal, e.Message)));
        }
    }
}
