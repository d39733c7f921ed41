namespace Musubi.Architecture.Tests;

/// <summary>The folders that the rules of architecture speak of.</summary>
internal static class SourceTree
{
    /// <summary>Folders of src that hold code, from the repository's root, as <c>src/Musubi.Linux/Links</c>.</summary>
    public static IReadOnlyList<string> CodeFolders { get; } =
    [
        .. Directory.EnumerateFiles(Repository.File("src"), "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Repository.Root, Path.GetDirectoryName(f)!))
            .Where(d => !d.Split('/').Any(part => part is "obj" or "bin" or "artifacts"))
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];
}
