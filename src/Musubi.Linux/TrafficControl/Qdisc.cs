using Musubi.Linux.Links;

namespace Musubi.Linux.TrafficControl;

/// <summary>A queueing discipline: decides when, and in which order, an interface's packets go on; <c>tc qdisc</c>.</summary>
/// <param name="Link">The interface.</param>
/// <param name="Kind">What it does: <c>htb</c>, <c>ingress</c>, <c>noqueue</c> …</param>
public sealed record Qdisc(LinkIndex Link, string Kind)
{
    /// <summary>The kind that divides bandwidth among classes (hierarchical token bucket).</summary>
    public const string Htb = "htb";

    /// <summary>The kind that has filters look at what an interface receives.</summary>
    public const string IngressKind = "ingress";

    /// <summary>Its name.</summary>
    public TcHandle Handle { get; init; }

    /// <summary>Where it hangs.</summary>
    public TcHandle Parent { get; init; } = TcHandle.Root;

    /// <summary><c>htb</c>: the class of packets that no filter gives one.</summary>
    public uint DefaultClass { get; init; }

    /// <summary>A discipline with classes on everything that leaves; <c>tc qdisc add dev LINK root handle 1: htb default CLASS</c>.</summary>
    public static Qdisc HtbRoot(LinkIndex link, uint defaultClass) => new(link, Htb) { Handle = new TcHandle(1, 0), DefaultClass = defaultClass };

    /// <summary>The place for filters of what comes in; <c>tc qdisc add dev LINK ingress</c>.</summary>
    public static Qdisc Ingress(LinkIndex link) => new(link, IngressKind) { Handle = TcHandle.IngressQdisc, Parent = TcHandle.Ingress };
}
