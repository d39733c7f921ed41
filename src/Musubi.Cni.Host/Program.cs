using Microsoft.Win32.SafeHandles;
using Musubi.Cni.Execution;
using Musubi.Cni.Host.Commands;
using Musubi.Cni.Ipam.Dhcp;

// Runtimes call a plugin by its file name; a multi-call executable is every plugin that a link names it after.
string calledAs = Path.GetFileName(Environment.GetCommandLineArgs() is [var self, ..] ? self : "");
if (PluginCatalog.Find(calledAs) is not { } plugin)
{
    return Command.Run(args);
}

// Not through Console, which prepares terminals and signals that a plugin never meets.
using StreamWriter log = new(Open(2, FileAccess.Write)) { AutoFlush = true };
if (calledAs == "dhcp" && args is ["daemon", .. string[] flags])
{
    return DaemonProcess.Run(flags, log);
}

using FileStream input = Open(0, FileAccess.Read);
using FileStream output = Open(1, FileAccess.Write);
return PluginProcess.Run(plugin, input, output, log, Environment.ProcessPath);

static FileStream Open(int descriptor, FileAccess access) => new(new SafeFileHandle(descriptor, ownsHandle: false), access, bufferSize: 0);
