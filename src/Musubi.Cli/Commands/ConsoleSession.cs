using System.Net.Sockets;
using Musubi.Linux;
using Musubi.Linux.Terminals;

namespace Musubi.Cli.Commands;

/// <summary>Connects the terminal with a machine's serial console.</summary>
internal static class ConsoleSession
{
    private const byte Escape = 0x1d; // Ctrl-]
    private static readonly TimeSpan _lastWords = TimeSpan.FromSeconds(2);

    /// <summary>Runs until the user leaves, the machine ends, or somebody else takes the console over.</summary>
    public static async Task<int> AttachAsync(string socketPath, string name, CancellationToken ct)
    {
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct);
        await Console.Error.WriteLineAsync($"Connected to {name}. Press Enter for a prompt, Ctrl-] to leave.");
        using RawTerminal? raw = Console.IsInputRedirected ? null : EnterRaw();
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task fromGuest = CopyFromGuestAsync(socket, end.Token);
        Task<bool> toGuest = CopyToGuestAsync(socket, end.Token);
        bool left = await Task.WhenAny(fromGuest, toGuest) == toGuest && await toGuest;
        if (!left && Console.IsInputRedirected)
        {
            await Task.WhenAny(fromGuest, Task.Delay(_lastWords, ct)); // input ended; what the guest still says is wanted
        }

        await end.CancelAsync();
        raw?.Dispose();
        await Console.Error.WriteLineAsync(left ? "\nLeft the console." : "\nThe console was closed.");
        return 0;
    }

    private static RawTerminal? EnterRaw()
    {
        try
        {
            return new RawTerminal();
        }
        catch (LinuxException)
        {
            return null; // no terminal: bytes are passed as they come
        }
    }

    private static async Task CopyFromGuestAsync(Socket socket, CancellationToken ct)
    {
        await using Stream output = Console.OpenStandardOutput();
        byte[] buffer = new byte[4096];
        try
        {
            for (int read; (read = await socket.ReceiveAsync(buffer, ct)) > 0;)
            {
                await output.WriteAsync(buffer.AsMemory(0, read), ct);
                await output.FlushAsync(ct);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Left, or closed by the other side.
        }
    }

    /// <returns>Whether the user asked to leave.</returns>
    private static async Task<bool> CopyToGuestAsync(Socket socket, CancellationToken ct)
    {
        await using Stream input = Console.OpenStandardInput();
        byte[] buffer = new byte[256];
        try
        {
            for (int read; (read = await input.ReadAsync(buffer, ct)) > 0;)
            {
                int escape = buffer.AsSpan(0, read).IndexOf(Escape);
                await socket.SendAsync(buffer.AsMemory(0, escape < 0 ? read : escape), ct);
                if (escape >= 0)
                {
                    return true;
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            // Closed by the other side.
        }

        return false;
    }
}
