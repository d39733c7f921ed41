using System.Security.Cryptography;
using System.Text.Json;
using Musubi.Linux.Namespaces;

namespace Musubi.Cni.Tests.Support;

/// <summary>A fresh network namespace for one test, looked into with the distribution's tools.</summary>
internal sealed class TestNamespace : IDisposable
{
    public TestNamespace(string role)
    {
        Name = $"mct-{role}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5))}";
        Path = "/run/netns/" + Name;
        Network = NetworkNamespace.Create(Path);
    }

    public string Name { get; }

    public string Path { get; }

    public NetworkNamespace Network { get; }

    /// <summary>Runs a program inside and answers what it printed.</summary>
    public string Run(string command) => Witness.Run("ip", ["netns", "exec", Name, .. command.Split(' ')]);

    /// <summary>What <c>ip -j -d ARGUMENTS</c> says inside; entries that the tool prints empty are left out.</summary>
    public IReadOnlyList<JsonElement> Ip(string arguments) =>
        [.. Witness.Json(Run($"ip -j -d {arguments}")).EnumerateArray().Where(e => e.EnumerateObject().Any())];

    public JsonElement Link(string name) => Ip($"link show dev {name}")[0];

    public IReadOnlyList<string> LinkNames() => [.. Ip("link show").Select(l => l.GetProperty("ifname").GetString()!)];

    /// <summary>Global addresses of an interface, as ADDRESS/PREFIX.</summary>
    public IReadOnlyList<string> Addresses(string name) =>
    [
        .. Ip($"addr show dev {name}")[0].GetProperty("addr_info").EnumerateArray()
            .Where(a => a.GetProperty("scope").GetString() == "global")
            .Select(a => $"{a.GetProperty("local").GetString()}/{a.GetProperty("prefixlen").GetInt32()}"),
    ];

    public string Sysctl(string key) => Run($"cat /proc/sys/{key}").Trim();

    /// <summary>Every rule of the namespace's nftables.</summary>
    public IReadOnlyList<JsonElement> Rules() =>
    [
        .. Witness.Json(Run("nft -j list ruleset")).GetProperty("nftables").EnumerateArray()
            .Where(e => e.TryGetProperty("rule", out _)).Select(e => e.GetProperty("rule")),
    ];

    public void Dispose()
    {
        Network.Dispose();
        NetworkNamespace.Remove(Path);
    }
}
