using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;
using Musubi.Linux.Taps;
using Musubi.Machines;

namespace Musubi.Launcher.Network;

/// <summary>The guest's end of a bridge in the pod: a tap whose descriptors QEMU inherits.</summary>
internal sealed class GuestTap : IDisposable
{
    private const int MostQueues = 256;

    private readonly SafeFileHandle[] _queues;

    private GuestTap(SafeFileHandle[] queues) => _queues = queues;

    public int Queues => _queues.Length;

    /// <summary>One for each queue; QEMU inherits them under the numbers they have here.</summary>
    public IReadOnlyList<SafeHandle> Handles => _queues;

    /// <summary>Makes the tap and plugs it into the bridge.</summary>
    public static GuestTap Create(RouteSocket route, MachineSpec machine, MachineInterface spec, string name, LinkIndex bridge, int mtuBytes)
    {
        int queues = machine.Multiqueue && spec.Model == "virtio" ? Math.Clamp(machine.Cpus.Count, 1, MostQueues) : 1;
        TapOptions options = new()
        {
            VnetHeader = true, // lets guest and kernel hand over large segments and unfinished checksums
            MultiQueue = queues > 1,
            Exclusive = true,
            OwnerUid = (uint)machine.QemuUid,
            OwnerGid = (uint)machine.QemuGid,
        };
        GuestTap tap = new(TapDevice.OpenQueues(network: null, name, options, queues));
        try
        {
            route.Links.Change(route.Links.IndexOf(name), new LinkChange { MtuBytes = mtuBytes, Master = bridge, AdminUp = true });
            return tap;
        }
        catch (Exception)
        {
            tap.Dispose();
            throw;
        }
    }

    /// <summary>Closes this process's descriptors; the tap lives on as long as QEMU has them.</summary>
    public void Dispose()
    {
        foreach (SafeFileHandle queue in _queues)
        {
            queue.Dispose();
        }
    }
}
