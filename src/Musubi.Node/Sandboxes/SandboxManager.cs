using Microsoft.Extensions.Logging;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Cgroups;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Node.Attachments;

namespace Musubi.Node.Sandboxes;

/// <summary>Makes and removes pods' sandboxes: namespace, networks, control group. Both can be repeated after a crash at any point.</summary>
internal sealed partial class SandboxManager(NodeOptions options, SandboxStore store, PodAttacher attacher, ILogger log)
{
    /// <summary>The record of a pod that nothing has been made for yet.</summary>
    public SandboxRecord NewRecord(string ns, string name, string uid) => new()
    {
        Namespace = ns,
        Name = name,
        Uid = uid,
        Netns = $"/run/netns/{options.Cluster}-pod-{uid.Replace("-", "", StringComparison.Ordinal)[..12]}",
        Cgroup = $"{options.CgroupPath}/{uid}",
    };

    /// <summary>Makes what is missing of a sandbox.</summary>
    /// <param name="sandbox">The record so far.</param>
    /// <param name="plan">The networks it is to have.</param>
    /// <param name="memoryBytes">Limit of its control group; null for none.</param>
    /// <exception cref="PodSetupException">A network could not be attached; the sandbox is removed again.</exception>
    public SandboxRecord Ensure(SandboxRecord sandbox, IReadOnlyList<SandboxAttachment> plan, long? memoryBytes)
    {
        if (sandbox.Attachments.Count == plan.Count && sandbox.Attachments.All(a => a.Result is not null))
        {
            return sandbox;
        }

        // What an earlier attempt left half way is taken back first: attaching is not repeated over something unknown.
        if (sandbox.Attachments.Count > 0)
        {
            Remove(sandbox);
            sandbox = NewRecord(sandbox.Namespace, sandbox.Name, sandbox.Uid);
        }

        try
        {
            sandbox = sandbox with { Attachments = plan };
            store.Save(sandbox);
            MakeNamespace(sandbox.Netns);
            Cgroup.Create(sandbox.Cgroup, new CgroupLimits { MemoryBytes = memoryBytes });
            for (int i = 0; i < plan.Count; i++)
            {
                SandboxAttachment done = attacher.Attach(sandbox, plan[i]);
                sandbox = sandbox with { Attachments = [.. sandbox.Attachments.Select((a, j) => j == i ? done : a)] };
            }

            store.Save(sandbox);
            return sandbox;
        }
        catch (Exception e) when (e is CniException or LinuxException or IOException)
        {
            Remove(sandbox);
            throw new PodSetupException("FailedCreatePodSandBox", $"failed to set up the pod's sandbox: {e.Message}");
        }
    }

    /// <summary>Removes everything of a sandbox, processes included. What is gone already is no error; what cannot be removed is tried again later.</summary>
    /// <returns>Whether nothing is left.</returns>
    public bool Remove(SandboxRecord sandbox)
    {
        bool clean = Try(sandbox, "end its processes", () => PodCgroup.End(sandbox.Cgroup));
        foreach (SandboxAttachment attachment in sandbox.Attachments.Reverse())
        {
            clean &= Try(sandbox, $"detach {attachment.IfName} from {attachment.Network}", () => attacher.Detach(sandbox, attachment));
        }

        clean &= Try(sandbox, $"remove {sandbox.Netns}", () => NetworkNamespace.Remove(sandbox.Netns));
        clean &= Try(sandbox, $"remove control group {sandbox.Cgroup}", () => Cgroup.Open(sandbox.Cgroup).Remove());
        if (clean)
        {
            store.Remove(sandbox.Uid);
        }

        return clean;
    }

    private bool Try(SandboxRecord sandbox, string what, Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception e) when (e is CniException or LinuxException or IOException or TimeoutException)
        {
            LogNotRemoved(log, sandbox.Namespace, sandbox.Name, what, e.Message);
            return false;
        }
    }

    private static void MakeNamespace(string path)
    {
        NetworkNamespace.Remove(path);
        using NetworkNamespace made = NetworkNamespace.Create(path);
        using RouteSocket route = RouteSocket.Open(made);
        route.Links.Change(route.Links.IndexOf("lo"), new LinkChange { AdminUp = true });
    }

    [LoggerMessage(EventId = 5101, Level = LogLevel.Warning, Message = "Pod {Namespace}/{Name}: could not {What}: {Why}")]
    private static partial void LogNotRemoved(ILogger log, string @namespace, string name, string what, string why);
}
