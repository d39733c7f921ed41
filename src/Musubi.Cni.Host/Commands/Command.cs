using Musubi.Cni.Execution;
using Musubi.Cni.Host.Commands.Install;
using Musubi.Cni.Host.Commands.Try;
using Musubi.Cni.Ipam.Dhcp;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Files;

namespace Musubi.Cni.Host.Commands;

/// <summary>What the executable does when it is called by its own name, by an administrator.</summary>
internal static class Command
{
    /// <summary>Exit code for what could not be done.</summary>
    public const int Failed = 1;

    /// <summary>Exit code for a command line that makes no sense.</summary>
    public const int Misused = 2;

    /// <summary>Runs a command and answers its exit code.</summary>
    public static int Run(string[] args)
    {
        try
        {
            return Dispatch(args);
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine($"musubi-cni: {e.Message} (musubi-cni help)");
            return Misused;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"musubi-cni: {FileErrors.Describe(e)}");
            return Failed;
        }
        catch (Exception e) when (e is LinuxException or CniException)
        {
            Console.Error.WriteLine($"musubi-cni: {e.Message}");
            return Failed;
        }
    }

    private static int Dispatch(string[] args)
    {
        switch (args)
        {
            case ["help" or "--help" or "-h"] or [_, "--help" or "-h"]:
                Console.Out.WriteLine(Usage.Text);
                return 0;
            case ["install", .. string[] rest]:
                return InstallCommand.Run(rest, Console.Out, Console.Error);
            case ["try", .. string[] rest]:
                return TryCommand.Run(rest);
            case ["daemon", .. string[] flags]:
                return DaemonProcess.Run(flags, Console.Error);
            case ["plugins"]:
                Console.Out.WriteLine(string.Join('\n', PluginCatalog.Names));
                return 0;
            case ["version" or "--version"]:
                Console.Out.WriteLine($"musubi-cni {typeof(PluginCatalog).Assembly.GetName().Version?.ToString(3)}");
                return 0;
            default:
                Console.Error.WriteLine(Usage.Text);
                return Misused;
        }
    }
}
