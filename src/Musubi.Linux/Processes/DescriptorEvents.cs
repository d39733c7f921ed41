using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Processes;

/// <summary>
/// Waits for descriptors that .NET cannot wait for (process descriptors, netlink sockets) on one background thread for all of them, which runs from
/// the first wait on until the process ends.
/// </summary>
internal static class DescriptorEvents
{
    private static readonly Lock Gate = new();
    private static readonly List<Waiter> Waiters = [];
    private static SafeFileHandle? s_wake;

    /// <summary>Completes when the descriptor is readable or hung up. The caller keeps it open until then.</summary>
    internal static async Task WaitReadableAsync(SafeHandle descriptor, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        bool added = false;
        descriptor.DangerousAddRef(ref added);
        Waiter waiter = new((int)descriptor.DangerousGetHandle());
        try
        {
            Add(waiter);
            using CancellationTokenRegistration registration = ct.UnsafeRegister(
                static (state, token) => ((Waiter)state!).Completion.TrySetCanceled(token), waiter);
            await waiter.Completion.Task;
        }
        finally
        {
            Remove(waiter);
            descriptor.DangerousRelease();
        }
    }

    /// <summary>Waits on the calling thread until the descriptor is readable or hung up, or the limit is over.</summary>
    internal static unsafe void WaitReadable(SafeHandle descriptor, TimeSpan limit)
    {
        Libc.PollDescriptor one = new() { Descriptor = (int)descriptor.DangerousGetHandle(), Events = Libc.POLLIN };
        long began = Stopwatch.GetTimestamp();
        TimeSpan left;
        while ((left = limit - Stopwatch.GetElapsedTime(began)) > TimeSpan.Zero
            && Libc.poll(&one, 1, (int)Math.Ceiling(left.TotalMilliseconds)) < 0)
        {
            if (Libc.LastErrno != Errno.EINTR)
            {
                LinuxException.ThrowLast("wait for a descriptor (poll)");
            }
        }

        GC.KeepAlive(descriptor);
    }

    private static void Add(Waiter waiter)
    {
        lock (Gate)
        {
            Waiters.Add(waiter);
            if (s_wake is null)
            {
                s_wake = Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
                if (s_wake.IsInvalid)
                {
                    s_wake = null;
                    Waiters.Remove(waiter);
                    LinuxException.ThrowLast("make an event descriptor (eventfd)");
                }

                new Thread(Loop, maxStackSize: 256 * 1024) { IsBackground = true, Name = "descriptor events" }.Start();
                return;
            }
        }

        Wake();
    }

    private static void Remove(Waiter waiter)
    {
        lock (Gate)
        {
            if (!Waiters.Remove(waiter))
            {
                return;
            }
        }

        Wake();
    }

    private static unsafe void Wake()
    {
        // A full counter (EAGAIN) wakes as well.
        ulong one = 1;
        _ = Libc.write(s_wake!, (byte*)&one, sizeof(ulong));
    }

    private static unsafe void Loop()
    {
        Libc.PollDescriptor[] descriptors = [];
        Waiter[] waiters = [];
        while (true)
        {
            int count;
            lock (Gate)
            {
                count = Waiters.Count + 1;
                if (descriptors.Length < count)
                {
                    descriptors = new Libc.PollDescriptor[2 * count];
                    waiters = new Waiter[2 * count];
                }

                descriptors[0] = new Libc.PollDescriptor { Descriptor = (int)s_wake!.DangerousGetHandle(), Events = Libc.POLLIN };
                for (int i = 1; i < count; i++)
                {
                    waiters[i] = Waiters[i - 1];
                    descriptors[i] = new Libc.PollDescriptor { Descriptor = waiters[i].Descriptor, Events = Libc.POLLIN };
                }
            }

            fixed (Libc.PollDescriptor* list = descriptors)
            {
                if (Libc.poll(list, (nuint)count, timeoutMilliseconds: -1) < 0)
                {
                    continue;
                }
            }

            if (descriptors[0].Result != 0)
            {
                ulong counter;
                _ = Libc.read(s_wake!, (byte*)&counter, sizeof(ulong));
            }

            for (int i = 1; i < count; i++)
            {
                if (descriptors[i].Result != 0)
                {
                    lock (Gate)
                    {
                        Waiters.Remove(waiters[i]);
                    }

                    waiters[i].Completion.TrySetResult();
                }

                waiters[i] = null!;
            }
        }
    }

    private sealed class Waiter(int descriptor)
    {
        internal int Descriptor => descriptor;

        internal TaskCompletionSource Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
