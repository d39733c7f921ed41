namespace Musubi.Linux.Events;

/// <summary>Calls back once when its time has come. It can be set again and again.</summary>
public sealed class LoopTimer
{
    internal static readonly IComparer<LoopTimer> ByTime = Comparer<LoopTimer>.Create(
        static (a, b) => a.Due != b.Due ? Nullable.Compare(a.Due, b.Due) : a._number.CompareTo(b._number));

    private readonly EventLoop _loop;
    private readonly long _number;

    internal LoopTimer(EventLoop loop, long number, Action callback)
    {
        _loop = loop;
        _number = number;
        Callback = callback;
    }

    /// <summary>When it is due, in the time of <see cref="EventLoop.Now"/>; null when it is not set.</summary>
    public TimeSpan? Due { get; private set; }

    internal Action Callback { get; }

    /// <summary>Sets when it is due, instead of what it was set to before; null for never.</summary>
    public void Set(TimeSpan? due)
    {
        if (Due is not null)
        {
            _loop.Unschedule(this);
        }

        Due = due;
        if (due is not null)
        {
            _loop.Schedule(this);
        }
    }
}
