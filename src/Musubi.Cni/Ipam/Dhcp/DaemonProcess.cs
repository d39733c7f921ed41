using System.Globalization;
using System.Runtime.InteropServices;
using Musubi.Linux;
using Musubi.Linux.Events;
using Musubi.Linux.Files;
using Musubi.Linux.Sockets;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>The daemon as a process: flags, socket, signals, and the files it leaves behind on neither way out.</summary>
public static class DaemonProcess
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const int FirstInherited = 3; // SD_LISTEN_FDS_START

    /// <summary>The daemon's flags, for people.</summary>
    public static string Help => DaemonOptions.Help;

    /// <summary>Serves until SIGTERM or SIGINT.</summary>
    /// <param name="arguments">The flags.</param>
    /// <param name="log">Standard error.</param>
    /// <returns>The exit code: 0 after a signal, 1 when it could not be started, 2 for wrong flags.</returns>
    public static int Run(IReadOnlyList<string> arguments, TextWriter log)
    {
        if (arguments is ["-h" or "--help" or "-help"])
        {
            log.WriteLine(Help);
            return 0;
        }

        try
        {
            Serve(DaemonOptions.Parse(arguments), log);
            return 0;
        }
        catch (FormatException e)
        {
            log.WriteLine($"dhcp daemon: {e.Message}\n{Help}");
            return 2;
        }
        catch (TimeoutException)
        {
            log.WriteLine("dhcp daemon: another daemon keeps the leases of this socket");
            return 1;
        }
        catch (LinuxException e)
        {
            log.WriteLine($"dhcp daemon: {e.Message}");
            return 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.WriteLine($"dhcp daemon: {FileErrors.Describe(e)}");
            return 1;
        }
    }

    private static void Serve(DaemonOptions options, TextWriter log)
    {
        int? inherited = InheritedSocket();
        Directory.CreateDirectory(Path.GetDirectoryName(options.Socket)!, OwnerOnly);
        using LeaseStore store = LeaseStore.Open(options.StateDirectory);
        using LocalListener listener = inherited is { } descriptor ? LocalListener.Inherited(descriptor) : Listen(options.Socket);
        try
        {
            if (options.PidFile.Length > 0)
            {
                WritePidFile(options.PidFile);
            }

            using EventLoop loop = new(new BootClock());
            using DhcpDaemon daemon = new(loop, listener, store, options, log);
            void Stop(PosixSignalContext signal)
            {
                signal.Cancel = true;
                loop.Stop();
            }

            using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
            using PosixSignalRegistration interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
            log.WriteLine($"dhcp daemon: listening at {(inherited is null ? options.Socket : "the socket it was started with")}");
            loop.Run();
        }
        finally
        {
            // A socket of systemd's is systemd's to remove.
            if (inherited is null)
            {
                File.Delete(options.Socket);
            }

            if (options.PidFile.Length > 0)
            {
                File.Delete(options.PidFile);
            }
        }
    }

    /// <summary>The socket that systemd hands over; sd_listen_fds(3).</summary>
    private static int? InheritedSocket()
    {
        string? count = Environment.GetEnvironmentVariable("LISTEN_FDS");
        string? process = Environment.GetEnvironmentVariable("LISTEN_PID");
        if (string.IsNullOrEmpty(count) || (!string.IsNullOrEmpty(process) && process != Environment.ProcessId.ToString(CultureInfo.InvariantCulture)))
        {
            return null;
        }

        return count switch
        {
            "0" => null,
            "1" => FirstInherited,
            _ => throw new IOException($"LISTEN_FDS={count}: too many sockets, one is expected"),
        };
    }

    /// <summary>Listens at a path. The file of a daemon that was killed is replaced; that of one that lives is not.</summary>
    private static LocalListener Listen(string path)
    {
        if (File.Exists(path))
        {
            try
            {
                LocalSocket.Connect(path).Dispose();
                throw new IOException($"another daemon listens at {path}");
            }
            catch (LinuxException)
            {
                File.Delete(path);
            }
        }

        return LocalListener.Bind(path);
    }

    private static void WritePidFile(string path)
    {
        string temporary = path + ".new";
        File.WriteAllText(temporary, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        File.Move(temporary, path, overwrite: true);
    }
}
