using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Sockets;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>Asks the daemon.</summary>
internal static class DaemonClient
{
    private static readonly TimeSpan _sendLimit = TimeSpan.FromSeconds(10);

    /// <summary>Sends a request and waits for the answer.</summary>
    /// <param name="socketPath">Where the daemon listens.</param>
    /// <param name="call">How the reference plugin names the call, for messages.</param>
    /// <param name="verb">One of <see cref="DaemonProtocol"/>.</param>
    /// <param name="limit">How long the answer may take.</param>
    /// <param name="members">The rest of the request.</param>
    /// <exception cref="DaemonUnreachableException">Nobody listens.</exception>
    /// <exception cref="CniException">The daemon says what went wrong.</exception>
    public static ConfigObject Ask(string socketPath, string call, string verb, TimeSpan limit, Action<Utf8JsonWriter> members)
    {
        using LocalSocket socket = Connect(socketPath);
        try
        {
            byte[] request = DaemonProtocol.Write(json =>
            {
                json.WriteString("verb", verb);
                members(json);
            });
            socket.Send(request, _sendLimit);
            ConfigObject answer = DaemonProtocol.Read(ReceiveAll(socket, limit));
            return answer.Object("error") is not { } error
                ? answer
                : throw new CniException(error.Number("code") ?? CniErrorCode.Internal, $"error calling {call}: {error.Text("msg")}", error.Text("details"));
        }
        catch (Exception e) when (e is LinuxException or TimeoutException)
        {
            throw new CniException(CniErrorCode.TryAgainLater, $"error calling {call}: {e.Message}", details: null, e);
        }
    }

    private static LocalSocket Connect(string path)
    {
        try
        {
            return LocalSocket.Connect(path);
        }
        catch (LinuxException e)
        {
            throw new DaemonUnreachableException($"error dialing DHCP daemon: {e.Message}: is it running (musubi-cni daemon)?", e);
        }
    }

    private static byte[] ReceiveAll(LocalSocket socket, TimeSpan limit)
    {
        using MemoryStream answer = new();
        byte[] buffer = new byte[4096];
        for (int received; (received = socket.Receive(buffer, limit)) > 0;)
        {
            answer.Write(buffer, 0, received);
        }

        return answer.Length > 0 ? answer.ToArray() : throw new CniException(CniErrorCode.TryAgainLater, "the DHCP daemon ended before it answered");
    }
}

/// <summary>Nobody listens at the daemon's socket.</summary>
internal sealed class DaemonUnreachableException(string message, Exception inner) : Exception(message, inner);
