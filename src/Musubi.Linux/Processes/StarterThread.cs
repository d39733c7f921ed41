using System.Runtime.ExceptionServices;

namespace Musubi.Linux.Processes;

/// <summary>One background thread that starts programs, from the first one on until this process ends.</summary>
internal static class StarterThread
{
    private static readonly object Gate = new();
    private static readonly Queue<Action> Work = new();
    private static Thread? s_thread;

    /// <summary>Runs a function there and waits for it.</summary>
    internal static T Run<T>(Func<T> function)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        using ManualResetEventSlim done = new();
        lock (Gate)
        {
            Work.Enqueue(() =>
            {
                try
                {
                    result = function();
                }
                catch (Exception e)
                {
                    failure = ExceptionDispatchInfo.Capture(e);
                }
                finally
                {
                    done.Set();
                }
            });
            if (s_thread is null)
            {
                s_thread = new Thread(Loop) { IsBackground = true, Name = "program starter" };
                s_thread.Start();
            }

            Monitor.Pulse(Gate);
        }

        done.Wait();
        failure?.Throw();
        return result!;
    }

    private static void Loop()
    {
        while (true)
        {
            Action action;
            lock (Gate)
            {
                while (Work.Count == 0)
                {
                    Monitor.Wait(Gate);
                }

                action = Work.Dequeue();
            }

            action();
        }
    }
}
