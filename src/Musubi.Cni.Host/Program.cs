using Microsoft.Win32.SafeHandles;
using Musubi.Cni.Execution;

// Runtimes call a plugin by its file name; a multi-call executable is every plugin that a link names it after.
string calledAs = Path.GetFileName(Environment.GetCommandLineArgs() is [var self, ..] ? self : "");
if (PluginCatalog.Find(calledAs) is { } plugin)
{
    // Not through Console, which prepares terminals and signals that a plugin never meets.
    using FileStream input = Open(0, FileAccess.Read);
    using FileStream output = Open(1, FileAccess.Write);
    using StreamWriter log = new(Open(2, FileAccess.Write)) { AutoFlush = true };
    return PluginProcess.Run(plugin, input, output, log, Environment.ProcessPath);
}

if (args is ["plugins"])
{
    Console.Out.WriteLine(string.Join('\n', PluginCatalog.Names));
    return 0;
}

if (args is ["version" or "--version"])
{
    Console.Out.WriteLine($"musubi-cni {typeof(PluginCatalog).Assembly.GetName().Version?.ToString(3)}");
    return 0;
}

(args is ["help" or "--help" or "-h"] ? Console.Out : Console.Error).WriteLine($"""
    Musubi's CNI plugins in one executable. A container runtime calls it by the name of a plugin:

      ln musubi-cni /opt/cni/bin/bridge

    Plugins: {string.Join(", ", PluginCatalog.Names)}

    Usage:
      musubi-cni plugins    print the plugins' names, one on a line
      musubi-cni version
    """);
return args is ["help" or "--help" or "-h"] ? 0 : 2;

static FileStream Open(int descriptor, FileAccess access) => new(new SafeFileHandle(descriptor, ownsHandle: false), access, bufferSize: 0);
