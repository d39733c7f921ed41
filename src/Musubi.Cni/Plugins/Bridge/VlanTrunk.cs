using Musubi.Cni.Spec;
using Musubi.Linux.Links;

namespace Musubi.Cni.Plugins.Bridge;

/// <summary>The <c>vlanTrunk</c> key: single ids and ranges.</summary>
internal static class VlanTrunk
{
    /// <summary>Reads the list into ranges that are sorted and do not touch; null when the key is absent.</summary>
    public static IReadOnlyList<BridgeVlan>? Read(IReadOnlyList<ConfigObject>? entries)
    {
        if (entries is null)
        {
            return null;
        }

        List<BridgeVlan> ranges = [];
        foreach (ConfigObject entry in entries)
        {
            (int? min, int? max) = (entry.Number("minID"), entry.Number("maxID"));
            switch (min, max)
            {
                case ({ } first, { } last):
                    Require(first, "incorrect trunk minID parameter");
                    Require(last, "incorrect trunk maxID parameter");
                    ranges.Add(first <= last ? new BridgeVlan(new VlanId(first), new VlanId(last)) : throw CniException.InvalidConfig("minID is greater than maxID in trunk parameter"));
                    break;
                case (null, { }):
                    throw CniException.InvalidConfig("minID and maxID should be configured simultaneously, minID is missing");
                case ({ }, null):
                    throw CniException.InvalidConfig("minID and maxID should be configured simultaneously, maxID is missing");
            }

            if (entry.Number("id") is { } id)
            {
                Require(id, "incorrect trunk id parameter");
                ranges.Add(new BridgeVlan(new VlanId(id)));
            }
        }

        return Merge(ranges);
    }

    private static void Require(int id, string complaint)
    {
        if (id is < VlanId.MinValue or > VlanId.MaxValue)
        {
            throw CniException.InvalidConfig(complaint);
        }
    }

    private static List<BridgeVlan> Merge(List<BridgeVlan> ranges)
    {
        ranges.Sort((a, b) => a.First.CompareTo(b.First));
        List<BridgeVlan> merged = [];
        foreach (BridgeVlan range in ranges)
        {
            if (merged.Count > 0 && range.First.Value <= merged[^1].Last.Value + 1)
            {
                merged[^1] = merged[^1] with { Last = new VlanId(Math.Max(merged[^1].Last.Value, range.Last.Value)) };
            }
            else
            {
                merged.Add(range);
            }
        }

        return merged;
    }
}
