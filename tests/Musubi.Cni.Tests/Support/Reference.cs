using System.Diagnostics;
using System.Text.Json;

namespace Musubi.Cni.Tests.Support;

/// <summary>The reference plugins of the distribution (package containernetworking-plugins).</summary>
internal static class Reference
{
    public const string Directory = "/usr/lib/cni";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    /// <summary>Runs its host-local; the first address of ADD, nothing for DEL.</summary>
    public static string HostLocal(string command, string id, string config)
    {
        ProcessStartInfo start = new(Path.Combine(Directory, "host-local")) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["CNI_COMMAND"] = command;
        start.Environment["CNI_CONTAINERID"] = id;
        start.Environment["CNI_NETNS"] = "/run/netns/none";
        start.Environment["CNI_IFNAME"] = "eth0";
        start.Environment["CNI_PATH"] = Directory;
        using Process process = Process.Start(start)!;
        process.StandardInput.Write(config);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(_limit));
        Assert.True(process.ExitCode == 0, output);
        return command == "ADD" ? JsonDocument.Parse(output).RootElement.GetProperty("ips")[0].GetProperty("address").GetString()! : "";
    }
}
