using System.Diagnostics;

namespace Musubi.Cli.Platform;

/// <summary>Waits for conditions, never for time.</summary>
internal static class Wait
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(25);

    /// <summary>Polls until a condition holds.</summary>
    /// <exception cref="TimeoutException">It did not within the limit.</exception>
    public static Task UntilAsync(Func<bool> condition, TimeSpan limit, string complaint, CancellationToken ct) =>
        UntilAsync(() => Task.FromResult(condition()), limit, complaint, ct);

    /// <summary>Polls until a condition holds.</summary>
    /// <exception cref="TimeoutException">It did not within the limit.</exception>
    public static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan limit, string complaint, CancellationToken ct)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > limit)
            {
                throw new TimeoutException($"{complaint} within {limit.TotalSeconds:0} s");
            }

            await Task.Delay(_interval, ct);
        }
    }
}
