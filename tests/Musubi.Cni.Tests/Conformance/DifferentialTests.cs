using System.Collections.Concurrent;
using FsCheck.Fluent;
using Musubi.Cni.Execution;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>The reference plugins of the distribution and ours are given the same configurations and compared: by their answers, and by what the kernel has afterwards.</summary>
/// <remarks>MUSUBI_DIFFERENTIAL sets the number of configurations of each plugin, for a longer search.</remarks>
public sealed class DifferentialTests : IDisposable
{
    private const int Attempts = 2;
    private readonly TemporaryDirectory _links = new();

    public DifferentialTests()
    {
        foreach (string name in PluginCatalog.Names)
        {
            MusubiCni.Link(_links.Path, name);
        }
    }

    public void Dispose() => _links.Dispose();

    [Theory]
    [InlineData("bridge", 24)]
    [InlineData("macvlan", 16)]
    [InlineData("ptp", 12)]
    [InlineData("host-device", 8)]
    [InlineData("host-local", 20)]
    [InlineData("static", 16)]
    [InlineData("loopback", 2)]
    [InlineData("tuning", 12)]
    [InlineData("portmap", 6)]
    [InlineData("bandwidth", 8)]
    [InlineData("firewall", 3)]
    [InlineData("sbr", 6)]
    public void Plugin_GeneratedConfigurations_DoesWhatTheReferencePluginDoes(string plugin, int cases) => Play(plugin, cases);

    [Theory]
    [InlineData("bridge with VLAN", 2)]
    [InlineData("ipvlan", 2)]
    [InlineData("vlan", 2)]
    [InlineData("vrf", 1)]
    [NeedsKernel("bridge", "ipvlan", "8021q", "vrf")]
    public void PluginOfOtherKernels_GeneratedConfigurations_DoesWhatTheReferencePluginDoes(string plugin, int cases) => Play(plugin, cases);

    private static IReadOnlyList<string> Differences(Scenario scenario, string links)
    {
        // What the kernel does a moment later may be seen on one side only: a difference counts when it is there again.
        for (int attempt = 1; ; attempt++)
        {
            using Side theirs = new(Reference.Directory);
            using Side own = new(links);
            Observation reference = theirs.Play(scenario);
            Observation ours = own.Play(scenario);
            foreach (KnownDifference known in KnownDifference.All.Where(k => k.Concerns(scenario)))
            {
                known.Settle(reference, ours);
            }

            string[] differences = [.. Observation.Compare(reference.Document, ours.Document)];
            if (differences.Length == 0 || attempt == Attempts)
            {
                return differences.Length == 0 ? [] : [.. differences, .. reference.Complaints.Select(c => $"reference {c}"), .. ours.Complaints.Select(c => $"ours {c}")];
            }
        }
    }

    private void Play(string plugin, int cases)
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("MUSUBI_DIFFERENTIAL"), out int wanted) ? wanted : cases;
        ConcurrentBag<string> found = [];
        Parallel.ForEach(Scenarios.Of(plugin).Sample(count, 50), new ParallelOptions { MaxDegreeOfParallelism = 3 }, scenario =>
        {
            if (Differences(scenario, _links.Path) is { Count: > 0 } differences)
            {
                found.Add($"{scenario}\n  {string.Join("\n  ", differences)}");
            }
        });
        Assert.True(found.IsEmpty, $"{found.Count} of {count} configurations make a difference:\n\n{string.Join("\n\n", found.OrderBy(f => f.Length))}");
    }
}
