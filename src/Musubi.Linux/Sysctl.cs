using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Files;
using Musubi.Linux.Interop;
using Musubi.Linux.Namespaces;

namespace Musubi.Linux;

/// <summary>
/// Kernel parameters below /proc/sys; sysctl(8). Names use slashes, because interface names may contain dots: <c>net/ipv4/conf/eth0.100/arp_notify</c>.
/// </summary>
public static class Sysctl
{
    private const string Root = "/proc/sys/";

    /// <summary>Reads a parameter, without the final newline.</summary>
    /// <param name="network">The namespace whose parameter is meant, or null for the caller's own.</param>
    /// <param name="name">The path below /proc/sys.</param>
    /// <exception cref="LinuxException">ENOENT: there is no such parameter.</exception>
    public static string Read(NetworkNamespace? network, string name)
    {
        using SafeFileHandle file = Open(network, name, Libc.O_RDONLY);
        return KernelFile.Read(file, $"sysctl {name}");
    }

    /// <summary>Writes a parameter.</summary>
    /// <param name="network">The namespace whose parameter is meant, or null for the caller's own.</param>
    /// <param name="name">The path below /proc/sys.</param>
    /// <param name="value">The value as text.</param>
    /// <exception cref="LinuxException">ENOENT: there is no such parameter; EINVAL: the value is not accepted.</exception>
    public static void Write(NetworkNamespace? network, string name, string value)
    {
        using SafeFileHandle file = Open(network, name, Libc.O_WRONLY);
        KernelFile.Write(file, $"sysctl {name}", value);
    }

    /// <summary>Writes a parameter unless it has the value already; answers whether it was written.</summary>
    /// <exception cref="LinuxException">As <see cref="Write(NetworkNamespace?, string, string)"/>.</exception>
    public static bool Ensure(NetworkNamespace? network, string name, string value)
    {
        using SafeFileHandle file = Open(network, name, Libc.O_RDWR);
        if (string.Equals(KernelFile.Read(file, $"sysctl {name}"), value, StringComparison.Ordinal))
        {
            return false;
        }

        KernelFile.Write(file, $"sysctl {name}", value);
        return true;
    }

    /// <summary>Writes a parameter if the kernel has it; answers whether it has.</summary>
    public static bool TryWrite(NetworkNamespace? network, string name, string value)
    {
        try
        {
            Write(network, name, value);
            return true;
        }
        catch (LinuxException e) when (e.Errno == Errno.ENOENT)
        {
            return false;
        }
    }

    /// <summary>Writes several parameters unless they have their values already, with one visit to the namespace.</summary>
    /// <exception cref="LinuxException">As <see cref="Write(NetworkNamespace?, string, string)"/>; the parameters before it are written.</exception>
    public static void EnsureAll(NetworkNamespace? network, params (string Name, string Value)[] parameters) => EnsureAll(network, parameters, required: true);

    /// <summary>As EnsureAll; parameters that the kernel does not have are left out.</summary>
    public static void TryEnsureAll(NetworkNamespace? network, params (string Name, string Value)[] parameters) => EnsureAll(network, parameters, required: false);

    private static void EnsureAll(NetworkNamespace? network, (string Name, string Value)[] parameters, bool required)
    {
        SafeFileHandle?[] files = new SafeFileHandle?[parameters.Length];
        try
        {
            if (network is null)
            {
                OpenAll();
            }
            else
            {
                network.Visit(OpenAll);
            }

            for (int i = 0; i < files.Length; i++)
            {
                (string name, string value) = parameters[i];
                if (files[i] is { } file && !string.Equals(KernelFile.Read(file, $"sysctl {name}"), value, StringComparison.Ordinal))
                {
                    KernelFile.Write(file, $"sysctl {name}", value);
                }
            }
        }
        finally
        {
            foreach (SafeFileHandle? file in files)
            {
                file?.Dispose();
            }
        }

        bool OpenAll()
        {
            for (int i = 0; i < files.Length; i++)
            {
                string name = parameters[i].Name;
                SafeFileHandle file = Libc.open(PathOf(name), Libc.O_RDWR | Libc.O_CLOEXEC, 0);
                if (!file.IsInvalid)
                {
                    files[i] = file;
                }
                else if (required || Libc.LastErrno != Errno.ENOENT)
                {
                    LinuxException.ThrowLast($"open sysctl {name}");
                }
            }

            return true;
        }
    }

    // The kernel resolves /proc/sys/net for the namespace of whoever opens it; reading and writing may happen anywhere afterwards.
    private static SafeFileHandle Open(NetworkNamespace? network, string name, int flags)
    {
        string path = PathOf(name);
        SafeFileHandle Open() => KernelFile.Open(path, flags, $"open sysctl {name}");
        return network is null ? Open() : network.Visit(Open);
    }

    private static string PathOf(string name)
    {
        foreach (Range part in name.AsSpan().Split('/'))
        {
            if (name.AsSpan(part) is "" or "." or "..")
            {
                throw new ArgumentException($"\"{name}\" is not a sysctl name: expected a path below /proc/sys such as net/ipv4/ip_forward.", nameof(name));
            }
        }

        return Root + name;
    }
}
