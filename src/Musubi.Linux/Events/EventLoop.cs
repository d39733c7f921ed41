using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Events;

/// <summary>
/// Waits for descriptors and for times on the one thread that calls <see cref="Run"/>, and calls back on it, one after another: what is called back needs no
/// locks, and must not wait itself. poll(2)
/// </summary>
/// <remarks>Everything but <see cref="Post"/> and <see cref="Stop"/> belongs to that thread.</remarks>
public sealed class EventLoop : IDisposable
{
    private readonly TimeProvider _clock;
    private readonly SafeFileHandle _wake;
    private readonly Lock _gate = new();
    private readonly List<DescriptorWatch> _watches = [];
    private readonly SortedSet<LoopTimer> _timers = new(LoopTimer.ByTime);
    private List<Action> _posted = [];
    private bool _stopped;
    private long _timerCount;

    /// <summary>Makes a loop.</summary>
    /// <param name="clock">By which <see cref="Now"/> and timers go; it must run as fast as time does.</param>
    public EventLoop(TimeProvider clock)
    {
        _clock = clock;
        _wake = Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
        if (_wake.IsInvalid)
        {
            LinuxException.ThrowLast("make an event descriptor (eventfd)");
        }
    }

    /// <summary>The clock's time.</summary>
    public TimeSpan Now => _clock.GetElapsedTime(0);

    /// <summary>Calls back whenever a descriptor is readable or hung up, until the answer is disposed, which the caller does before closing the descriptor.</summary>
    public IDisposable WatchReadable(SafeHandle descriptor, Action callback)
    {
        DescriptorWatch watch = new(this, descriptor, callback);
        _watches.Add(watch);
        return watch;
    }

    /// <summary>Makes a timer, which is not set yet.</summary>
    public LoopTimer Timer(Action callback) => new(this, ++_timerCount, callback);

    /// <summary>Has something called on the loop's thread soon; from any thread.</summary>
    public void Post(Action callback)
    {
        lock (_gate)
        {
            _posted.Add(callback);
        }

        Wake();
    }

    /// <summary>Lets <see cref="Run"/> return after the callback that runs; from any thread.</summary>
    public void Stop()
    {
        Volatile.Write(ref _stopped, true);
        Wake();
    }

    /// <summary>Waits and calls back until stopped.</summary>
    public void Run()
    {
        while (!Volatile.Read(ref _stopped))
        {
            CallReadable(Wait());
            CallTimers();
            CallPosted();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    internal void Schedule(LoopTimer timer) => _timers.Add(timer);

    internal void Unschedule(LoopTimer timer) => _timers.Remove(timer);

    private void Remove(DescriptorWatch watch) => _watches.Remove(watch);

    private unsafe void Wake()
    {
        // A full counter (EAGAIN) wakes as well.
        ulong one = 1;
        _ = Libc.write(_wake, (byte*)&one, sizeof(ulong));
    }

    /// <summary>Which descriptors have something, at the latest when the next timer is due.</summary>
    private unsafe List<DescriptorWatch> Wait()
    {
        Libc.PollDescriptor[] descriptors = new Libc.PollDescriptor[_watches.Count + 1];
        descriptors[^1] = new Libc.PollDescriptor { Descriptor = (int)_wake.DangerousGetHandle(), Events = Libc.POLLIN };
        for (int i = 0; i < _watches.Count; i++)
        {
            descriptors[i] = new Libc.PollDescriptor { Descriptor = _watches[i].Descriptor, Events = Libc.POLLIN };
        }

        int result;
        fixed (Libc.PollDescriptor* first = descriptors)
        {
            result = Libc.poll(first, (nuint)descriptors.Length, MillisecondsToNextTimer());
        }

        List<DescriptorWatch> ready = [];
        if (result < 0)
        {
            return Libc.LastErrno == Errno.EINTR ? ready : throw new LinuxException("wait for descriptors (poll)", Libc.LastErrno);
        }

        if (descriptors[^1].Result != 0)
        {
            ulong counter;
            _ = Libc.read(_wake, (byte*)&counter, sizeof(ulong));
        }

        for (int i = 0; i < _watches.Count; i++)
        {
            if (descriptors[i].Result != 0)
            {
                ready.Add(_watches[i]);
            }
        }

        return ready;
    }

    private int MillisecondsToNextTimer()
    {
        if (_timers.Min is not { Due: { } due })
        {
            return -1;
        }

        // Rounded up: a timer that was a little early would have to be waited for again.
        double wait = Math.Ceiling((due - Now).TotalMilliseconds);
        return (int)Math.Clamp(wait, 0, int.MaxValue);
    }

    private static void CallReadable(List<DescriptorWatch> ready)
    {
        foreach (DescriptorWatch watch in ready)
        {
            // A callback may have ended another's watch.
            if (!watch.IsDisposed)
            {
                watch.Callback();
            }
        }
    }

    private void CallTimers()
    {
        TimeSpan now = Now;
        while (_timers.Min is { Due: { } due } timer && due <= now)
        {
            timer.Set(null);
            timer.Callback();
        }
    }

    private void CallPosted()
    {
        List<Action> posted;
        lock (_gate)
        {
            if (_posted.Count == 0)
            {
                return;
            }

            posted = _posted;
            _posted = [];
        }

        foreach (Action callback in posted)
        {
            callback();
        }
    }

    private sealed class DescriptorWatch : IDisposable
    {
        private readonly EventLoop _loop;
        private readonly SafeHandle _handle;

        internal DescriptorWatch(EventLoop loop, SafeHandle handle, Action callback)
        {
            bool added = false;
            handle.DangerousAddRef(ref added);
            _loop = loop;
            _handle = handle;
            Callback = callback;
        }

        internal int Descriptor => (int)_handle.DangerousGetHandle();

        internal Action Callback { get; }

        internal bool IsDisposed { get; private set; }

        public void Dispose()
        {
            if (!IsDisposed)
            {
                IsDisposed = true;
                _loop.Remove(this);
                _handle.DangerousRelease();
            }
        }
    }
}
