using System.Diagnostics;
using Musubi.Machines;

namespace Musubi.Launcher.Qemu;

/// <summary>Makes cloud-init's NoCloud media: an ISO 9660 volume labelled <c>cidata</c>, through xorriso.</summary>
internal static class CloudInitImage
{
    private const string Program = "/usr/bin/xorrisofs";
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(20);

    /// <summary>Writes the image.</summary>
    public static void Write(string file, CloudInitMedia media)
    {
        string directory = file + ".d";
        Directory.CreateDirectory(directory);
        try
        {
            File.WriteAllText(Path.Combine(directory, "meta-data"), media.MetaData);
            File.WriteAllText(Path.Combine(directory, "user-data"), media.UserData ?? "");
            if (media.NetworkConfig is { } network)
            {
                File.WriteAllText(Path.Combine(directory, "network-config"), network);
            }

            Run([Program, "-quiet", "-o", file, "-V", "cidata", "-J", "-r", directory]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static void Run(string[] command)
    {
        ProcessStartInfo start = new(command[0], command[1..]) { RedirectStandardError = true };
        using Process process = Process.Start(start) ?? throw new IOException($"could not start {command[0]}");
        using CancellationTokenSource limit = new(_limit);
        Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
        try
        {
            process.WaitForExitAsync(limit.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command[0]} did not finish within {_limit.TotalSeconds:0} s", e);
        }

        if (process.ExitCode != 0)
        {
            throw new IOException($"{command[0]} failed with exit code {process.ExitCode}: {errors.GetAwaiter().GetResult().Trim()}");
        }
    }
}
