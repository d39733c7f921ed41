using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Namespaces;

/// <summary>
/// An open network namespace; network_namespaces(7). It stays alive while this object is open, pinned at a path or not.
/// </summary>
/// <remarks>
/// A socket belongs for life to the namespace it was opened in, so most work needs only <see cref="OpenSocket"/> or a netlink socket opened inside.
/// Other code runs inside on a thread of its own which ends afterwards: no thread is ever left in a namespace where later work would not expect it.
/// </remarks>
public sealed class NetworkNamespace : IDisposable
{
    private const string OwnPath = "/proc/thread-self/ns/net";

    private NetworkNamespace(SafeFileHandle handle, string? path)
    {
        Handle = handle;
        Path = path;
        (Device, Inode) = Identify(handle, path);
    }

    /// <summary>The namespace's descriptor. It belongs to this object: do not dispose it.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>The path it was opened by, or null for the caller's own.</summary>
    public string? Path { get; }

    /// <summary>The device number of the namespace's file; with <see cref="Inode"/> it identifies the namespace.</summary>
    public ulong Device { get; }

    /// <summary>The inode of the namespace's file, as <c>readlink /proc/self/ns/net</c> shows it.</summary>
    public ulong Inode { get; }

    /// <summary>Opens the namespace of the calling thread. The caller disposes it.</summary>
    public static NetworkNamespace OpenCurrent() => new(OpenFile(OwnPath), path: null);

    /// <summary>Opens the namespace at a path such as <c>/run/netns/vm-a</c> or <c>/proc/123/ns/net</c>. The caller disposes it.</summary>
    /// <exception cref="LinuxException">ENOENT: nothing is there; EINVAL: what is there is not a network namespace.</exception>
    public static NetworkNamespace Open(string path)
    {
        SafeFileHandle handle = OpenFile(path);
        try
        {
            EnsureNetworkNamespace(handle, path);
            return new NetworkNamespace(handle, path);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Opens the namespace at a path, or answers null when nothing is there. The caller disposes it.</summary>
    public static NetworkNamespace? Find(string path)
    {
        try
        {
            return Open(path);
        }
        catch (LinuxException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR)
        {
            return null;
        }
    }

    /// <summary>Creates a namespace and pins it at a path; <c>ip netns add</c>. The caller disposes the object, <see cref="Remove"/> ends the pin.</summary>
    /// <remarks>The directory is created when missing. Inside, nothing is up, not even <c>lo</c>.</remarks>
    /// <exception cref="LinuxException">EEXIST: the path is taken.</exception>
    public static NetworkNamespace Create(string path)
    {
        if (System.IO.Path.GetDirectoryName(path) is { Length: > 0 } directory)
        {
            Directory.CreateDirectory(directory);
        }

        using (SafeFileHandle file = Libc.open(path, Libc.O_RDONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC, 0))
        {
            if (file.IsInvalid)
            {
                LinuxException.ThrowLast($"create {path}");
            }
        }

        try
        {
            OnOwnThread(() => UnshareAndPin(path));
            return Open(path);
        }
        catch
        {
            Remove(path);
            throw;
        }
    }

    /// <summary>Ends the pin of a namespace and removes its file; <c>ip netns delete</c>. Nothing there is no error.</summary>
    /// <remarks>The namespace itself lives on while a process, socket or open <see cref="NetworkNamespace"/> holds it.</remarks>
    public static void Remove(string path)
    {
        if (Libc.umount2(path, Libc.MNT_DETACH) < 0 && Libc.LastErrno is not (Errno.EINVAL or Errno.ENOENT or Errno.ENOTDIR))
        {
            LinuxException.ThrowLast($"unmount {path}");
        }

        if (Libc.unlink(path) < 0 && Libc.LastErrno is not (Errno.ENOENT or Errno.ENOTDIR))
        {
            LinuxException.ThrowLast($"remove {path}");
        }
    }

    /// <summary>Whether both are the same namespace, whatever paths they were opened by.</summary>
    public bool IsSameAs(NetworkNamespace other) => Device == other.Device && Inode == other.Inode;

    /// <summary>Whether the calling thread is in this namespace.</summary>
    public bool IsCurrent => Identify(OwnPath) == (Device, Inode);

    /// <summary>Runs code inside the namespace and waits for it: on the calling thread when that is inside, on one of its own otherwise.</summary>
    public void Run(Action action)
    {
        if (IsCurrent)
        {
            action();
            return;
        }

        OnOwnThread(() =>
        {
            Enter();
            action();
        });
    }

    /// <summary>As <see cref="Run(Action)"/>, with a result.</summary>
    public T Run<T>(Func<T> function)
    {
        T? result = default;
        Run(() => { result = function(); });
        return result!;
    }

    /// <summary>Opens a socket that belongs to this namespace for life, whichever thread uses it. The caller disposes it.</summary>
    public Socket OpenSocket(AddressFamily family, SocketType type, ProtocolType protocol) =>
        Run(() => new Socket(family, type, protocol));

    /// <inheritdoc/>
    public override string ToString() => Path ?? $"net:[{Inode}]";

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    /// <summary>
    /// Makes one system call of this library inside the namespace, on the calling thread, which is back before anything else can run on it. Where sockets
    /// are opened often this saves a thread each time, ten times the cost of the call.
    /// </summary>
    internal T Visit<T>(Func<T> call)
    {
        if (IsCurrent)
        {
            return call();
        }

        using SafeFileHandle own = OpenFile(OwnPath);
        Enter();
        try
        {
            return call();
        }
        finally
        {
            if (Libc.setns(own, Libc.CLONE_NEWNET) < 0)
            {
                // Later work on this thread would change the wrong network.
                Environment.FailFast($"A thread cannot leave network namespace {this}: {LinuxException.Words(Libc.LastErrno)}");
            }
        }
    }

    /// <summary>A namespace by its descriptor, which belongs to the object from then on.</summary>
    internal static NetworkNamespace Of(SafeFileHandle handle)
    {
        try
        {
            return new NetworkNamespace(handle, path: null);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Moves the calling thread into the namespace, for good: only for threads that end, and for a process about to execve.</summary>
    internal void Enter()
    {
        if (Libc.setns(Handle, Libc.CLONE_NEWNET) < 0)
        {
            LinuxException.ThrowLast($"enter network namespace {this}");
        }
    }

    private static unsafe void UnshareAndPin(string path)
    {
        if (Libc.unshare(Libc.CLONE_NEWNET) < 0)
        {
            LinuxException.ThrowLast("create a network namespace (unshare)");
        }

        if (Libc.mount(OwnPath, path, null, Libc.MS_BIND, null) < 0)
        {
            LinuxException.ThrowLast($"pin network namespace at {path} (mount)");
        }
    }

    private static SafeFileHandle OpenFile(string path)
    {
        SafeFileHandle handle = Libc.open(path, Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (handle.IsInvalid)
        {
            LinuxException.ThrowLast($"open network namespace {path}");
        }

        return handle;
    }

    private static unsafe void EnsureNetworkNamespace(SafeFileHandle handle, string path)
    {
        int type = Libc.ioctl(handle, Libc.NS_GET_NSTYPE, null);
        if (type != Libc.CLONE_NEWNET)
        {
            throw new LinuxException($"open network namespace {path}", Errno.EINVAL, "the file is not a network namespace");
        }
    }

    private static unsafe (ulong Device, ulong Inode) Identify(SafeFileHandle handle, string? path)
    {
        Libc.StatxBuffer stat;
        if (Libc.statx_fd(handle, "", Libc.AT_EMPTY_PATH, 0, &stat) < 0)
        {
            LinuxException.ThrowLast($"stat network namespace {path}");
        }

        return (((ulong)stat.DeviceMajor << 32) | stat.DeviceMinor, stat.Inode);
    }

    private static unsafe (ulong Device, ulong Inode) Identify(string path)
    {
        Libc.StatxBuffer stat;
        if (Libc.statx(Libc.AT_FDCWD, path, 0, 0, &stat) < 0)
        {
            LinuxException.ThrowLast($"stat {path}");
        }

        return (((ulong)stat.DeviceMajor << 32) | stat.DeviceMinor, stat.Inode);
    }

    private static void OnOwnThread(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.IsBackground = true;
        thread.Name = "namespace visit";
        thread.Start();
        thread.Join();
        failure?.Throw();
    }
}
