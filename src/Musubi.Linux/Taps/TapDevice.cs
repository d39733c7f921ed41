using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Files;
using Musubi.Linux.Interop;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux.Taps;

/// <summary>How a tap is opened, and made when it is not there.</summary>
public sealed record TapOptions
{
    /// <summary>Whether it can have several queues, each opened on its own. All queues of a tap must say the same.</summary>
    public bool MultiQueue { get; init; }

    /// <summary>Whether frames carry a virtio header, by which checksums and segmentation are left to the receiver.</summary>
    public bool VnetHeader { get; init; }

    /// <summary>Whether one that is there already is refused (EBUSY).</summary>
    public bool Exclusive { get; init; }

    /// <summary>Whether it stays when its last descriptor is closed.</summary>
    public bool Persistent { get; init; }

    /// <summary>The user who may open it without privileges.</summary>
    public uint? OwnerUid { get; init; }

    /// <summary>The group that may open it without privileges.</summary>
    public uint? OwnerGid { get; init; }

    /// <summary>The SELinux context it belongs to; null for that of the process. The policy has to allow the process to change to it.</summary>
    public string? SecurityContext { get; init; }
}

/// <summary>Taps: Ethernet interfaces whose other end is a file descriptor; tun(4).</summary>
public static class TapDevice
{
    private const string ControlPath = "/dev/net/tun";
    private const int NameSize = 16;

    private const nuint TUNSETIFF = 0x400454ca;
    private const nuint TUNSETPERSIST = 0x400454cb;
    private const nuint TUNSETOWNER = 0x400454cc;
    private const nuint TUNSETGROUP = 0x400454ce;

    private const short IFF_TAP = 0x0002;
    private const short IFF_MULTI_QUEUE = 0x0100;
    private const short IFF_NO_PI = 0x1000;
    private const short IFF_VNET_HDR = 0x4000;
    private const short IFF_TUN_EXCL = unchecked((short)0x8000);

    /// <summary>Opens a queue of a tap, making the tap when it is not there; <c>ip tuntap add</c>.</summary>
    /// <param name="network">The namespace where the tap is, or null for the caller's own.</param>
    /// <param name="name">The interface's name.</param>
    /// <param name="options">How.</param>
    /// <remarks>The caller owns the descriptor, which is close-on-exec; a tap that is not persistent goes with the last one.</remarks>
    /// <exception cref="LinuxException">EBUSY: it is open already (and has one queue), or an interface of another kind has the name.</exception>
    public static SafeFileHandle Open(NetworkNamespace? network, string name, TapOptions options) =>
        options.SecurityContext is { } context ? OpenIn(context, network, name, options) : OpenHere(network, name, options);

    /// <summary>A tap is labelled by the thread that makes it: one of its own, which takes the context on and ends with it.</summary>
    private static SafeFileHandle OpenIn(string context, NetworkNamespace? network, string name, TapOptions options)
    {
        SafeFileHandle? handle = null;
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                KernelFile.Write("/proc/thread-self/attr/current", context);
                handle = OpenHere(network, name, options);
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        })
        {
            IsBackground = true,
            Name = "tap in a security context",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return handle!;
    }

    private static SafeFileHandle OpenHere(NetworkNamespace? network, string name, TapOptions options)
    {
        // The control device remembers the namespace it was opened in; all else may be done from anywhere.
        SafeFileHandle Open() => Libc.open(ControlPath, Libc.O_RDWR | Libc.O_CLOEXEC, 0) is { IsInvalid: false } handle
            ? handle
            : throw new LinuxException($"open {ControlPath}", Libc.LastErrno, "the kernel's tun/tap driver is needed");
        SafeFileHandle handle = network is null ? Open() : network.Visit(Open);
        try
        {
            Attach(handle, name, options);
            return handle;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Opens several queues of a multi-queue tap. The caller owns the descriptors.</summary>
    public static SafeFileHandle[] OpenQueues(NetworkNamespace? network, string name, TapOptions options, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        TapOptions each = options with { MultiQueue = true };
        SafeFileHandle[] queues = new SafeFileHandle[count];
        int opened = 0;
        try
        {
            for (; opened < count; opened++)
            {
                queues[opened] = Open(network, name, opened == 0 ? each : each with { Exclusive = false });
            }

            return queues;
        }
        catch
        {
            for (int i = opened - 1; i >= 0; i--)
            {
                queues[i].Dispose();
            }

            throw;
        }
    }

    private static unsafe void Attach(SafeFileHandle handle, string name, TapOptions options)
    {
        if (Encoding.UTF8.GetByteCount(name) is 0 or >= NameSize)
        {
            throw new ArgumentException($"\"{name}\" cannot be an interface's name: it must have 1 to {NameSize - 1} bytes.", nameof(name));
        }

        InterfaceRequest request = default;
        Encoding.UTF8.GetBytes(name, new Span<byte>(request.Name, NameSize));
        request.Flags = (short)(IFF_TAP | IFF_NO_PI
            | (options.VnetHeader ? IFF_VNET_HDR : 0)
            | (options.MultiQueue ? IFF_MULTI_QUEUE : 0)
            | (options.Exclusive ? IFF_TUN_EXCL : 0));
        Control(handle, TUNSETIFF, &request, $"attach to tap {name} (TUNSETIFF)");
        if (options.OwnerUid is { } user)
        {
            Control(handle, TUNSETOWNER, (void*)(nuint)user, $"set the owner of tap {name} (TUNSETOWNER)");
        }

        if (options.OwnerGid is { } group)
        {
            Control(handle, TUNSETGROUP, (void*)(nuint)group, $"set the group of tap {name} (TUNSETGROUP)");
        }

        if (options.Persistent)
        {
            Control(handle, TUNSETPERSIST, (void*)1, $"make tap {name} persistent (TUNSETPERSIST)");
        }
    }

    private static unsafe void Control(SafeFileHandle handle, nuint request, void* argument, string operation)
    {
        if (Libc.ioctl(handle, request, argument) < 0)
        {
            LinuxException.ThrowLast(operation);
        }
    }

    /// <summary>struct ifreq, as far as TUNSETIFF reads it.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private unsafe struct InterfaceRequest
    {
        internal fixed byte Name[NameSize];
        internal short Flags;
    }
}
