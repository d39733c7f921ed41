using Musubi.Linux.Cgroups;

namespace Musubi.Node.Sandboxes;

/// <summary>The end of everything that runs in a control group.</summary>
internal static class PodCgroup
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    /// <summary>Kills every process of a control group and waits until they are gone.</summary>
    /// <exception cref="TimeoutException">Some are left.</exception>
    public static void End(string path)
    {
        if (!Cgroup.Open(path).KillAllAsync(_limit).GetAwaiter().GetResult())
        {
            throw new TimeoutException($"processes of control group {path} did not end within {_limit.TotalSeconds:0} s of being killed");
        }
    }
}
