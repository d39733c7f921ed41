using Musubi.Api.KubeVirt;
using Musubi.Cli.Platform;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;
using Musubi.Machines;

namespace Musubi.Cli.Commands;

/// <summary>Finds a running machine's files on this host.</summary>
internal static class MachineLocator
{
    /// <summary>The socket of a machine's serial console.</summary>
    /// <exception cref="UserException">The machine does not run, or not here.</exception>
    public static async Task<string> SerialSocketAsync(ApiClient api, PlatformSettings settings, ObjectKey key, CancellationToken ct)
    {
        VirtualMachineInstance vmi = await api.Resource<VirtualMachineInstance>().FindAsync(key, ct)
            ?? throw new UserException($"virtual machine {key} is not running: start it with \"musubi vm start {key.Name}\"");
        foreach ((string uid, string node) in vmi.Status?.ActivePods ?? [])
        {
            string socket = new MachineDirectory(Path.Combine(settings.RuntimeDirectory, node, "pods", uid)).SerialSocket;
            if (File.Exists(socket))
            {
                return socket;
            }
        }

        throw new UserException($"virtual machine {key} has no console on this host yet (it is {vmi.Status?.Phase ?? "Pending"})");
    }
}
