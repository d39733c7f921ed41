using Musubi.Cli.Demo;

namespace Musubi.Cli.Tests.Demo;

public sealed class GuestShellTests
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    private static string[]? Guest(string line, params string[] output) => line switch
    {
        "" => ["\r\nguest login: "],
        "root" => ["Password: "],
        "secret" => ["\r\n# "],
        "exit" => null,
        _ => output,
    };

    [Fact]
    public async Task LogIn_TypesNameAndPassword()
    {
        using FakeConsole console = new(line => Guest(line));

        await (await GuestShell.LogInAsync(console.SocketPath, "secret", CancellationToken.None)).DisposeAsync();

        await console.Served.WaitAsync(_limit);
        Assert.Equal(["", "root", "secret", "exit"], console.Typed);
    }

    [Fact]
    public async Task LogIn_AlreadyLoggedIn_TypesNothingMore()
    {
        using FakeConsole console = new(line => line.Length == 0 ? ["# "] : null);

        await (await GuestShell.LogInAsync(console.SocketPath, "secret", CancellationToken.None)).DisposeAsync();

        await console.Served.WaitAsync(_limit);
        Assert.Equal(["", "exit"], console.Typed);
    }

    [Theory]
    [InlineData("0", true)]
    [InlineData("1", false)]
    [InlineData("127", false)]
    public async Task Run_GivesOutputAndWhetherItSucceeded(string code, bool succeeded)
    {
        using FakeConsole console = new(line => Guest(line, "one\r\ntwo\r\n", "__do", "ne__", $"{code}\r\n", "# "));
        await using GuestShell shell = await GuestShell.LogInAsync(console.SocketPath, "secret", CancellationToken.None);

        Assert.Equal(("one\r\ntwo", succeeded), await shell.RunAsync("ls", _limit, CancellationToken.None));
    }

    [Fact]
    public async Task Run_OutputLooksLikeAPrompt_IsReadToTheEnd()
    {
        using FakeConsole console = new(line => Guest(line, "# a comment\r\n__done__", "0\r\n# "));
        await using GuestShell shell = await GuestShell.LogInAsync(console.SocketPath, "secret", CancellationToken.None);

        Assert.Equal(("# a comment", true), await shell.RunAsync("cat /etc/resolv.conf", _limit, CancellationToken.None));
    }

    [Fact]
    public async Task Run_GuestSilent_TimesOutAndSaysWhatWasExpected()
    {
        using FakeConsole console = new(line => Guest(line, "nothing more"));
        await using GuestShell shell = await GuestShell.LogInAsync(console.SocketPath, "secret", CancellationToken.None);

        TimeoutException error = await Assert.ThrowsAsync<TimeoutException>(() => shell.RunAsync("sleep 99", TimeSpan.FromMilliseconds(300), CancellationToken.None));

        Assert.StartsWith("the guest's console did not show \"__done__\" within", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ConsoleClosed_IsToldAndDisposingIsHarmless()
    {
        using FakeConsole console = new(line => line.StartsWith("ls", StringComparison.Ordinal) ? null : Guest(line));
        GuestShell shell = await GuestShell.LogInAsync(console.SocketPath, "secret", CancellationToken.None);

        await Assert.ThrowsAnyAsync<Exception>(() => shell.RunAsync("ls", _limit, CancellationToken.None));
        await console.Served.WaitAsync(_limit);

        await shell.DisposeAsync();
    }

    [Fact]
    public async Task LogIn_Cancelled_EndsAtOnce()
    {
        using FakeConsole console = new(_ => []);
        using CancellationTokenSource cancelled = new(TimeSpan.FromMilliseconds(100));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => GuestShell.LogInAsync(console.SocketPath, "secret", cancelled.Token));
    }
}
