using System.Security.Cryptography;
using System.Text.Json;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Tests.Support;

/// <summary>A fresh network namespace for one test, with tools of the distribution as outside witnesses.</summary>
internal sealed class TestNamespace : IDisposable
{
    public TestNamespace()
    {
        Name = "mlt-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5));
        Path = "/run/netns/" + Name;
        Network = NetworkNamespace.Create(Path);
        Route = RouteSocket.Open(Network);
    }

    public string Name { get; }

    public string Path { get; }

    public NetworkNamespace Network { get; }

    public RouteSocket Route { get; }

    /// <summary>What <c>ip -j -d ARGUMENTS</c> says inside.</summary>
    public JsonElement Ip(string arguments) => Witness.Json(Witness.Run("ip", ["-n", Name, "-j", "-d", .. Words(arguments)]));

    /// <summary>What <c>bridge -j -d ARGUMENTS</c> says inside.</summary>
    public JsonElement Bridge(string arguments) => Witness.Json(Witness.Run("bridge", ["-n", Name, "-j", "-d", .. Words(arguments)]));

    /// <summary>Runs a program of the distribution inside and answers what it printed.</summary>
    public string Run(string program, string arguments) => Witness.Run("nsenter", [$"--net={Path}", program, .. Words(arguments)]);

    public JsonElement RunJson(string program, string arguments) => Witness.Json(Run(program, arguments));

    public void Dispose()
    {
        Route.Dispose();
        Network.Dispose();
        NetworkNamespace.Remove(Path);
    }

    private static string[] Words(string arguments) => arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
