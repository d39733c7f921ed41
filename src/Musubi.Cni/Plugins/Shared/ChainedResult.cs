using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>What a plugin that comes after others gets from them.</summary>
internal static class ChainedResult
{
    /// <summary>The result of the plugins before this one.</summary>
    /// <exception cref="CniException">Code 7: there is none, so it was not called as one of a chain.</exception>
    public static CniResult Require(PluginCall call) =>
        call.PreviousResult ?? throw CniException.InvalidConfig("Required prevResult missing: this plugin must be called as chained plugin, after one that makes an interface");

    /// <summary>The addresses of the container's interface; those that name no interface count as its own.</summary>
    public static IEnumerable<CniAddress> AddressesOf(CniResult result, string ifName) => result.Addresses.Where(a =>
        a.Interface is not { } index || index < 0 || index >= result.Interfaces.Count || IsSandboxInterface(result.Interfaces[index], ifName));

    /// <summary>The container's first address of each family.</summary>
    public static IReadOnlyList<Cidr> FirstOfEachFamily(CniResult result, string ifName) =>
        [.. AddressesOf(result, ifName).Select(a => a.Address).DistinctBy(a => a.IsIPv6).OrderBy(a => a.IsIPv6)];

    private static bool IsSandboxInterface(CniInterface candidate, string ifName) => candidate.Name == ifName && !string.IsNullOrEmpty(candidate.Sandbox);
}
