using System.Net;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Ipam.HostLocal;

/// <summary>Ranges that together form one pool; an attachment gets one address of each set.</summary>
internal sealed class RangeSet
{
    private RangeSet(IReadOnlyList<AddressRange> ranges) => Ranges = ranges;

    public IReadOnlyList<AddressRange> Ranges { get; }

    public bool IsIPv6 => Ranges[0].IsIPv6;

    /// <summary>Reads every set of a configuration: the runtime's first, then the single range of the old form, then <c>ranges</c>.</summary>
    public static IReadOnlyList<RangeSet> ReadAll(ConfigObject ipam, ConfigObject? runtimeConfig)
    {
        List<RangeSet> sets = [];
        AddLists(runtimeConfig, "ipRanges");
        if (ipam.Text("subnet") is { Length: > 0 })
        {
            Add([ipam]);
        }

        AddLists(ipam, "ranges");
        for (int i = 0; i < sets.Count; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (sets[i].Ranges.Any(a => sets[j].Ranges.Any(a.Overlaps)))
                {
                    throw CniException.InvalidConfig($"range set {j} overlaps with {i}");
                }
            }
        }

        return sets.Count > 0 ? sets : throw CniException.InvalidConfig("no IP ranges specified");

        void AddLists(ConfigObject? owner, string key)
        {
            if (owner is not { } config || config.List(key) is not { } lists)
            {
                return;
            }

            for (int i = 0; i < lists.Count; i++)
            {
                string path = $"{config.PathOf(key)}[{i}]";
                if (lists[i].ValueKind != System.Text.Json.JsonValueKind.Array)
                {
                    throw CniException.InvalidConfig($"{path} must be a list of ranges");
                }

                Add([.. lists[i].EnumerateArray().Select((item, j) => item.ValueKind == System.Text.Json.JsonValueKind.Object
                    ? new ConfigObject(item, $"{path}[{j}]")
                    : throw CniException.InvalidConfig($"{path}[{j}] must be an object"))]);
            }
        }

        void Add(IReadOnlyList<ConfigObject> ranges)
        {
            try
            {
                sets.Add(Of([.. ranges.Select(AddressRange.Read)]));
            }
            catch (CniException e)
            {
                throw CniException.Wrap($"invalid range set {sets.Count}", e);
            }
        }
    }

    public AddressRange? RangeOf(IPAddress address) => Ranges.FirstOrDefault(r => r.Contains(address));

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', Ranges);

    private static RangeSet Of(IReadOnlyList<AddressRange> ranges)
    {
        if (ranges.Count == 0)
        {
            throw CniException.InvalidConfig("empty range set");
        }

        for (int i = 1; i < ranges.Count; i++)
        {
            if (ranges[i].IsIPv6 != ranges[0].IsIPv6)
            {
                throw CniException.InvalidConfig("mixed address families");
            }

            for (int j = 0; j < i; j++)
            {
                if (ranges[i].Overlaps(ranges[j]))
                {
                    throw CniException.InvalidConfig($"subnets {ranges[j]} and {ranges[i]} overlap");
                }
            }
        }

        return new RangeSet(ranges);
    }
}
