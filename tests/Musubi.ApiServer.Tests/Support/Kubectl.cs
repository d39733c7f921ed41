using System.Diagnostics;

namespace Musubi.ApiServer.Tests.Support;

/// <summary>The real kubectl, with a home of its own.</summary>
internal sealed class Kubectl(string kubeconfig) : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("musubi-kubectl-").FullName;

    public static bool IsInstalled { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(p => File.Exists(Path.Combine(p, "kubectl")));

    /// <summary>Runs a command that must succeed.</summary>
    public async Task<string> RunAsync(string arguments, string? input = null)
    {
        (int code, string output, string error) = await TryAsync(arguments, input);
        Assert.True(code == 0, $"kubectl {arguments} ended with {code}:\n{output}\n{error}");
        return output;
    }

    /// <summary>Runs a command that must fail.</summary>
    public async Task<string> FailAsync(string arguments, string? input = null)
    {
        (int code, string output, string error) = await TryAsync(arguments, input);
        Assert.True(code != 0, $"kubectl {arguments} was expected to fail:\n{output}");
        return error;
    }

    public async Task<(int Code, string Output, string Error)> TryAsync(string arguments, string? input = null)
    {
        using Process process = Start(arguments);
        if (input is not null) await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail($"kubectl {arguments} did not end within a minute");
        }
        return (process.ExitCode, await output, await error);
    }

    /// <summary>Starts a command that goes on, as a watch does; the caller ends it.</summary>
    public Process Start(string arguments)
    {
        var start = new ProcessStartInfo("kubectl")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = _home;
        start.Environment["KUBECONFIG"] = kubeconfig;
        start.Environment["NO_COLOR"] = "1";
        foreach (string argument in Split(arguments)) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public void Dispose() => Directory.Delete(_home, recursive: true);

    /// <summary>Words, of which those in single quotes may hold spaces.</summary>
    private static IEnumerable<string> Split(string arguments)
    {
        var word = new System.Text.StringBuilder();
        bool quoted = false;
        foreach (char c in arguments)
        {
            if (c == '\'') quoted = !quoted;
            else if (c == ' ' && !quoted)
            {
                if (word.Length > 0) yield return word.ToString();
                word.Clear();
            }
            else word.Append(c);
        }
        if (word.Length > 0) yield return word.ToString();
    }
}

/// <summary>A test that needs kubectl; skipped with that reason where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KubectlFactAttribute : FactAttribute
{
    public KubectlFactAttribute([System.Runtime.CompilerServices.CallerFilePath] string? file = null, [System.Runtime.CompilerServices.CallerLineNumber] int line = -1)
        : base(file, line)
    {
        if (!Kubectl.IsInstalled) Skip = "kubectl is not installed";
    }
}
