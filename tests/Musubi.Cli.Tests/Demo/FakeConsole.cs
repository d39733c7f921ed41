using System.Net.Sockets;
using System.Text;

namespace Musubi.Cli.Tests.Demo;

/// <summary>A guest's serial console that follows a script: reads a line, echoes it, answers.</summary>
internal sealed class FakeConsole : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("musubi-console-").FullName;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <param name="answer">Gives the pieces to print for a line typed; null closes the console.</param>
    public FakeConsole(Func<string, string[]?> answer)
    {
        _listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        _listener.Listen(1);
        Served = ServeAsync(answer);
    }

    public string SocketPath => Path.Combine(_directory, "serial.sock");

    public List<string> Typed { get; } = [];

    /// <summary>Ends when the client has gone, or the script closed the console.</summary>
    public Task Served { get; }

    public void Dispose()
    {
        _listener.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task ServeAsync(Func<string, string[]?> answer)
    {
        using Socket client = await _listener.AcceptAsync();
        await using NetworkStream stream = new(client);
        using StreamReader reader = new(stream, Encoding.UTF8);
        while (await reader.ReadLineAsync() is { } line)
        {
            Typed.Add(line);
            if (answer(line) is not { } pieces)
            {
                return;
            }

            await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"));
            foreach (string piece in pieces)
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(piece));
                await stream.FlushAsync();
                await Task.Delay(50); // a slow line: each piece arrives on its own
            }
        }
    }
}
