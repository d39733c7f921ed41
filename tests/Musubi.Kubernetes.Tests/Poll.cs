namespace Musubi.Kubernetes.Tests;

internal static class Poll
{
    public static async Task UntilAsync(Func<bool> reached, Func<string> state)
    {
        for (long start = TimeProvider.System.GetTimestamp(); !reached(); await Task.Delay(10))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(10), state());
        }
    }
}
