using System.Diagnostics;
using System.Text.Json;

namespace Musubi.Testing;

/// <summary>Runs programs of the distribution that see the kernel with other eyes than ours.</summary>
internal static class Witness
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    /// <summary>What a program printed; an error when it failed.</summary>
    public static string Run(string program, params string[] arguments)
    {
        (int code, string output, string errors) = TryRun(program, arguments);
        return code == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {code}: {errors}");
    }

    public static (int Code, string Output, string Errors) TryRun(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(_limit))
        {
            process.Kill();
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {_limit}");
        }

        return (process.ExitCode, output.Result, errors.Result);
    }

    /// <summary>JSON as iproute2 prints it: nothing at all stands for an empty list.</summary>
    public static JsonElement Json(string text) => JsonDocument.Parse(string.IsNullOrWhiteSpace(text) ? "[]" : text).RootElement;
}
