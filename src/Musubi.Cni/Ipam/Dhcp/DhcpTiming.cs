namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>How long the client waits and how often it asks again.</summary>
internal sealed record DhcpTiming
{
    /// <summary>How long an offer is held on to while the server does not confirm it, and how long an answer is listened for while a lease is prolonged.</summary>
    /// <value>The default is 10 seconds (<c>-timeout</c>).</value>
    public TimeSpan Answer { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest pause between two questions while there is no lease.</summary>
    /// <value>The default is 62 seconds (<c>-resendmax</c>).</value>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(62);

    /// <summary>How long an address is tried for until the plugin is told that there is none.</summary>
    /// <value>The default is 208 seconds (<c>-resendtimeout</c>).</value>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(208);

    /// <summary>The pause after question number <paramref name="sent"/>: a bridge that does not forward yet costs a third of a second, not ten.</summary>
    public TimeSpan PauseAfter(int sent)
    {
        TimeSpan pause = sent <= 1 ? TimeSpan.FromSeconds(0.3) : TimeSpan.FromSeconds(1 << Math.Min(sent - 2, 16));
        return pause < LongestPause ? pause : LongestPause;
    }
}
