namespace Musubi.Testing;

/// <summary>What host-local has given out, as its directory shows it.</summary>
internal static class Reservations
{
    /// <summary>Names of the files that stand for addresses; none when the directory is missing. Its other files are books of the plugin's own.</summary>
    public static IReadOnlyList<string> In(string directory) => Directory.Exists(directory)
        ? [.. Directory.EnumerateFiles(directory).Select(f => Path.GetFileName(f)).Where(n => char.IsAsciiHexDigit(n[0])).Order(StringComparer.Ordinal)]
        : [];
}
