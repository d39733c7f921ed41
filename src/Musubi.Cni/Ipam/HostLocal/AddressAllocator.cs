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
        // Listing the directory costs with its size, so it is done once for all sets.
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

        foreach ((AddressRange range, IPAddress candidate) in Walk(set, store.LastReserved(index)))
        {
            if (!candidate.Equals(range.Gateway) && store.TryReserve(candidate, _owner, index))
            {
                return Result(range, candidate);
            }
        }

        throw Failed(index, new CniException(CniErrorCode.TryAgainLater, $"no IP addresses available in range set: {set}"));
    }

    /// <summary>Every address of the set once, beginning behind <paramref name="last"/> and wrapping around.</summary>
    internal static IEnumerable<(AddressRange Range, IPAddress Address)> Walk(RangeSet set, IPAddress? last)
    {
        AddressRange? first = last is null ? null : set.RangeOf(last);
        int start = first is null ? 0 : set.Ranges.ToList().IndexOf(first);
        UInt128 behind = first is null ? 0 : IpText.ToNumber(last!);
        if (first is not null)
        {
            for (UInt128 n = behind; n < first.Last;)
            {
                yield return (first, IpText.FromNumber(++n, first.IsIPv6));
            }
        }

        for (int i = first is null ? 0 : 1; i < set.Ranges.Count; i++)
        {
            AddressRange range = set.Ranges[(start + i) % set.Ranges.Count];
            for (UInt128 n = range.First; ; n++)
            {
                yield return (range, IpText.FromNumber(n, range.IsIPv6));
                if (n == range.Last)
                {
                    break;
                }
            }
        }

        if (first is not null)
        {
            for (UInt128 n = first.First; n <= behind; n++)
            {
                yield return (first, IpText.FromNumber(n, first.IsIPv6));
                if (n == behind)
                {
                    break;
                }
            }
        }
    }

    private static CniAddress Result(AddressRange range, IPAddress address) =>
        new(new Cidr(address, range.Subnet.PrefixLength)) { Gateway = range.Gateway };

    private static CniException Failed(int set, CniException why) => CniException.Wrap($"failed to allocate for range {set}", why);
}
