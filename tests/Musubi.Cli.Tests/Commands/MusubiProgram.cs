using System.Diagnostics;

namespace Musubi.Cli.Tests.Commands;

/// <summary>The program as a user starts it, with a state directory of the test's own.</summary>
internal static class MusubiProgram
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    public static (int Code, string Output, string Errors) Run(string stateDirectory, params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", [Path.Combine(AppContext.BaseDirectory, "musubi.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MUSUBI_STATE_DIR"] = stateDirectory;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(_limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"musubi {string.Join(' ', arguments)} did not end within {_limit}");
        }

        return (process.ExitCode, output.Result, errors.Result);
    }
}
