using System.Diagnostics;

namespace Musubi.SystemTests;

/// <summary>What a command printed and how it ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Errors)
{
    public override string ToString() => $"exit code {ExitCode}\n{Output}\n{Errors}";
}

/// <summary>Runs outside witnesses and the product's own programs.</summary>
internal static class Shell
{
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);

    public static async Task<CommandResult> RunAsync(string program, IEnumerable<string> arguments, string? input = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        using CancellationTokenSource limit = new(_limit);
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(limit.Token);
        Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(limit.Token);
        return new CommandResult(process.ExitCode, await output, await errors);
    }

    /// <summary>Runs a command that must succeed, and gives what it printed.</summary>
    public static async Task<string> OutputAsync(string program, params string[] arguments)
    {
        CommandResult result = await RunAsync(program, arguments);
        Assert.True(result.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {result}");
        return result.Output;
    }

    /// <summary>Polls until a condition holds.</summary>
    public static async Task<T> EventuallyAsync<T>(Func<Task<T>> observe, Func<T, bool> holds, TimeSpan limit, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            T seen = await observe();
            if (holds(seen))
            {
                return seen;
            }

            Assert.True(Stopwatch.GetElapsedTime(start) < limit, $"{what} did not happen within {limit.TotalSeconds:0} s; last seen: {seen}");
            await Task.Delay(100);
        }
    }
}
