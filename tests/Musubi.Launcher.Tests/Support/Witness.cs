using System.Diagnostics;
using System.Text.Json;

namespace Musubi.Launcher.Tests.Support;

/// <summary>Runs programs of the distribution that see the kernel with other eyes than ours.</summary>
internal static class Witness
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    public static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(_limit))
        {
            process.Kill();
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {_limit}");
        }

        return process.ExitCode == 0
            ? output.Result
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {errors.Result}");
    }

    public static JsonElement Json(string text) => JsonDocument.Parse(string.IsNullOrWhiteSpace(text) ? "[]" : text).RootElement;
}
