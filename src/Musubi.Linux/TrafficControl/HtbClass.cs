using Musubi.Linux.Links;

namespace Musubi.Linux.TrafficControl;

/// <summary>A share of an interface's bandwidth; <c>tc class … htb rate RATE burst BURST</c>, tc-htb(8).</summary>
/// <param name="Link">The interface.</param>
/// <param name="Handle">Its name.</param>
/// <param name="RateBytesPerSecond">What it may send all the time.</param>
public sealed record HtbClass(LinkIndex Link, TcHandle Handle, ulong RateBytesPerSecond)
{
    /// <summary>The kernel counts time in steps of so many nanoseconds (PSCHED_SHIFT).</summary>
    private const uint NanosecondsPerTick = 64;
    private const uint NanosecondsPerSecond = 1_000_000_000;

    /// <summary>The discipline or class it is part of.</summary>
    public TcHandle Parent { get; init; } = new(1, 0);

    /// <summary>What it may send while others leave room.</summary>
    /// <value>The default is the rate.</value>
    public ulong CeilingBytesPerSecond { get; init; } = RateBytesPerSecond;

    /// <summary>What it may send at once after a pause, as the time that this takes at its rate; see <see cref="BurstOf"/>.</summary>
    public uint BurstTicks { get; init; }

    /// <summary>How much it sends before another class of the same rank has its turn, in bytes; null lets the kernel take a tenth of the rate.</summary>
    public uint? QuantumBytes { get; init; }

    /// <summary>The burst of a number of bytes at a rate, the longest that can be told when it is longer than that (275 seconds).</summary>
    public static uint BurstOf(ulong bytes, ulong bytesPerSecond) =>
        (uint)UInt128.Min((UInt128)bytes * NanosecondsPerSecond / Math.Max(bytesPerSecond, 1) / NanosecondsPerTick, uint.MaxValue);
}
