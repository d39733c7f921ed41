using Musubi.Cni.Execution;

// Runtimes call a plugin by its file name; a multi-call executable is every plugin that a link names it after.
string calledAs = Path.GetFileName(Environment.GetCommandLineArgs() is [var self, ..] ? self : "");
if (PluginCatalog.Find(calledAs) is { } plugin)
{
    using Stream input = Console.OpenStandardInput();
    using Stream output = Console.OpenStandardOutput();
    return PluginProcess.Run(plugin, input, output, Console.Error, Environment.ProcessPath);
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
