using Musubi.Cni.Execution;
using Musubi.Cni.Ipam.Dhcp;

namespace Musubi.Cni.Host.Commands;

/// <summary>What the executable does when it is called by its own name, by an administrator.</summary>
internal static class Command
{
    /// <summary>Exit code for a command line that makes no sense.</summary>
    public const int Misused = 2;

    /// <summary>Runs a command and answers its exit code.</summary>
    public static int Run(string[] args)
    {
        switch (args)
        {
            case ["daemon", .. string[] flags]:
                return DaemonProcess.Run(flags, Console.Error);
            case ["plugins"]:
                Console.Out.WriteLine(string.Join('\n', PluginCatalog.Names));
                return 0;
            case ["version" or "--version"]:
                Console.Out.WriteLine($"musubi-cni {typeof(PluginCatalog).Assembly.GetName().Version?.ToString(3)}");
                return 0;
            case ["help" or "--help" or "-h"]:
                Console.Out.WriteLine(Usage.Text);
                return 0;
            default:
                Console.Error.WriteLine(Usage.Text);
                return Misused;
        }
    }
}
