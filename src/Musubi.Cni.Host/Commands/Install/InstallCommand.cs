using Musubi.Cni.Execution;
using Musubi.Linux.Files;

namespace Musubi.Cni.Host.Commands.Install;

/// <summary><c>musubi-cni install</c>: the executable and its links in a runtime's plugin directory.</summary>
internal static class InstallCommand
{
    private const string Executable = "musubi-cni";
    private const string Kept = ".before-musubi";
    private const string Temporary = ".new-musubi";
    private const UnixFileMode ForAll = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public static int Run(IReadOnlyList<string> arguments, TextWriter output, TextWriter errors)
    {
        Flags flags = Flags.Read(arguments, ["--bin-dir", "--conf-dir", "--plugins"], ["--force"]);
        string directory = flags["--bin-dir"] is { Length: > 0 } given ? Path.GetFullPath(given) : throw new FormatException("install needs --bin-dir");
        if (flags.Rest.Count > 0)
        {
            throw new FormatException($"unexpected argument \"{flags.Rest[0]}\"");
        }

        IReadOnlyList<string> plugins = PluginsOf(flags["--plugins"]);
        Directory.CreateDirectory(directory);
        string target = Path.Combine(directory, Executable);

        // Looked at before anything is done: half a set of plugins is worse than the old one.
        string[] foreign = [.. plugins.Where(name => IsForeign(directory, name, target))];
        if (foreign.Length > 0 && !flags.Has("--force"))
        {
            errors.WriteLine($"musubi-cni: {directory} has plugins of others: {string.Join(", ", foreign)}");
            errors.WriteLine($"Nothing was changed. --force replaces them and keeps each as NAME{Kept}; --plugins installs only those that are named.");
            return Command.Failed;
        }

        bool copied = CopyExecutable(target);
        output.WriteLine($"{target}: {(copied ? "installed" : "up to date")}");
        foreach (string name in plugins)
        {
            output.WriteLine($"{Path.Combine(directory, name)}: {Link(directory, name, foreign.Contains(name))}");
        }

        if (flags["--conf-dir"] is { Length: > 0 } configurations)
        {
            output.WriteLine(SampleNetwork.Write(Path.GetFullPath(configurations)));
        }

        return 0;
    }

    private static IReadOnlyList<string> PluginsOf(string? list)
    {
        if (list is null)
        {
            return PluginCatalog.Names;
        }

        string[] names = list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return Array.Find(names, n => !PluginCatalog.Names.Contains(n)) is { } unknown
            ? throw new FormatException($"there is no plugin \"{unknown}\": musubi-cni plugins prints those there are")
            : names.Length > 0 ? names : throw new FormatException("--plugins names none");
    }

    /// <summary>Whether a name is taken by something that is not this executable or an earlier one of its kind.</summary>
    private static bool IsForeign(string directory, string name, string target)
    {
        FileInfo file = new(Path.Combine(directory, name));
        if (file.LinkTarget is { } link)
        {
            return Path.GetFileName(link) != Executable;
        }

        return Directory.Exists(file.FullName)
            || (file.Exists && FileIdentity.Find(file.FullName) is var identity && identity != FileIdentity.Find(target) && identity != FileIdentity.Find(Environment.ProcessPath!));
    }

    /// <summary>Copies the running executable; false when the same one is there.</summary>
    private static bool CopyExecutable(string target)
    {
        string self = Environment.ProcessPath!;
        if (FileIdentity.Find(self) == FileIdentity.Find(target) || HasContentOf(self, target))
        {
            return false;
        }

        string temporary = target + Temporary;
        using (FileStream from = File.OpenRead(self))
        using (FileStream to = new(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = ForAll }))
        {
            from.CopyTo(to);

            // On disk before it has its name: a plugin cut short by a crash would take every container's network with it.
            to.Flush(flushToDisk: true);
        }

        File.SetUnixFileMode(temporary, ForAll);
        File.Move(temporary, target, overwrite: true);
        return true;
    }

    private static bool HasContentOf(string self, string target) =>
        File.Exists(target) && new FileInfo(self).Length == new FileInfo(target).Length && File.ReadAllBytes(self).AsSpan().SequenceEqual(File.ReadAllBytes(target));

    /// <summary>Links a name to the executable; answers what was done.</summary>
    private static string Link(string directory, string name, bool foreign)
    {
        string path = Path.Combine(directory, name);
        if (new FileInfo(path).LinkTarget == Executable)
        {
            return "up to date";
        }

        string kept = path + Kept;
        bool keep = foreign && !Path.Exists(kept) && new FileInfo(kept).LinkTarget is null;
        if (keep)
        {
            // A copy, so that the name leads to a plugin at every moment.
            Copy(path, kept);
        }

        string temporary = path + Temporary;
        File.Delete(temporary);
        File.CreateSymbolicLink(temporary, Executable);
        File.Move(temporary, path, overwrite: true);
        return keep ? $"installed, the one before is {name}{Kept}" : "installed";
    }

    private static void Copy(string path, string kept)
    {
        if (new FileInfo(path).LinkTarget is { } link)
        {
            File.CreateSymbolicLink(kept, link);
            return;
        }

        string temporary = kept + Temporary;
        File.Copy(path, temporary, overwrite: true);
        File.Move(temporary, kept);
    }
}
