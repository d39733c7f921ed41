namespace Musubi.Testing;

/// <summary>Polls for what happens soon but not at once.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>For programs of others, which take their time.</summary>
    private static readonly TimeSpan ProgramLimit = TimeSpan.FromSeconds(30);

    public static async Task IsTrueAsync(Func<bool> condition, string what)
    {
        long start = Environment.TickCount64;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 - start < Limit.TotalMilliseconds, $"not within {Limit}: {what}");
            await Task.Delay(5);
        }
    }

    /// <summary>As <see cref="IsTrueAsync"/>, waiting on the caller's thread, for what other programs do.</summary>
    /// <param name="condition">What is waited for.</param>
    /// <param name="otherwise">What there is instead.</param>
    public static void True(Func<bool> condition, Func<string> otherwise)
    {
        long start = Environment.TickCount64;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 - start < ProgramLimit.TotalMilliseconds, otherwise());
            CancellationToken.None.WaitHandle.WaitOne(20);
        }
    }
}
