using System.Diagnostics;

namespace Musubi.Linux.Tests.Support;

/// <summary>Runs programs of the distribution that see the kernel with other eyes than ours.</summary>
internal static class Witness
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static string Run(string program, string arguments)
    {
        (int code, string output, string errors) = TryRun(program, arguments);
        return code == 0 ? output : throw new InvalidOperationException($"{program} {arguments} ended with {code}: {errors}");
    }

    public static (int Code, string Output, string Errors) TryRun(string program, string arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill();
            throw new TimeoutException($"{program} {arguments} did not end within {Limit}");
        }

        return (process.ExitCode, output.Result, errors.Result);
    }
}
