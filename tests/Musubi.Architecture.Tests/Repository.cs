namespace Musubi.Architecture.Tests;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Folders of src that hold code, from the repository's root, as <c>src/Musubi.Linux/Links</c>.</summary>
    public static IReadOnlyList<string> CodeFolders { get; } =
    [
        .. Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Root, Path.GetDirectoryName(f)!))
            .Where(d => !d.Split('/').Any(part => part is "obj" or "bin" or "artifacts"))
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    private static string Find([System.Runtime.CompilerServices.CallerFilePath] string here = "")
    {
        for (string? directory = Path.GetDirectoryName(here); directory is not null; directory = Path.GetDirectoryName(directory))
        {
            if (File.Exists(Path.Combine(directory, "Musubi.slnx")))
            {
                return directory;
            }
        }

        throw new InvalidOperationException("the tests were not built from a checkout");
    }
}
