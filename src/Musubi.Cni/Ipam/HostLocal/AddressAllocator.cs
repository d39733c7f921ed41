using System.Net;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;

namespace Musubi.Cni.Ipam.HostLocal;

/// <summary>Takes one address of every range set for one attachment, or none at all.</summary>
internal sealed class AddressAllocator(ReservationStore store, string containerId, string ifName)
{
    private readonly ReservationOwner _owner = new(containerId, ifName);

    /// <summary>Allocates; what was taken is given back when a later set has nothing to give.</summary>
    /// <param name="sets">The range sets.</param>
    /// <param name="requested">Addresses asked for by name; every one must be consumed by a set.</param>
    public IReadOnlyList<CniAddress> Allocate(IReadOnlyList<RangeSet> sets, List<IPAddress> requested)
    {
        IReadOnlyList<IPAddress> held = store.AddressesOf(containerId, ifName);
        List<CniAddress> allocated = new(sets.Count);
        try
        {
            for (int i = 0; i < sets.Count; i++)
            {
                RangeSet set = sets[i];
                IPAddress? wanted = requested.Find(a => set.RangeOf(a) is not null);
                if (wanted is not null)
                {
                    requested.Remove(wanted);
                }

                allocated.Add(wanted is null ? Next(set, i, held) : Requested(set, i, wanted));
            }

            return requested.Count == 0
                ? allocated
                : throw new CniException(CniErrorCode.Internal, $"failed to allocate all requested IPs: {string.Join(' ', requested.Select(IpText.Format))}");
        }
        catch (Exception)
        {
            foreach (CniAddress address in allocated)
            {
                store.Release(address.Address.Address);
            }

            throw;
        }
    }

    private CniAddress Requested(RangeSet set, int index, IPAddress wanted)
    {
        AddressRange range = set.RangeOf(wanted)!;
        return wanted.Equals(range.Gateway)
            ? throw Failed(index, new CniException(CniErrorCode.Internal, $"requested ip {IpText.Format(wanted)} is subnet's gateway"))
            : !store.TryReserve(wanted, _owner, index)
                ? throw Failed(index, new CniException(CniErrorCode.Internal, $"requested IP address {IpText.Format(wanted)} is not available in range set {set}"))
                : Result(range, wanted);
    }

    /// <summary>Round robin: the walk starts behind the address given out last, so that a released address rests longest.</summary>
    private CniAddress Next(RangeSet set, int index, IReadOnlyList<IPAddress> held)
    {
        foreach (IPAddress address in held)
        {
            if (set.RangeOf(address) is not null)
            {
                throw Failed(index, new CniException(
                    CniErrorCode.Internal, $"{IpText.Format(address)} has been allocated to {containerId}, duplicate allocation is not allowed"));
            }
        }

        return TakeNext(set, index)
            ?? (store.LookAgain() ? TakeNext(set, index) : null)
            ?? throw Failed(index, new CniException(CniErrorCode.TryAgainLater, $"no IP addresses available in range set: {set}"));
    }

    private CniAddress? TakeNext(RangeSet set, int index)
    {
        foreach ((AddressRange range, UInt128 first, UInt128 last) in Walk(set, store.LastReserved(index)))
        {
            for (UInt128 from = first; store.NextFree(from, last, range.IsIPv6) is { } candidate;)
            {
                if (!candidate.Equals(range.Gateway) && store.TryReserve(candidate, _owner, index))
                {
                    return Result(range, candidate);
                }

                UInt128 tried = IpText.ToNumber(candidate);
                if (tried == last)
                {
                    break;
                }

                from = tried + 1;
            }
        }

        return null;
    }

    /// <summary>Every address of the set once, in stretches, beginning behind <paramref name="last"/> and wrapping around.</summary>
    internal static IEnumerable<(AddressRange Range, UInt128 First, UInt128 Last)> Walk(RangeSet set, IPAddress? last)
    {
        AddressRange? first = last is null ? null : set.RangeOf(last);
        if (first is null)
        {
            foreach (AddressRange range in set.Ranges)
            {
                yield return (range, range.First, range.Last);
            }

            yield break;
        }

        UInt128 behind = IpText.ToNumber(last!);
        if (behind < first.Last)
        {
            yield return (first, behind + 1, first.Last);
        }

        int start = set.Ranges.ToList().IndexOf(first);
        for (int i = 1; i < set.Ranges.Count; i++)
        {
            AddressRange range = set.Ranges[(start + i) % set.Ranges.Count];
            yield return (range, range.First, range.Last);
        }

        yield return (first, first.First, behind);
    }

    private static CniAddress Result(AddressRange range, IPAddress address) =>
        new(new Cidr(address, range.Subnet.PrefixLength)) { Gateway = range.Gateway };

    private static CniException Failed(int set, CniException why) => CniException.Wrap($"failed to allocate for range {set}", why);
}
