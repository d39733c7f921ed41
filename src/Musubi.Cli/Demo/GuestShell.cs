using System.Net.Sockets;
using System.Text;

namespace Musubi.Cli.Demo;

/// <summary>A login on a guest's serial console, driven as a person would: type a command, read what it prints.</summary>
internal sealed class GuestShell : IAsyncDisposable
{
    private const string Prompt = "# ";
    private const string Marker = "__done__";
    private static readonly TimeSpan _loginLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _nudgeEvery = TimeSpan.FromSeconds(2);

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly StringBuilder _seen = new();

    private GuestShell()
    {
    }

    /// <summary>Logs in as root.</summary>
    public static async Task<GuestShell> LogInAsync(string socketPath, string password, CancellationToken ct)
    {
        GuestShell shell = new();
        try
        {
            await shell._socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct);
            string answer = await shell.NudgeAsync(["login: ", Prompt], ct);
            if (answer == "login: ")
            {
                await shell.TypeAsync("root\n", ct);
                await shell.ExpectAsync(["assword: "], _loginLimit, ct);
                await shell.TypeAsync(password + "\n", ct);
                await shell.ExpectAsync([Prompt], _loginLimit, ct);
            }

            return shell;
        }
        catch (Exception)
        {
            await shell.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command line and gives what it printed, and whether it succeeded.</summary>
    public async Task<(string Output, bool Succeeded)> RunAsync(string command, TimeSpan limit, CancellationToken ct)
    {
        // The shell echoes what is typed; the marker is broken up there, so that only the result shows it whole.
        await TypeAsync($"{command}; echo __do''ne__$?\n", ct);
        await ExpectAsync([Marker], limit, ct);
        string text = _seen.ToString();
        int end = text.IndexOf(Marker, StringComparison.Ordinal);
        await ExpectAsync([Prompt], limit, ct, after: end);
        string code = _seen.ToString()[(end + Marker.Length)..].TrimStart();
        int lineEnd = text.IndexOf('\n', StringComparison.Ordinal);
        string output = lineEnd >= 0 && lineEnd < end ? text[(lineEnd + 1)..end].Trim() : "";
        return (output, code.StartsWith('0'));
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_socket.Connected)
            {
                await _socket.SendAsync("exit\n"u8.ToArray());
            }
        }
        catch (SocketException)
        {
            // The console was closed first: nobody is logged in any more.
        }
        finally
        {
            _socket.Dispose();
        }
    }

    private async Task TypeAsync(string text, CancellationToken ct)
    {
        _seen.Clear();
        await _socket.SendAsync(Encoding.UTF8.GetBytes(text), ct);
    }

    /// <summary>Presses Enter until a prompt shows: whoever used the console before may have left it anywhere.</summary>
    private async Task<string> NudgeAsync(string[] wanted, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_loginLimit);
        while (true)
        {
            await TypeAsync("\n", limit.Token);
            try
            {
                return await ExpectAsync(wanted, _nudgeEvery, limit.Token);
            }
            catch (TimeoutException)
            {
                limit.Token.ThrowIfCancellationRequested();
            }
        }
    }

    /// <summary>Reads until one of the texts shows behind a position: what a command prints may look like a prompt itself.</summary>
    private async Task<string> ExpectAsync(string[] wanted, TimeSpan within, CancellationToken ct, int after = 0)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(within);
        byte[] buffer = new byte[1024];
        try
        {
            while (true)
            {
                string text = _seen.ToString();
                if (wanted.FirstOrDefault(w => text.IndexOf(w, after, StringComparison.Ordinal) >= 0) is { } found)
                {
                    return found;
                }

                int read = await _socket.ReceiveAsync(buffer, limit.Token);
                if (read == 0)
                {
                    throw new IOException("the console was closed");
                }

                _seen.Append(Encoding.UTF8.GetString(buffer, 0, read));
            }
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException($"the guest's console did not show {string.Join(" or ", wanted.Select(w => $"\"{w.Trim()}\""))} within {within.TotalSeconds:0} s", e);
        }
    }
}
