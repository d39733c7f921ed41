namespace Musubi.Testing;

/// <summary>Polls for what happens soon but not at once.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public static async Task IsTrueAsync(Func<bool> condition, string what)
    {
        long start = Environment.TickCount64;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 - start < Limit.TotalMilliseconds, $"not within {Limit}: {what}");
            await Task.Delay(5);
        }
    }
}
