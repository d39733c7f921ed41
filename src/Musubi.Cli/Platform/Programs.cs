namespace Musubi.Cli.Platform;

/// <summary>Where the programs of this installation are.</summary>
internal static class Programs
{
    /// <summary>The native launcher, beside this program.</summary>
    public static string Launcher => Path.Combine(AppContext.BaseDirectory, "musubi-launcher");

    /// <summary>The words that start this program again: itself, or the runtime with its library.</summary>
    public static IReadOnlyList<string> Self => Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) != "dotnet"
        ? [path]
        : [Environment.ProcessPath!, Path.Combine(AppContext.BaseDirectory, "musubi.dll")];

    /// <summary>Manifests that come with the program.</summary>
    public static string Examples => Path.Combine(AppContext.BaseDirectory, "examples");
}
